namespace MLNet.Ssl;

/// <summary>Bicubic resampling of one axis as a matrix, as DINO stretches its position table.</summary>
internal static class Bicubic
{
    /// <summary>Keys' kernel parameter, that of PyTorch.</summary>
    private const double A = -0.75;

    /// <summary>
    /// Weights (target × source), row-major. The official code resizes by the factor (target+0.1)/source, and its 0.1 takes part in the mapping:
    /// target pixel i lies at (i+0.5)·source/(target+0.1) − 0.5. Samples beyond the border repeat it.
    /// </summary>
    public static float[] Resampler(long source, long target)
    {
        var weights = new float[target * source];
        double step = source / (target + 0.1);
        for (long i = 0; i < target; i++)
        {
            double position = (i + 0.5) * step - 0.5, floor = Math.Floor(position);
            for (int tap = -1; tap <= 2; tap++)
                weights[i * source + Math.Clamp((long)floor + tap, 0, source - 1)] += (float)Kernel(Math.Abs(position - floor - tap));
        }
        return weights;
    }

    private static double Kernel(double x) =>
        x <= 1 ? ((A + 2) * x - (A + 3)) * x * x + 1 :
        x < 2 ? ((A * x - 5 * A) * x + 8 * A) * x - 4 * A : 0;
}
