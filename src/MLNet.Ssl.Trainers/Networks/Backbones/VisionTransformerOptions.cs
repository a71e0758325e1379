using System.Globalization;
using MLNet.Ssl.Networks;
using MLNet.Ssl.Options;
using TorchSharp;

namespace MLNet.Ssl;

/// <summary>Whose positions and initial weights a vision transformer has.</summary>
public enum VisionTransformerFlavor
{
    /// <summary>Learned positions; weights N(0, 0.02²).</summary>
    Dino,

    /// <summary>
    /// Fixed sine-cosine positions; Xavier-uniform weights, queries, keys and values each on their
    /// own (Chen et al., arXiv 2104.02057).
    /// </summary>
    MoCoV3,
}

/// <summary>Options of a vision transformer; the defaults are ViT-S/16 of DINO (Caron
/// et al., arXiv 2104.14294).</summary>
public sealed record VisionTransformerOptions : BackboneOptions
{
    /// <summary>Side of a patch in pixels.</summary>
    /// <value>Default 16, range 1 and up.</value>
    public int PatchSize { get; init; } = 16;

    /// <summary>Width D of the tokens, and of the features unless <see cref="LastBlocks"/> or
    /// <see cref="AveragePoolPatchTokens"/> says otherwise; a multiple of <see cref="Heads"/>.</summary>
    /// <value>Default 384, range 1 and up.</value>
    public new int EmbeddingDimension { get; init; } = 384;

    /// <summary>Number of blocks.</summary>
    /// <value>Default 12, range 1 and up.</value>
    public int Depth { get; init; } = 12;

    /// <summary>Attention heads of a block.</summary>
    /// <value>Default 6, range 1 and up.</value>
    public int Heads { get; init; } = 6;

    /// <summary>Hidden width of a block's MLP, in multiples of <see cref="EmbeddingDimension"/>.</summary>
    /// <value>Default 4, range above 0.</value>
    public double MlpRatio { get; init; } = 4;

    /// <summary>Drop-path rate of the last block; the rates rise linearly from 0 at the first. In
    /// [0, 1), for training only.</summary>
    /// <value>Default 0. DINO trains the student with 0.1 and the teacher with 0.</value>
    public double DropPathRate { get; init; }

    /// <summary>Image side in pixels that the position table is made for; other sizes interpolate it. A multiple of
    /// <see cref="PatchSize"/>.</summary>
    /// <value>Default 224.</value>
    public int ImageSize { get; init; } = 224;

    /// <summary>Whose positions and initial weights the network has.</summary>
    /// <value>Default <see cref="VisionTransformerFlavor.Dino"/>.</value>
    public VisionTransformerFlavor Flavor { get; init; }

    /// <summary>Learned tokens without a place between the class token and those of the patches: DINOv2's registers
    /// (Darcet et al., arXiv 2309.16588), DINOv3's storage tokens.</summary>
    /// <value>Default 0, range 0 to 1 024. DINOv2's register networks and DINOv3 have 4.</value>
    public int Registers { get; init; }

    /// <summary>Initial value of the learned factors of each residual branch's channels (layer scale, arXiv
    /// 2103.17239); null for none.</summary>
    /// <value>Default null. DINOv2 and DINOv3 have 1e-5.</value>
    public double? LayerScale { get; init; }

    /// <summary>Whether the MLP is gated, W₃(silu(W₁x)·W₂x) (arXiv 2002.05202), and not two layers with GELU between;
    /// <see cref="MlpRatio"/> is the width of the gate's product.</summary>
    /// <value>Default false. DINOv2's giant and DINOv3's plus networks have it.</value>
    public bool SwiGlu { get; init; }

    /// <summary>ε of the layer norms.</summary>
    /// <value>Default 1e-6, range above 0; DINOv3 has 1e-5.</value>
    public double NormEpsilon { get; init; } = 1e-6;

    /// <summary>Whether positions turn queries and keys of the patches (DINOv3, arXiv 2508.10104), for any size of
    /// image, and not a table of them is added to the tokens. A head's width must then be a multiple of 4.</summary>
    /// <value>Default false.</value>
    public bool RotaryPositions { get; init; }

    /// <summary>What is added to the number of patches when the table of positions is resampled to another size: DINO's
    /// and DINOv2's code adds a tenth of a patch.</summary>
    /// <value>Default 0.1, range 0 to below 1; 0 for DINOv2 with registers and for networks of timm and Hugging
    /// Face.</value>
    public double PositionOffset { get; init; } = 0.1;

