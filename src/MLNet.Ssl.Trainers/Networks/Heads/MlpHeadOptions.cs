using MLNet.Ssl.Networks;
using MLNet.Ssl.Options;

namespace MLNet.Ssl;

/// <summary>Batch normalisation of an <see cref="MlpHead"/>'s output.</summary>
public enum HeadOutputNorm
{
    /// <summary>None.</summary>
    None,

    /// <summary>Batch norm without scale and shift (MoCo v3).</summary>
    Plain,

    /// <summary>Batch norm with scale and shift (i-Mix's "mlpbn").</summary>
    Affine,
}

/// <summary>Where a projection head has batch norm.</summary>
public enum HeadNormalization
{
    /// <summary>Nowhere: MoCo v2.</summary>
    None,

    /// <summary>Behind hidden layers: i-Mix's "mlpbn1", BYOL.</summary>
    Hidden,

    /// <summary>Behind hidden layers and the output: i-Mix's "mlpbn".</summary>
    All,
}

/// <summary>Options of an <see cref="MlpHead"/>; the defaults are MoCo v2's head (Chen
/// et al., arXiv 2003.04297).</summary>
/// <param name="InputDimension">Width D of the input.</param>
public sealed record MlpHeadOptions(int InputDimension)
{
    /// <summary>Width of the hidden layers.</summary>
    /// <value>Default the input's, range 1 and up.</value>
    public int HiddenDimension { get; init; } = InputDimension;

    /// <summary>Width of the output.</summary>
    /// <value>Default 128, range 1 and up.</value>
    public int OutputDimension { get; init; } = 128;

    /// <summary>Linear layers, at least 1.</summary>
    /// <value>Default 2.</value>
    public int Layers { get; init; } = 2;

    /// <summary>Whether batch norm follows the hidden layers.</summary>
    /// <value>Default false.</value>
    public bool BatchNorm { get; init; }

    /// <summary>Whether the hidden layers have biases.</summary>
    /// <value>Default true.</value>
    public bool HiddenBias { get; init; } = true;

    /// <summary>Whether the last layer has a bias.</summary>
    /// <value>Default true.</value>
    public bool OutputBias { get; init; } = true;

    /// <summary>Batch norm of the output.</summary>
    /// <value>Default <see cref="HeadOutputNorm.None"/>.</value>
    public HeadOutputNorm OutputNorm { get; init; }

    /// <summary>Checks every option.</summary>
    /// <exception cref="ArgumentOutOfRangeException">The message names the option, its
    /// value and what is allowed.</exception>
    public void Validate()
    {
        Check.AtLeast(InputDimension, 1);
        Check.AtLeast(HiddenDimension, 1);
        Check.AtLeast(OutputDimension, 1);
        Check.AtLeast(Layers, 1);
        Check.Defined(OutputNorm);
    }
}
