using TorchSharp;

namespace MLNet.Ssl;

/// <summary>How a <see cref="ResNet"/> begins.</summary>
public enum ResNetStem
{
    /// <summary>7×7 convolution of stride 2 and 3×3 max pooling of stride 2, for images of about 224 pixels.</summary>
    ImageNet,

    /// <summary>3×3 convolution of stride 1, no pooling, for images of about 32 pixels.</summary>
    Small,

    /// <summary>3×3 convolution of stride 2, no pooling: a quarter of the work of <see cref="Small"/>.</summary>
    SmallStride2,
}

/// <summary>The residual block of a <see cref="ResNet"/>.</summary>
public enum ResNetBlock
{
    /// <summary>Two 3×3 convolutions (depths 18 and 34).</summary>
    Basic,

    /// <summary>1×1, 3×3 (which carries the stride), 1×1 to four times the width (depths 50, 101 and 152).</summary>
    Bottleneck,
}

/// <summary>Options of a <see cref="ResNet"/>; the defaults are ResNet-18 (He et al., arXiv 1512.03385).</summary>
public sealed record ResNetOptions : BackboneOptions
{
    /// <summary>Blocks of each stage; a stage halves the side and doubles the width of the one before.</summary>
    /// <value>Default 2, 2, 2, 2.</value>
    public int[] BlocksPerStage { get; init; } = [2, 2, 2, 2];

    /// <summary>Which block the stages consist of.</summary>
    /// <value>Default <see cref="ResNetBlock.Basic"/>.</value>
    public ResNetBlock Block { get; init; } = ResNetBlock.Basic;

    /// <summary>Channels of the stem and of the first stage.</summary>
    /// <value>Default 64.</value>
    public int Width { get; init; } = 64;

    /// <summary>How the network begins.</summary>
    /// <value>Default <see cref="ResNetStem.ImageNet"/>.</value>
    public ResNetStem Stem { get; init; } = ResNetStem.ImageNet;

    /// <summary>Whether the last batch-norm scale of every residual branch starts at 0 (MoCo v3, SimCLR) and not at 1 (DINO, MoCo v2, BYOL).</summary>
    /// <value>Default false.</value>
    public bool ZeroInitResidual { get; init; }

    /// <inheritdoc/>
    protected override int FeatureDimension => StageWidth(BlocksPerStage.Length - 1) * Expansion;

    internal int Expansion => Block == ResNetBlock.Bottleneck ? 4 : 1;

    /// <summary>Factor between the side of the image and that of the last feature map.</summary>
    private int Reduction => Stem switch { ResNetStem.ImageNet => 4, ResNetStem.SmallStride2 => 2, _ => 1 } << BlocksPerStage.Length - 1;

    internal int StageWidth(int stage) => Width << stage;

    /// <summary>ResNet-18: 11.2 million parameters at width 64, features of 8 times the width.</summary>
    /// <param name="stem">How the network begins.</param>
    /// <param name="width">Channels of the stem.</param>
    public static ResNetOptions ResNet18(ResNetStem stem = ResNetStem.ImageNet, int width = 64) => Preset([2, 2, 2, 2], ResNetBlock.Basic, stem, width);

    /// <summary>ResNet-34: 21.3 million parameters at width 64, features of 8 times the width.</summary>
    /// <inheritdoc cref="ResNet18"/>
    public static ResNetOptions ResNet34(ResNetStem stem = ResNetStem.ImageNet, int width = 64) => Preset([3, 4, 6, 3], ResNetBlock.Basic, stem, width);

    /// <summary>ResNet-50: 23.5 million parameters at width 64, features of 32 times the width.</summary>
    /// <inheritdoc cref="ResNet18"/>
    public static ResNetOptions ResNet50(ResNetStem stem = ResNetStem.ImageNet, int width = 64) => Preset([3, 4, 6, 3], ResNetBlock.Bottleneck, stem, width);

    /// <summary>ResNet-101: 42.5 million parameters at width 64, features of 32 times the width.</summary>
    /// <inheritdoc cref="ResNet18"/>
    public static ResNetOptions ResNet101(ResNetStem stem = ResNetStem.ImageNet, int width = 64) => Preset([3, 4, 23, 3], ResNetBlock.Bottleneck, stem, width);

    /// <summary>ResNet-152: 58.1 million parameters at width 64, features of 32 times the width.</summary>
    /// <inheritdoc cref="ResNet18"/>
    public static ResNetOptions ResNet152(ResNetStem stem = ResNetStem.ImageNet, int width = 64) => Preset([3, 8, 36, 3], ResNetBlock.Bottleneck, stem, width);

    private static ResNetOptions Preset(int[] blocks, ResNetBlock block, ResNetStem stem, int width) =>
        new() { BlocksPerStage = blocks, Block = block, Stem = stem, Width = width };

    /// <inheritdoc/>
    public override Backbone Create(torch.Generator generator) => new ResNet(this, generator);

    /// <inheritdoc/>
    public override void Validate()
    {
        if (BlocksPerStage is not { Length: >= 1 and <= 8 } || BlocksPerStage.Any(n => n < 1))
            throw new ArgumentException($"{nameof(BlocksPerStage)} is [{string.Join(", ", BlocksPerStage ?? [])}]; it must hold 1 to 8 numbers of at least 1.");
        Check.Defined(Block);
        Check.Defined(Stem);
        Check.AtLeast(Width, 1);
    }

    /// <inheritdoc/>
    public override void ValidateViewSize(int size)
    {
        if (size < Reduction)
            throw new ArgumentException(
                $"A view of {size} pixels is too small for this ResNet, which reduces the side by {Reduction}: it needs at least {Reduction} pixels" +
                (Stem == ResNetStem.Small ? "." : $", or fewer with {nameof(Stem)} = {nameof(ResNetStem.Small)}."), nameof(size));
    }
}