    /// <summary>Whether the table of positions is smoothed when it is resampled to fewer patches, as
    /// DINOv2's register networks do.</summary>
    /// <value>Default false.</value>
    public bool PositionAntialias { get; init; }

    /// <summary>
    /// Four 3×3 convolutions of stride 2 with batch norm in place of the patch projection (MoCo v3's "conv"
    /// networks). It needs patches of 16 pixels and a width that is a multiple of 8. With its batch norms, samples of
    /// a batch are no longer independent.
    /// </summary>
    /// <value>Default false.</value>
    public bool ConvolutionalStem { get; init; }

    /// <summary>Last blocks n whose class tokens, each after the final norm, are the features (B,n·D), one behind the
    /// other; DINO's linear evaluation (<c>n_last_blocks</c>) takes 4 of ViT-S, 1 of ViT-B.</summary>
    /// <value>Default 1: the class token of the last block. Range 1 to <see cref="Depth"/>.</value>
    public int LastBlocks { get; init; } = 1;

    /// <summary>Whether the features are (B,2·D), the mean patch token of the last block beside its class token and
    /// channel by channel: cls₀, mean₀, cls₁, … DINO's linear evaluation (<c>avgpool_patchtokens</c>) does so with
    /// ViT-B. <see cref="LastBlocks"/> must be 1.</summary>
    /// <value>Default false.</value>
    public bool AveragePoolPatchTokens { get; init; }

    /// <inheritdoc/>
    protected override int FeatureDimension => EmbeddingDimension * (AveragePoolPatchTokens ? 2 : LastBlocks);

    internal int HiddenDimension => (int)(EmbeddingDimension * MlpRatio);

    /// <summary>ViT-Ti: width 192, 3 heads.</summary>
    /// <param name="patchSize">Side of a patch in pixels.</param>
    public static VisionTransformerOptions Tiny(int patchSize = 16) =>
        new() { PatchSize = patchSize, EmbeddingDimension = 192, Heads = 3 };

    /// <summary>ViT-S: width 384, 6 heads, 21.7 million parameters.</summary>
    /// <param name="patchSize">Side of a patch in pixels.</param>
    public static VisionTransformerOptions Small(int patchSize = 16) => new() { PatchSize = patchSize };

    /// <summary>ViT-S of MoCo v3: as <see cref="Small"/>, but 12 heads, fixed positions and Xavier weights.</summary>
    /// <param name="patchSize">Side of a patch in pixels.</param>
    public static VisionTransformerOptions MoCoV3Small(int patchSize = 16) =>
        Small(patchSize) with { Heads = 12, Flavor = VisionTransformerFlavor.MoCoV3 };

    /// <summary>ViT-B of MoCo v3: as <see cref="Base"/>, but fixed positions and Xavier weights.</summary>
    /// <param name="patchSize">Side of a patch in pixels.</param>
    public static VisionTransformerOptions MoCoV3Base(int patchSize = 16) =>
        Base(patchSize) with { Flavor = VisionTransformerFlavor.MoCoV3 };

    /// <summary>"conv ViT-S" of MoCo v3: as <see cref="MoCoV3Small"/>, with a convolutional stem in
    /// place of one of the blocks.</summary>
    public static VisionTransformerOptions MoCoV3ConvSmall() =>
        MoCoV3Small() with { ConvolutionalStem = true, Depth = 11 };

    /// <summary>"conv ViT-B" of MoCo v3: as <see cref="MoCoV3Base"/>, with a convolutional stem in
    /// place of one of the blocks.</summary>
    public static VisionTransformerOptions MoCoV3ConvBase() =>
        MoCoV3Base() with { ConvolutionalStem = true, Depth = 11 };

    /// <summary>ViT-B: width 768, 12 heads, 85.8 million parameters.</summary>
    /// <param name="patchSize">Side of a patch in pixels.</param>
    public static VisionTransformerOptions Base(int patchSize = 16) =>
        new() { PatchSize = patchSize, EmbeddingDimension = 768, Heads = 12 };

    /// <summary>DINOv2's ViT-S/14: 22 million parameters (Oquab et al., arXiv 2304.07193).</summary>
    /// <param name="registers">Whether it has the four registers of arXiv 2309.16588.</param>
    public static VisionTransformerOptions DinoV2Small(bool registers = false) => DinoV2(384, 12, registers);

    /// <summary>DINOv2's ViT-B/14: 86 million parameters.</summary>
    /// <inheritdoc cref="DinoV2Small"/>
    public static VisionTransformerOptions DinoV2Base(bool registers = false) => DinoV2(768, 12, registers);

