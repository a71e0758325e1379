using static TorchSharp.torch;

namespace MLNet.Ssl;

/// <summary>
/// Bilinear interpolation by a factor without antialiasing, half-pixel centres, as PyTorch's interpolate with align_corners=false; a product with a matrix
/// for each axis, because TorchSharp's own function is not the same in all versions.
/// </summary>
internal static class BilinearScaling
{
    /// <summary>(B,C,H,W) → (B,C,⌊H·scale⌋,⌊W·scale⌋).</summary>
    public static Tensor Apply(Tensor x, double scale)
    {
        if (scale == 1) return x;
        using var scope = NewDisposeScope();
        var rows = Axis(x.size(2), scale, x);
        var columns = Axis(x.size(3), scale, x);
        return rows.matmul(x).matmul(columns.transpose(0, 1)).MoveToOuterDisposeScope();
    }

    /// <summary>Weights (target × source): target i lies at (i+½)/scale − ½, not before the first sample; samples beyond the last repeat it.</summary>
    internal static float[] Weights(long source, double scale)
    {
        long target = (long)Math.Floor(source * scale);
        var weights = new float[target * source];
        for (long i = 0; i < target; i++)
        {
            double position = Math.Max(0, (i + 0.5) / scale - 0.5);
            long left = Math.Min((long)position, source - 1), right = Math.Min(left + 1, source - 1);
            float share = (float)(position - left);
            weights[i * source + left] += 1 - share;
            weights[i * source + right] += share;
        }
        return weights;
    }

    private static Tensor Axis(long source, double scale, Tensor like)
    {
        var weights = Weights(source, scale);
        return tensor(weights, [weights.Length / source, source], dtype: like.dtype, device: like.device);
    }
}
