using System.Globalization;
using MLNet.Ssl.Networks;
using MLNet.Ssl.Options;
using TorchSharp;

namespace MLNet.Ssl;

/// <summary>How a ResNet begins.</summary>
public enum ResNetStem
{
    /// <summary>7×7 convolution of stride 2 and 3×3 max pooling of stride 2, for images of about 224 pixels.</summary>
    ImageNet,

    /// <summary>3×3 convolution of stride 1, no pooling, for images of about 32 pixels.</summary>
    Small,

    /// <summary>3×3 convolution of stride 2, no pooling: a quarter of the work of <see cref="Small"/>.</summary>
    SmallStride2,
}

/// <summary>The residual block of a ResNet.</summary>
public enum ResNetBlock
{
    /// <summary>Two 3×3 convolutions (depths 18 and 34).</summary>
    Basic,

    /// <summary>1×1, 3×3 (which carries the stride), 1×1 to four times the width (depths 50, 101 and 152).</summary>
    Bottleneck,
}

/// <summary>Options of a ResNet; the defaults are ResNet-18 (He et al., arXiv 1512.03385).</summary>
public sealed record ResNetOptions : BackboneOptions
{
    /// <summary>Blocks of each stage; a stage halves the side and doubles the width of the one before.</summary>
    /// <value>Default 2, 2, 2, 2.</value>
    public int[] BlocksPerStage { get; init; } = [2, 2, 2, 2];

    /// <summary>Which block the stages consist of.</summary>
    /// <value>Default <see cref="ResNetBlock.Basic"/>.</value>
    public ResNetBlock Block { get; init; } = ResNetBlock.Basic;

    /// <summary>Channels of the stem and of the first stage: 64·w for a network that the
    /// literature calls w times as wide.</summary>
    /// <value>Default 64. Range 1 and up, 2 and up with <see cref="SelectiveKernels"/>.</value>
    public int Width { get; init; } = 64;

    /// <summary>How the network begins.</summary>
    /// <value>Default <see cref="ResNetStem.ImageNet"/>.</value>
    public ResNetStem Stem { get; init; } = ResNetStem.ImageNet;

    /// <summary>Whether the last batch-norm scale of every residual branch starts at 0 (MoCo v3, SimCLR) and not at
    /// 1 (DINO, MoCo v2, BYOL).</summary>
    /// <value>Default false.</value>
    public bool ZeroInitResidual { get; init; }

    /// <summary>
    /// SimCLR v2's "SK" (Chen et al., arXiv 2006.10029): bottlenecks choose between two streams of 3×3 kernels, channel
    /// by channel; with it come ResNet-D's three 3×3 convolutions in the <see cref="ResNetStem.ImageNet"/> stem, and
    /// shortcuts that pool before they project.
    /// </summary>
    /// <value>Default false. True needs <see cref="ResNetBlock.Bottleneck"/>.</value>
    public bool SelectiveKernels { get; init; }

    /// <inheritdoc/>
    protected override int FeatureDimension => StageWidth(BlocksPerStage.Length - 1) * Expansion;

    internal int Expansion => Block == ResNetBlock.Bottleneck ? 4 : 1;

    /// <summary>Factor between the side of the image and that of the last feature map.</summary>
    private int Reduction =>
        Stem switch { ResNetStem.ImageNet => 4, ResNetStem.SmallStride2 => 2, _ => 1 } << BlocksPerStage.Length - 1;

    /// <inheritdoc/>
    public override int StageCount => BlocksPerStage.Length + 2;

    /// <inheritdoc/>
    public override int LayerCount => BlocksPerStage.Length;

    internal int StageWidth(int stage) => Width << stage;

    /// <summary>ResNet-18: 11.2 million parameters at width 64, features of 8 times the width.</summary>
    /// <param name="stem">How the network begins.</param>
    /// <param name="width">Channels of the stem.</param>
    public static ResNetOptions ResNet18(ResNetStem stem = ResNetStem.ImageNet, int width = 64) =>
        Preset([2, 2, 2, 2], ResNetBlock.Basic, stem, width);

    /// <summary>ResNet-34: 21.3 million parameters at width 64, features of 8 times the width.</summary>
    /// <inheritdoc cref="ResNet18"/>
    public static ResNetOptions ResNet34(ResNetStem stem = ResNetStem.ImageNet, int width = 64) =>
        Preset([3, 4, 6, 3], ResNetBlock.Basic, stem, width);

    /// <summary>ResNet-50: 23.5 million parameters at width 64, features of 32 times the width.</summary>
    /// <inheritdoc cref="ResNet18"/>
    public static ResNetOptions ResNet50(ResNetStem stem = ResNetStem.ImageNet, int width = 64) =>
        Preset([3, 4, 6, 3], ResNetBlock.Bottleneck, stem, width);

    /// <summary>ResNet-101: 42.5 million parameters at width 64, features of 32 times the width.</summary>
    /// <inheritdoc cref="ResNet18"/>
    public static ResNetOptions ResNet101(ResNetStem stem = ResNetStem.ImageNet, int width = 64) =>
        Preset([3, 4, 23, 3], ResNetBlock.Bottleneck, stem, width);

    /// <summary>ResNet-152: 58.1 million parameters at width 64, features of 32 times the width.</summary>
    /// <inheritdoc cref="ResNet18"/>
    public static ResNetOptions ResNet152(ResNetStem stem = ResNetStem.ImageNet, int width = 64) =>
        Preset([3, 8, 36, 3], ResNetBlock.Bottleneck, stem, width);