    /// <summary>DINOv2's ViT-L/14: 304 million parameters.</summary>
    /// <inheritdoc cref="DinoV2Small"/>
    public static VisionTransformerOptions DinoV2Large(bool registers = false) => DinoV2(1024, 24, registers);

    /// <summary>DINOv2's ViT-g/14 with its gated MLP: 1.1 billion parameters.</summary>
    /// <inheritdoc cref="DinoV2Small"/>
    public static VisionTransformerOptions DinoV2Giant(bool registers = false) =>
        DinoV2(1536, 40, registers) with { SwiGlu = true, MlpRatio = 4096.0 / 1536 };

    /// <summary>DINOv3's ViT-S/16: 22 million parameters (Siméoni et al., arXiv 2508.10104).</summary>
    public static VisionTransformerOptions DinoV3Small() => DinoV3(384, 12);

    /// <summary>DINOv3's ViT-S+/16, with a gated MLP: 29 million parameters.</summary>
    public static VisionTransformerOptions DinoV3SmallPlus() => DinoV3(384, 12) with { SwiGlu = true };

    /// <summary>DINOv3's ViT-B/16: 86 million parameters.</summary>
    public static VisionTransformerOptions DinoV3Base() => DinoV3(768, 12);

    /// <summary>DINOv3's ViT-L/16: 303 million parameters.</summary>
    public static VisionTransformerOptions DinoV3Large() => DinoV3(1024, 24);

    /// <summary>DINOv3's ViT-H+/16, with a gated MLP: 841 million parameters.</summary>
    public static VisionTransformerOptions DinoV3HugePlus() => DinoV3(1280, 32) with { SwiGlu = true };

    private static VisionTransformerOptions DinoV2(int width, int depth, bool registers) => new()
    {
        PatchSize = 14,
        ImageSize = 518,
        EmbeddingDimension = width,
        Depth = depth,
        Heads = width / 64,
        LayerScale = 1e-5,
        Registers = registers ? 4 : 0,
        PositionOffset = registers ? 0 : 0.1,
        PositionAntialias = registers,
    };

    private static VisionTransformerOptions DinoV3(int width, int depth) => new()
    {
        EmbeddingDimension = width,
        Depth = depth,
        Heads = width / 64,
        LayerScale = 1e-5,
        Registers = 4,
        RotaryPositions = true,
        NormEpsilon = 1e-5,
    };

    /// <inheritdoc/>
    public override int LayerCount => Depth;

    /// <inheritdoc/>
    public override bool PrefersAdamW => true;

    /// <inheritdoc/>
    public override double DefaultLayerDecay => 0.75;

    /// <inheritdoc/>
    public override bool NormalizesBatches => ConvolutionalStem;

    /// <inheritdoc/>
    public override int SizeMultiple => PatchSize;

    /// <inheritdoc/>
    protected override Backbone Build(torch.Generator generator) => new VisionTransformer(this, generator);

    /// <inheritdoc/>
    public override string Describe()
    {
        string? name = (EmbeddingDimension, Depth) switch
        {
            (192, 12) => "Ti",
            (384, 11 or 12) => "S",
            (768, 11 or 12) => "B",
            (1024, 24) => "L",
            (1280, 32) => "H",
            (1536, 40) => "g",
            _ => null,
        };
        string size = name is null ? $"ViT/{PatchSize} of {Depth} blocks, {Heads} heads" : $"ViT-{name}/{PatchSize}";
        if (SwiGlu && name is "S" or "H") size = $"ViT-{name}+/{PatchSize}";
        return $"{size}{(Registers > 0 ? $", {Registers} registers" : "")}"
            + $"{(RotaryPositions ? ", rotary positions" : "")}{(ConvolutionalStem ? ", convolutional stem" : "")}, "
            + $"{FeatureDimension} features{(LastBlocks > 1 ? $" of the last {LastBlocks} blocks" : "")}"
            + $"{(AveragePoolPatchTokens ? " with the mean patch token" : "")}";
    }

    /// <inheritdoc/>
    public override int LayerOf(string parameter) => parameter.Split('.') switch
    {
        ["blocks", var block, ..] => int.Parse(block, CultureInfo.InvariantCulture) + 1,
        ["norm", ..] => Depth + 1,
        _ => 0,
    };

    /// <inheritdoc/>
    public override BackboneOptions WithDropPath(double rate) => this with { DropPathRate = rate };

    /// <inheritdoc/>
    public override ImagePreprocessing DefaultPreprocessing => ImagePreprocessing.For(DefaultSize) with
    {
        Interpolation = Flavor == VisionTransformerFlavor.Dino ? Interpolation.Bicubic : Interpolation.Bilinear,
    };

