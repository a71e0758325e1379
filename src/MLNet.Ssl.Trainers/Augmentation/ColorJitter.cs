using MLNet.Ssl.Options;

namespace MLNet.Ssl;

/// <summary>
/// Strengths of the random colour changes. Factors of brightness, contrast and saturation are drawn from U(max(0, 1−s),
/// 1+s), the hue shift from U(−h, h); the operations with a strength above 0 run in an order drawn for every view.
/// </summary>
/// <param name="Brightness">Strength of the brightness factor, 0 to 100.</param>
/// <param name="Contrast">Strength of the contrast factor, 0 to 100.</param>
/// <param name="Saturation">Strength of the saturation factor, 0 to 100.</param>
/// <param name="Hue">Largest hue shift in turns, 0 to 0.5.</param>
public sealed record ColorJitter(double Brightness, double Contrast, double Saturation, double Hue)
{
    internal void Validate()
    {
        Check.InRange(Brightness, 0, 100, "Jitter.Brightness");
        Check.InRange(Contrast, 0, 100, "Jitter.Contrast");
        Check.InRange(Saturation, 0, 100, "Jitter.Saturation");
        Check.InRange(Hue, 0, 0.5, "Jitter.Hue");
    }
}