    /// <summary>
    /// A network of SimCLR v2 (Chen et al., arXiv 2006.10029, Table 1): from ResNet-50 (24 million
    /// parameters, 35 with selective kernels) to ResNet-152 at three times the width with selective kernels
    /// (795 million). Residual branches start silent.
    /// </summary>
    /// <param name="depth">50, 101 or 152.</param>
    /// <param name="widthMultiplier">w, the width in multiples of 64; published are 1, 2 and 3.</param>
    /// <param name="selectiveKernels">Whether the network has <see cref="SelectiveKernels"/>.</param>
    /// <param name="stem">How the network begins.</param>
    /// <exception cref="ArgumentOutOfRangeException">The depth is another, or the multiplier is below 1.</exception>
    public static ResNetOptions SimClrV2(
        int depth = 50, int widthMultiplier = 1, bool selectiveKernels = false, ResNetStem stem = ResNetStem.ImageNet)
    {
        Check.AtLeast(widthMultiplier, 1);
        int width = 64 * widthMultiplier;
        var network = depth switch
        {
            50 => ResNet50(stem, width),
            101 => ResNet101(stem, width),
            152 => ResNet152(stem, width),
            _ => throw new ArgumentOutOfRangeException(nameof(depth), depth,
                $"depth is {depth}; it must be 50, 101 or 152."),
        };
        return network with { SelectiveKernels = selectiveKernels, ZeroInitResidual = true };
    }

    private static ResNetOptions Preset(int[] blocks, ResNetBlock block, ResNetStem stem, int width) =>
        new() { BlocksPerStage = blocks, Block = block, Stem = stem, Width = width };

    /// <inheritdoc/>
    protected override Backbone Build(torch.Generator generator) => new ResNet(this, generator);

    /// <inheritdoc/>
    public override string Describe()
    {
        string depth = (Block, BlocksPerStage) switch
        {
            (ResNetBlock.Basic, [2, 2, 2, 2]) => "-18",
            (ResNetBlock.Basic, [3, 4, 6, 3]) => "-34",
            (ResNetBlock.Bottleneck, [3, 4, 6, 3]) => "-50",
            (ResNetBlock.Bottleneck, [3, 4, 23, 3]) => "-101",
            (ResNetBlock.Bottleneck, [3, 8, 36, 3]) => "-152",
            _ => $" of {string.Join(", ", BlocksPerStage)} {(Block == ResNetBlock.Basic ? "blocks" : "bottlenecks")}",
        };
        string stem = Stem switch
        {
            ResNetStem.Small => ", small stem",
            ResNetStem.SmallStride2 => ", small stem of stride 2",
            _ => ""
        };
        return $"ResNet{depth}{(Width == 64 ? "" : $", width {Width}")}{stem}"
            + $"{(SelectiveKernels ? ", selective kernels" : "")}, {EmbeddingDimension} features";
    }

    /// <inheritdoc/>
    public override int LayerOf(string parameter) =>
        parameter.Split('.')[0] is ['l', 'a', 'y', 'e', 'r', .. var stage]
            ? int.Parse(stage, CultureInfo.InvariantCulture) : 0;

    /// <inheritdoc/>
    public override ImagePreprocessing DefaultPreprocessing =>
        ImagePreprocessing.For(Stem == ResNetStem.ImageNet ? 224 : 32) with { Interpolation = Interpolation.Bilinear };

    internal override IEnumerable<(string Key, object Value)> Untold => [("stem", Stem)];

    internal override BackboneOptions WithZeroInitResidual(bool value) => this with { ZeroInitResidual = value };

    // Of a basic block two 3×3 convolutions, of a bottleneck one and two of 1×1; the
    // first block of all has fewer inputs.
    internal override ArchitectureSize LeastSize
    {
        get
        {
            ArchitectureSize size = default;
            double width = Width;
            foreach (int blocks in BlocksPerStage)
            {
                var inner = ArchitectureSize.Layer(9 * width, width);
                var block = Block == ResNetBlock.Basic
                    ? inner + ArchitectureSize.Layer(9 * width / 2, width)
                    : inner + ArchitectureSize.Layer(width, width) + ArchitectureSize.Layer(width, 4 * width);
                // Every convolution is followed by a norm of at least four tensors.
                size += blocks * (block with { Tensors = 5 * block.Tensors });
                width *= 2;
            }
            return size;
        }
    }

    /// <inheritdoc/>
    public override void Validate()
    {
        if (BlocksPerStage is not { Length: >= 1 and <= 8 } || BlocksPerStage.Any(n => n < 1))
            throw new ArgumentException($"{nameof(BlocksPerStage)} is [{string.Join(", ", BlocksPerStage ?? [])}]; it "
                + "must hold 1 to 8 numbers of at least 1.");
        Check.Defined(Block);
        Check.Defined(Stem);
        Check.AtLeast(Width, SelectiveKernels ? 2 : 1);
        if (SelectiveKernels && Block != ResNetBlock.Bottleneck)
            throw new ArgumentException($"{nameof(Block)} is {Block}; with {nameof(SelectiveKernels)} it must be "
                + $"{nameof(ResNetBlock.Bottleneck)}.");
    }

    /// <inheritdoc/>
    public override void ValidateViewSize(int size)
    {
        if (size < Reduction)
            throw new ArgumentException(
                $"A view of {size} pixels is too small for this ResNet, which reduces the side by {Reduction}: it "
                + $"needs at least {Reduction} pixels" +
                (Stem == ResNetStem.Small ? "." : $", or fewer with {nameof(Stem)} = {nameof(ResNetStem.Small)}."));
    }
}