    // The larger images that DINOv2's table was last trained with are not those that it is used with.
    private int DefaultSize =>
        LayerScale is null ? ImageSize : Math.Min(ImageSize, Math.Max(1, 224 / PatchSize) * PatchSize);

    internal override IEnumerable<(string Key, object Value)> Untold => [("heads", Heads)];

    // Of a block: queries, keys, values and projection, and the MLP; a position for every patch.
    internal override ArchitectureSize LeastSize
    {
        get
        {
            double width = EmbeddingDimension, hidden = width * MlpRatio - 1, side = ImageSize / PatchSize;
            var block = ArchitectureSize.Layer(width, 3 * width) + ArchitectureSize.Layer(width, width)
                + ArchitectureSize.Layer(width, SwiGlu ? 2 * hidden : hidden) + ArchitectureSize.Layer(hidden, width);
            // Every layer, and the two norms, have a second tensor.
            block = block with { Tensors = 2 * block.Tensors + 4 };
            var stem = ConvolutionalStem
                ? ArchitectureSize.Layer(9 * width / 2, width) + ArchitectureSize.Layer(width, width)
                : ArchitectureSize.Layer(3.0 * PatchSize * PatchSize, width);
            return Depth * block + (RotaryPositions ? default : ArchitectureSize.Layer(side * side, width)) + stem;
        }
    }

    /// <inheritdoc/>
    public override void Validate()
    {
        Check.AtLeast(PatchSize, 1);
        Check.AtLeast(EmbeddingDimension, 1);
        Check.AtLeast(Depth, 1);
        Check.Defined(Flavor);
        Check.AtLeast(Heads, 1);
        Check.Positive(MlpRatio);
        Check.Below(DropPathRate, 0, 1);
        Check.InRange(Registers, 0, 1024);
        Check.Positive(NormEpsilon);
        Check.Below(PositionOffset, 0, 1);
        Check.InRange(LastBlocks, 1, Depth);
        if (AveragePoolPatchTokens && LastBlocks != 1)
            throw new ArgumentException($"{nameof(LastBlocks)} is {LastBlocks}; with "
                + $"{nameof(AveragePoolPatchTokens)} it must be 1.");
        if (RotaryPositions && (EmbeddingDimension % Heads != 0 || EmbeddingDimension / Heads % 4 != 0))
            throw new ArgumentException($"{nameof(EmbeddingDimension)} is {EmbeddingDimension} for {Heads} heads; with "
                + $"{nameof(RotaryPositions)} a head's width must be a multiple of 4.");
        if (RotaryPositions && Flavor == VisionTransformerFlavor.MoCoV3)
            throw new ArgumentException($"{nameof(RotaryPositions)} is true; {nameof(VisionTransformerFlavor.MoCoV3)} "
                + "has a table of positions.");
        if (EmbeddingDimension % Heads != 0)
            throw new ArgumentException($"{nameof(EmbeddingDimension)} is {EmbeddingDimension}; it must be a multiple "
                + $"of {nameof(Heads)} ({Heads}).");
        if (Flavor == VisionTransformerFlavor.MoCoV3 && EmbeddingDimension % 4 != 0)
            throw new ArgumentException($"{nameof(EmbeddingDimension)} is {EmbeddingDimension}; for sine-cosine "
                + "positions it must be a multiple of 4.");
        if (ConvolutionalStem && PatchSize != ConvStem.PatchSize)
            throw new ArgumentException($"{nameof(PatchSize)} is {PatchSize}; with {nameof(ConvolutionalStem)} it must "
                + $"be {ConvStem.PatchSize}.");
        if (ConvolutionalStem && EmbeddingDimension % 8 != 0)
            throw new ArgumentException($"{nameof(EmbeddingDimension)} is {EmbeddingDimension}; with "
                + $"{nameof(ConvolutionalStem)} it must be a multiple of 8.");
        if (HiddenDimension < 1)
            throw new ArgumentException($"{nameof(MlpRatio)} is {MlpRatio}; times {nameof(EmbeddingDimension)} "
                + $"({EmbeddingDimension}) it must be at least 1.");
        if (ImageSize < PatchSize || ImageSize % PatchSize != 0)
            throw new ArgumentException(
                $"{nameof(ImageSize)} is {ImageSize}; it must be a multiple of {nameof(PatchSize)} ({PatchSize}).");
    }

    /// <inheritdoc/>
    public override void ValidateViewSize(int size)
    {
        if (size < PatchSize || size % PatchSize != 0)
            throw new ArgumentException(
                $"A view of {size} pixels does not fit patches of {PatchSize} pixels: its size must be a multiple of "
                + $"{PatchSize}.");
    }
}
