using MLNet.Ssl.Networks;
using MLNet.Ssl.Options;

namespace MLNet.Ssl;

/// <summary>Options of a <see cref="ProjectionHead"/> (SimCLR: Chen et al., arXiv
/// 2002.05709; v2: arXiv 2006.10029).</summary>
/// <param name="InputDimension">Width D of the backbone's features, also that of the hidden layers.</param>
public sealed record ProjectionHeadOptions(int InputDimension)
{
    /// <summary>Width of the projection.</summary>
    /// <value>Default 128, range 1 and up.</value>
    public int OutputDimension { get; init; } = 128;

    /// <summary>Linear layers, at least 1.</summary>
    /// <value>Default 2 (SimCLR); SimCLR v2 has 3.</value>
    public int Layers { get; init; } = 2;

    /// <summary>Checks every option.</summary>
    /// <exception cref="ArgumentOutOfRangeException">The message names the option, its
    /// value and what is allowed.</exception>
    public void Validate()
    {
        Check.AtLeast(InputDimension, 1);
        Check.AtLeast(OutputDimension, 1);
        Check.AtLeast(Layers, 1);
    }
}
