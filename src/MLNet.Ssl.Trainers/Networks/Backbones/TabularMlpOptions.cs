using MLNet.Ssl.Networks;
using MLNet.Ssl.Options;
using TorchSharp;

namespace MLNet.Ssl;

/// <summary>
/// Options of a perceptron for rows of a table, i-Mix's. The defaults are an eighth of the published widths, for tables
/// of thousands of rows; <see cref="CovType"/> has those of i-Mix (Lee et al., arXiv 2010.08887, appendix).
/// </summary>
public sealed record TabularMlpOptions : BackboneOptions
{
    /// <summary>Consecutive slots that have an input layer of their own, such as continuous values,
    /// and each set of indicators.</summary>
    /// <value>Auto: one group of all slots. The numbers sum to the width of a row.</value>
    public int[]? InputGroups { get; init; }

    /// <summary>Outputs of each input layer.</summary>
    /// <value>Default 64, range 1 and up.</value>
    public int InputWidth { get; init; } = 64;

    /// <summary>Outputs of each hidden layer.</summary>
    /// <value>Default 256, 256, 512, 512.</value>
    public int[] HiddenWidths { get; init; } = [256, 256, 512, 512];

    /// <summary>Outputs of the last layer, before the maxout.</summary>
    /// <value>Default 1 024; a multiple of <see cref="MaxoutGroup"/>.</value>
    public int OutputWidth { get; init; } = 1024;

    /// <summary>Consecutive outputs of which the largest is a feature.</summary>
    /// <value>Default 4, range 1 and up.</value>
    public int MaxoutGroup { get; init; } = 4;

    /// <summary>What becomes of continuous values before the input layer.</summary>
    /// <value>Default <see cref="NumberEmbedding.None"/>: the values themselves, as published for i-Mix. With another
    /// one all slots share one input layer.</value>
    public NumberEmbedding NumberEmbedding { get; init; }

    /// <summary>Slots that hold the values which are embedded, ascending.</summary>
    /// <value>Auto: the continuous slots of the table that is learned from; needed where <see cref="NumberEmbedding"/>
    /// is not <see cref="NumberEmbedding.None"/>.</value>
    public int[]? NumericSlots { get; init; }

    /// <summary>Bins of a piecewise linear embedding, or frequencies of a periodic one, for every value.</summary>
    /// <value>Default 16, range 1 to 1 024.</value>
    public int NumberBins { get; init; } = 16;

    /// <summary>The published network for CovType: inputs 10, 4 and 40, hidden layers of 2 048, 2 048, 4 096 and
    /// 4 096, features of 2 048.</summary>
    public static TabularMlpOptions CovType { get; } = Published([10, 4, 40]);

    /// <summary>The published network for Higgs: all 28 values in one input layer.</summary>
    public static TabularMlpOptions Higgs { get; } = Published([28]);

    /// <inheritdoc/>
    public override bool TakesTables => true;

    /// <inheritdoc/>
    protected override int FeatureDimension => OutputWidth / MaxoutGroup;

    /// <inheritdoc/>
    protected override Backbone Build(torch.Generator generator) => new TabularMlp(this, generator);

    /// <inheritdoc/>
    public override void Validate()
    {
        if (InputGroups is not { Length: > 0 } || InputGroups.Any(n => n < 1))
            throw new ArgumentException($"{nameof(InputGroups)} is [{string.Join(", ", InputGroups ?? [])}]; it must "
                + "hold numbers of at least 1.");
        if (HiddenWidths is null || HiddenWidths.Any(n => n < 1))
            throw new ArgumentException($"{nameof(HiddenWidths)} is [{string.Join(", ", HiddenWidths ?? [])}]; it must "
                + "hold numbers of at least 1.");
        Check.AtLeast(InputWidth, 1);
        Check.Defined(NumberEmbedding);
        Check.InRange(NumberBins, 1, 1024);
        ValidateNumericSlots();
        Check.AtLeast(MaxoutGroup, 1);
        Check.AtLeast(OutputWidth, 1);
        if (OutputWidth % MaxoutGroup != 0)
            throw new ArgumentException($"{nameof(OutputWidth)} is {OutputWidth}; it must be a multiple of "
                + $"{nameof(MaxoutGroup)} ({MaxoutGroup}).");
    }

    /// <inheritdoc/>
    public override string Describe() => $"MLP of {string.Join(", ", HiddenWidths)}, {EmbeddingDimension} features";

    /// <inheritdoc/>
    public override BackboneOptions WithColumns(int columns) =>
        InputGroups is null ? this with { InputGroups = [columns] } : this;

    internal override ArchitectureSize LeastSize
    {
        get
        {
            ArchitectureSize size = default;
            foreach (int slots in InputGroups!) size += ArchitectureSize.Layer(slots, InputWidth);
            double before = (double)InputWidth * InputGroups!.Length;
            foreach (double width in HiddenWidths.Append(OutputWidth))
            {
                size += ArchitectureSize.Layer(before, width);
                before = width;
            }
            return size;
        }
    }

    /// <inheritdoc/>
    public override void ValidateColumns(int columns)
    {
        if (InputGroups!.Sum() != columns)
            throw new ArgumentException(
                $"{nameof(InputGroups)} is [{string.Join(", ", InputGroups!)}], {InputGroups!.Sum()} slots in all; "
                + $"rows have {columns}.", nameof(columns));
    }

    /// <summary>The same architecture with the slots to embed filled in; itself if nothing was left open.</summary>
    internal TabularMlpOptions WithNumericSlots(IReadOnlyList<int> slots)
    {
        if (NumberEmbedding == NumberEmbedding.None || NumericSlots is not null) return this;
        return slots.Count == 0 ? this with { NumberEmbedding = NumberEmbedding.None }
            : this with { NumericSlots = [.. slots.Order()] };
    }

    private void ValidateNumericSlots()
    {
        if (NumberEmbedding == NumberEmbedding.None) return;
        if (InputGroups!.Length > 1)
            throw new ArgumentException($"{nameof(InputGroups)} is [{string.Join(", ", InputGroups)}]; with a "
                + $"{nameof(NumberEmbedding)} it must be one group.");
        int before = -1;
        if (NumericSlots is { Length: 0 }) throw new ArgumentException(
            $"{nameof(NumericSlots)} is []; with a {nameof(NumberEmbedding)} it must name slots.");
        foreach (int slot in NumericSlots ?? throw new ArgumentException(
            $"{nameof(NumericSlots)} is null; with a {nameof(NumberEmbedding)} it must name slots."))
        {
            if (slot <= before || slot >= InputGroups[0])
                throw new ArgumentException(
                    $"{nameof(NumericSlots)} is [{string.Join(", ", NumericSlots)}]; it must hold slots from 0 to "
                    + $"{InputGroups[0] - 1}, ascending.");
            before = slot;
        }
    }

    private static TabularMlpOptions Published(int[] inputs) =>
        new() { InputGroups = inputs, HiddenWidths = [2048, 2048, 4096, 4096], OutputWidth = 8192 };
}
