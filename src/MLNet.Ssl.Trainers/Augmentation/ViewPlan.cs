using MLNet.Ssl.Images;

namespace MLNet.Ssl.Augmentation;

/// <summary>Everything random about one view, drawn before any pixel is touched.</summary>
internal readonly record struct ViewPlan(
    CropBox Crop, bool Flip, JitterPlan? Jitter, bool Grayscale, double? BlurSigma, bool Solarize)
{
    public static ViewPlan Draw(ViewRecipe recipe, int width, int height, ViewRandom random) => new(
        RandomResizedCrop.Draw(width, height, recipe.Scale, recipe.AspectRatio, ref random),
        random.Chance(recipe.FlipProbability),
        recipe.Jitter is { } jitter && random.Chance(recipe.JitterProbability)
            ? JitterPlan.Draw(jitter, ref random)
            : null,
        random.Chance(recipe.GrayscaleProbability),
        random.Chance(recipe.BlurProbability) ? random.Uniform(recipe.BlurSigma.Min, recipe.BlurSigma.Max) : null,
        random.Chance(recipe.SolarizeProbability));
}

/// <summary>
/// Factors of a colour jitter, null where the operation is off, and the order of the operations: four 2-bit numbers,
/// first one lowest.
/// </summary>
internal readonly record struct JitterPlan(
    float? Brightness, float? Contrast, float? Saturation, double? Hue, int Order)
{
    private const int Operations = 4;

    public static JitterPlan Draw(ColorJitter jitter, ref ViewRandom random)
    {
        // Fisher–Yates over the 2-bit digits of 0, 1, 2, 3.
        int order = 0b_11_10_01_00;
        for (int i = Operations - 1; i > 0; i--)
        {
            int j = random.Below(i + 1), difference = ((order >> (2 * i)) ^ (order >> (2 * j))) & 3;
            order ^= (difference << (2 * i)) ^ (difference << (2 * j));
        }
        return new(
            Factor(jitter.Brightness, ref random),
            Factor(jitter.Contrast, ref random),
            Factor(jitter.Saturation, ref random),
            jitter.Hue > 0 ? random.Uniform(-jitter.Hue, jitter.Hue) : null,
            order);
    }

    public void Apply(PlanarImage image)
    {
        for (int i = 0; i < Operations; i++)
            switch ((Order >> (2 * i)) & 3)
            {
                case 0: if (Brightness is { } brightness) ColorOps.Brightness(image, brightness); break;
                case 1: if (Contrast is { } contrast) ColorOps.Contrast(image, contrast); break;
                case 2: if (Saturation is { } saturation) ColorOps.Saturation(image, saturation); break;
                default: if (Hue is { } hue) ColorOps.Hue(image, hue); break;
            }
    }

    private static float? Factor(double strength, ref ViewRandom random) =>
        strength > 0 ? (float)random.Uniform(Math.Max(0, 1 - strength), 1 + strength) : null;
}
