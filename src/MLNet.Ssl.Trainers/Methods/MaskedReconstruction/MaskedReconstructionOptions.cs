using MLNet.Ssl.Methods;
using MLNet.Ssl.Optimization;
using MLNet.Ssl.Options;

namespace MLNet.Ssl;

/// <summary>
/// Options of masked reconstruction for rows of a table: some slots get the values of other rows, and the network tells
/// which they are and what stood there (VIME; Yoon et al., NeurIPS 2020; the denoising auto-encoder in Rubachev et al.,
/// arXiv 2207.03208).
/// </summary>
/// <remarks>
/// A <see cref="PretrainOptions.Backbone"/> left at Auto takes numbers in bins
/// (<see cref="NumberEmbedding.PiecewiseLinear"/>), up to 512 columns. Categories are told by
/// <see cref="TableOptions.CategoricalSlots"/>.
/// </remarks>
public sealed record MaskedReconstructionOptions : PretrainOptions
{
    /// <summary>α, the weight of what stood in a slot beside which slots were changed.</summary>
    /// <value>Default 2, as published. Range 0 and up.</value>
    public double ValueWeight { get; init; } = 2;

    /// <summary>Layers of each of the two heads, the hidden ones as wide as the features.</summary>
    /// <value>Default 1, as in VIME. Range 1 and up.</value>
    public int HeadLayers { get; init; } = 1;

    /// <summary>Weight decay of weights; biases and normalisation weights have none.</summary>
    /// <value>Default 1e-5, range 0 and up.</value>
    public double WeightDecay { get; init; } = 1e-5;

    // A wider row in bins would make an input layer that is larger than all others together.
    private const int MostEmbeddedColumns = 512;

    // Of 0.1 to 0.7 what few labels on CovType gain most by; VIME has 0.3.
    internal const double UsualResampleProbability = 0.2;

    /// <inheritdoc/>
    public override string MethodName => "masked reconstruction";

    /// <inheritdoc/>
    public override MethodPlan Plan(PlanContext context)
    {
        ArgumentNullException.ThrowIfNull(context);
        if (context.Columns is not { } columns)
            throw new ArgumentException(
                $"{MethodName} learns from rows of a table; for images take SimCLR, MoCo, BYOL or DINO.");
        var settings = context.Resolve(new()
        {
            MaskProbability = 0,
            ResampleProbability = UsualResampleProbability,
            TableBackbone = columns > MostEmbeddedColumns
                ? new TabularMlpOptions()
                : new TabularMlpOptions { NumberEmbedding = NumberEmbedding.PiecewiseLinear, InputWidth = 256 },
        });
        var optimizer = context.ChooseOptimizer(OptimizerKind.AdamW, "it suits reconstruction");
        double rate = context.ChooseLearningRate(optimizer == OptimizerKind.AdamW ? 0.0005 : 0.05, $"for {optimizer}");
        Check.AtLeast(ValueWeight, 0);
        Check.AtLeast(HeadLayers, 1);
        Check.AtLeast(WeightDecay, 0);
        double peak = settings.PeakRate(rate);
        var target = Target(columns, settings.Table!);
        var optimization = new OptimizationPlan(
            optimizer,
            t => Schedules.SimClr(t.Step, t.TotalSteps, settings.WarmupEpochs * t.StepsPerEpoch, peak),
            _ => WeightDecay);
        return new(optimization, where => new MaskedReconstruction(settings.Backbone, target, where))
        {
            Views = [],
            TableViews = 2,
            WholeTableViews = 1,
        };
    }

    internal ReconstructionTarget Target(int columns, TableSettings table) =>
        new(columns, table.CategoricalSlots, ValueWeight, HeadLayers);
}
