using MLNet.Ssl.Networks;
using MLNet.Ssl.Options;

namespace MLNet.Ssl;

/// <summary>Options of a <see cref="DinoHead"/> (Caron et al., arXiv 2104.14294, section 3).</summary>
/// <param name="InputDimension">Width D of the backbone's features.</param>
public sealed record DinoHeadOptions(int InputDimension)
{
    /// <summary>Number K of prototypes, the width of the output.</summary>
    /// <value>Default 65 536, made for ImageNet; some thousands suit small data. Range 2 and up.</value>
    public int OutputDimension { get; init; } = 65536;

    /// <summary>Width of the hidden layers.</summary>
    /// <value>Default 2 048, range 1 and up.</value>
    public int HiddenDimension { get; init; } = 2048;

    /// <summary>Width of the normalised bottleneck before the prototypes.</summary>
    /// <value>Default 256, range 1 and up.</value>
    public int BottleneckDimension { get; init; } = 256;

    /// <summary>Linear layers up to the bottleneck, at least 1.</summary>
    /// <value>Default 3.</value>
    public int Layers { get; init; } = 3;

    /// <summary>Whether batch norm follows the hidden layers.</summary>
    /// <value>Default false.</value>
    public bool BatchNorm { get; init; }

    /// <summary>Whether the prototypes keep norm 1. Steadier; training the norms scores better on ViT-S.</summary>
    /// <value>Default true.</value>
    public bool NormLastLayer { get; init; } = true;

    /// <summary>Checks every option.</summary>
    /// <exception cref="ArgumentOutOfRangeException">The message names the option, its
    /// value and what is allowed.</exception>
    public void Validate()
    {
        Check.AtLeast(InputDimension, 1);
        Check.AtLeast(OutputDimension, 2);
        Check.AtLeast(HiddenDimension, 1);
        Check.AtLeast(BottleneckDimension, 1);
        Check.AtLeast(Layers, 1);
    }
}
