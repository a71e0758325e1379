using MLNet.Ssl.Options;

namespace MLNet.Ssl;

/// <summary>Which network to take from a checkpoint that holds a method's two.</summary>
public enum PretrainedNetwork
{
    /// <summary>The one that its authors evaluate: DINO's teacher, the query or base encoder of MoCo and SDMP, an
    /// averaged (EMA) copy elsewhere.</summary>
    Auto,

    /// <summary>The one that gradients train: <c>student</c>, <c>encoder_q</c>, <c>base_encoder</c>.</summary>
    Online,

    /// <summary>Its moving average: <c>teacher</c>, <c>encoder_k</c>, <c>momentum_encoder</c>, <c>…_ema</c>.</summary>
    Momentum,
}

/// <summary>What a file of weights does not say by its names and shapes. A null stands for Auto.</summary>
public sealed record PretrainedOptions
{
    /// <summary>Which network to take where the file holds two.</summary>
    /// <value>Default <see cref="PretrainedNetwork.Auto"/>.</value>
    public PretrainedNetwork Network { get; init; }

    /// <summary>Where in the file the network is, as <see cref="PretrainedReport.Network"/> says it: such as
    /// "teacher/backbone."; in place of <see cref="Network"/>.</summary>
    /// <value>Auto: the one that <see cref="Network"/> chooses.</value>
    public string? Place { get; init; }

    /// <summary>Attention heads of a vision transformer.</summary>
    /// <value>Auto: what the file says if this library wrote it or it is DINOv3's own, 12 for the ViT-S of MoCo v3 and
    /// SDMP, 16 for ViT-H without layer scale, else one for each 64 of the width. A divisor of the width.</value>
    public int? Heads { get; init; }

    /// <summary>Last blocks of a vision transformer whose class tokens are the embedding, one behind the other
    /// (<see cref="VisionTransformerOptions.LastBlocks"/>).</summary>
    /// <value>Auto: what the file says if this library wrote it, else 1. DINO's linear evaluation takes 4 of ViT-S.
    /// Range 1 to the number of blocks.</value>
    public int? LastBlocks { get; init; }

    /// <summary>Whether a vision transformer's mean patch token stands beside the class token
    /// (<see cref="VisionTransformerOptions.AveragePoolPatchTokens"/>).</summary>
    /// <value>Auto: what the file says if this library wrote it, else false. DINO's linear evaluation does so with
    /// ViT-B.</value>
    public bool? AveragePoolPatchTokens { get; init; }

    /// <summary>How a ResNet begins.</summary>
    /// <value>Auto: what the file says if this library wrote it, else <see cref="ResNetStem.Small"/> for a first
    /// convolution of 3×3 and <see cref="ResNetStem.ImageNet"/> for other sizes.</value>
    public ResNetStem? Stem { get; init; }

    /// <summary>Side of the square that the encoder sees, in pixels; a vision transformer's
    /// positions are interpolated to it.</summary>
    /// <value>Auto: what the file says if this library wrote it, the size of a vision transformer's positions, 224 for
    /// a ResNet, 32 for one with a small stem. Range 1 to 4 096.</value>
    public int? ImageSize { get; init; }

    /// <summary>What is done to an image before the network sees it; in place of <see cref="ImageSize"/>.</summary>
    /// <value>Auto: what the file says if this library wrote it, else <see cref="ImagePreprocessing.For"/> with the
    /// statistics of ImageNet, bicubic for learned positions (DINO, DeiT), bilinear for MoCo v3 and ResNets.</value>
    public ImagePreprocessing? Preprocessing { get; init; }

    /// <summary>What is done with an image that cannot be read, in an ML.NET pipeline, by the
    /// transformer that <c>Fit</c> gives.</summary>
    /// <value>Default <see cref="OnUnreadableImage.Throw"/>.</value>
    public OnUnreadableImage OnUnreadableImage { get; init; }

    /// <summary>Turns image files as the orientation in their EXIF data says, in an ML.NET pipeline whose column
    /// holds paths or encoded bytes.</summary>
    /// <value>Default false: images as they are stored, as torchvision reads them.</value>
    public bool ApplyExifOrientation { get; init; }

    /// <summary>Checks every option.</summary>
    /// <exception cref="ArgumentException">The message names the option, its value and what is allowed.</exception>
    public void Validate()
    {
        Check.Defined(Network);
        Check.Defined(OnUnreadableImage);
        if (Heads is { } heads) Check.AtLeast(heads, 1, nameof(Heads));
        if (LastBlocks is { } blocks) Check.AtLeast(blocks, 1, nameof(LastBlocks));
        if (Stem is { } stem) Check.Defined(stem, nameof(Stem));
        if (ImageSize is { } size) Check.InRange(size, 1, 4096, nameof(ImageSize));
        if (ImageSize is not null && Preprocessing is not null)
            throw new ArgumentException(
                $"{nameof(ImageSize)} is {ImageSize} and {nameof(Preprocessing)} is given too; set one of them.");
        Preprocessing?.Validate();
    }
}
