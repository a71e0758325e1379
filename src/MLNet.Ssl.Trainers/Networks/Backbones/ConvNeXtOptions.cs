using System.Globalization;
using MLNet.Ssl.Networks;
using MLNet.Ssl.Options;
using TorchSharp;

namespace MLNet.Ssl;

/// <summary>Options of a ConvNeXt; the defaults are ConvNeXt-T (Liu et al., arXiv 2201.03545).</summary>
public sealed record ConvNeXtOptions : BackboneOptions
{
    /// <summary>Blocks of each stage.</summary>
    /// <value>Default 3, 3, 9, 3.</value>
    public int[] Depths { get; init; } = [3, 3, 9, 3];

    /// <summary>Channels of each stage; the features are as wide as the last.</summary>
    /// <value>Default 96, 192, 384, 768.</value>
    public int[] Widths { get; init; } = [96, 192, 384, 768];

    /// <summary>Drop-path rate of the last block; the rates rise linearly from 0 at the first. In
    /// [0, 1), for training only.</summary>
    /// <value>Default 0.</value>
    public double DropPathRate { get; init; }

    /// <summary>Initial value of the learned factors of each residual branch's channels.</summary>
    /// <value>Default 1e-6.</value>
    public double LayerScale { get; init; } = 1e-6;

    /// <summary>ConvNeXt-T: 28 million parameters, features of 768.</summary>
    public static ConvNeXtOptions Tiny() => new();

    /// <summary>ConvNeXt-S: 49 million parameters, features of 768.</summary>
    public static ConvNeXtOptions Small() => new() { Depths = [3, 3, 27, 3] };

    /// <summary>ConvNeXt-B: 88 million parameters, features of 1 024.</summary>
    public static ConvNeXtOptions Base() => new() { Depths = [3, 3, 27, 3], Widths = [128, 256, 512, 1024] };

    /// <summary>ConvNeXt-L: 196 million parameters, features of 1 536.</summary>
    public static ConvNeXtOptions Large() => new() { Depths = [3, 3, 27, 3], Widths = [192, 384, 768, 1536] };

    /// <inheritdoc/>
    protected override int FeatureDimension => Widths[^1];

    /// <inheritdoc/>
    public override int LayerCount => Depths.Length;

    /// <inheritdoc/>
    public override bool PrefersAdamW => true;

    /// <inheritdoc/>
    public override double DefaultLayerDecay => 0.8;

    /// <inheritdoc/>
    public override bool NormalizesBatches => false;

    /// <inheritdoc/>
    protected override Backbone Build(torch.Generator generator) => new ConvNeXt(this, generator);

    /// <inheritdoc/>
    public override string Describe()
    {
        string? name = (Depths, Widths) switch
        {
            ([3, 3, 9, 3], [96, 192, 384, 768]) => "-T",
            ([3, 3, 27, 3], [96, 192, 384, 768]) => "-S",
            ([3, 3, 27, 3], [128, 256, 512, 1024]) => "-B",
            ([3, 3, 27, 3], [192, 384, 768, 1536]) => "-L",
            _ => $" of {string.Join(", ", Depths)} blocks",
        };
        return $"ConvNeXt{name}, {EmbeddingDimension} features";
    }

    /// <inheritdoc/>
    public override int LayerOf(string parameter) => parameter.Split('.') switch
    {
        ["stages" or "downsample_layers", var stage, ..] => int.Parse(stage, CultureInfo.InvariantCulture) + 1,
        ["norm", ..] => LayerCount + 1,
        _ => 0,
    };

    /// <inheritdoc/>
    public override BackboneOptions WithDropPath(double rate) => this with { DropPathRate = rate };

    /// <inheritdoc/>
    public override ImagePreprocessing DefaultPreprocessing => ImagePreprocessing.For(224);

    internal override ArchitectureSize LeastSize
    {
        get
        {
            ArchitectureSize size = default;
            for (int stage = 0; stage < Depths.Length; stage++)
            {
                double width = Widths[stage];
                var block = ArchitectureSize.Layer(49, width) + ArchitectureSize.Layer(width, 4 * width)
                    + ArchitectureSize.Layer(4 * width, width);
                // Every layer has a second tensor, the norm two, and there are the factors.
                size += Depths[stage] * (block with { Tensors = 9 });
            }
            return size;
        }
    }

    /// <inheritdoc/>
    public override void Validate()
    {
        if (Depths is not { Length: >= 1 and <= 8 } || Depths.Any(n => n < 1))
            throw new ArgumentException(
                $"{nameof(Depths)} is [{string.Join(", ", Depths ?? [])}]; it must hold 1 to 8 numbers of at least 1.");
        if (Widths is null || Widths.Length != Depths.Length || Widths.Any(n => n < 1))
            throw new ArgumentException($"{nameof(Widths)} is [{string.Join(", ", Widths ?? [])}]; it must hold "
                + $"{Depths.Length} numbers of at least 1.");
        Check.Below(DropPathRate, 0, 1);
    }

    /// <inheritdoc/>
    public override void ValidateViewSize(int size)
    {
        int reduction = 4 << Depths.Length - 1;
        if (size < reduction)
            throw new ArgumentException($"A view of {size} pixels is too small for this ConvNeXt: it needs at least "
                + $"{reduction} pixels.");
    }
}
