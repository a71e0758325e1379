using MLNet.Ssl.Augmentation;
using MLNet.Ssl.Options;

namespace MLNet.Ssl;

/// <summary>
/// How one random view of an image is made, on 8-bit pixels: random resized crop → flip → colour jitter → grayscale →
/// blur → solarise → normalise (jitter and grayscale swapped by <see cref="GrayscaleFirst"/>).
/// <see cref="ViewRecipes"/> has those of the literature.
/// </summary>
public sealed record ViewRecipe
{
    /// <summary>Width and height of the view in pixels, 1 to 4096.</summary>
    /// <value>The default is 224.</value>
    public int Size { get; init; } = 224;

    /// <summary>Smallest and largest share of the image area a crop covers, in (0, 1].</summary>
    /// <value>The default is (0.08, 1).</value>
    public (double Min, double Max) Scale { get; init; } = (0.08, 1);

    /// <summary>Smallest and largest aspect (width/height) of a crop, drawn log-uniformly; 0.01 to 100.</summary>
    /// <value>The default is (3/4, 4/3).</value>
    public (double Min, double Max) AspectRatio { get; init; } = (3.0 / 4, 4.0 / 3);

    /// <summary>Filter of the resize to <see cref="Size"/>.</summary>
    /// <value>The default is <see cref="Interpolation.Bicubic"/>.</value>
    public Interpolation Interpolation { get; init; } = Interpolation.Bicubic;

    /// <summary>Probability of a horizontal flip.</summary>
    /// <value>The default is 0.5.</value>
    public double FlipProbability { get; init; } = 0.5;

    /// <summary>Strengths of the colour jitter; null for none.</summary>
    /// <value>The default is null.</value>
    public ColorJitter? Jitter { get; init; }

    /// <summary>Probability of the colour jitter, where <see cref="Jitter"/> is set.</summary>
    /// <value>The default is 0.8.</value>
    public double JitterProbability { get; init; } = 0.8;

    /// <summary>Probability of dropping the colour: luma 0.299 R + 0.587 G + 0.114 B in all channels.</summary>
    /// <value>The default is 0.</value>
    public double GrayscaleProbability { get; init; }

    /// <summary>Whether grayscale comes before the colour jitter, as in MoCo v1.</summary>
    /// <value>The default is false.</value>
    public bool GrayscaleFirst { get; init; }

    /// <summary>Probability of a Gaussian blur.</summary>
    /// <value>The default is 0.</value>
    public double BlurProbability { get; init; }

    /// <summary>Range of the blur's σ in pixels, drawn uniformly; 0 to 100.</summary>
    /// <value>The default is (0.1, 2).</value>
    public (double Min, double Max) BlurSigma { get; init; } = (0.1, 2);

    /// <summary>Probability of solarisation: every value v ≥ 128 becomes 255 − v.</summary>
    /// <value>The default is 0.</value>
    public double SolarizeProbability { get; init; }

    /// <summary>Standardisation of the finished view.</summary>
    /// <value>The default is <see cref="Normalization.ImageNet"/>.</value>
    public Normalization Normalization { get; init; } = Normalization.ImageNet;

    /// <summary>Checks every option.</summary>
    /// <exception cref="ArgumentOutOfRangeException">An option is out of range; the message names it, its value and
    /// what is allowed.</exception>
    public void Validate()
    {
        Check.InRange(Size, 1, 4096);
        Check.Ordered(Scale, 1e-6, 1);
        Check.Ordered(AspectRatio, 0.01, 100);
        Check.InRange(
            (int)Interpolation, (int)Interpolation.Bilinear, (int)Interpolation.Lanczos, nameof(Interpolation));
        Check.InRange(FlipProbability, 0, 1);
        Check.InRange(JitterProbability, 0, 1);
        Check.InRange(GrayscaleProbability, 0, 1);
        Check.InRange(BlurProbability, 0, 1);
        Check.Ordered(BlurSigma, 0, GaussianBlur.MaxSigma);
        Check.InRange(SolarizeProbability, 0, 1);
        Jitter?.Validate();
        ArgumentNullException.ThrowIfNull(Normalization);
        Normalization.Validate();
    }
}
