using MLNet.Ssl.Options;
using MLNet.Ssl.Tensors;
using static TorchSharp.torch;

namespace MLNet.Ssl;

/// <summary>
/// Generalised-mean pooling (Radenović et al., arXiv 1711.02512): (mean of x^p)^(1/p), between the mean (p = 1) and the
/// maximum (p → ∞).
/// </summary>
internal static class GemPooling
{
    // Powers need positive numbers; the smallest is that of the official codes.
    private const float Floor = 1e-6f;

    /// <summary>Pools patch tokens.</summary>
    /// <param name="patches">Patch tokens (B,P,D), without the class token; values below 1e-6 are raised to it.</param>
    /// <param name="power">Power p, above 0. DINO's copy detection takes 4, the baseline of DISC21 3.</param>
    /// <returns>(B,D).</returns>
    /// <exception cref="ArgumentException">The patches are not (B,P,D), or the power is out of range.</exception>
    public static Tensor Pool(Tensor patches, double power)
    {
        ArgumentNullException.ThrowIfNull(patches);
        Check.Positive(power);
        if (patches.shape is not [_, > 0, _])
            throw new ArgumentException(
                $"The patches have the shape ({string.Join(", ", patches.shape)}); expected (images, patches, width).",
                nameof(patches));
        using var scope = NewDisposeScope();
        return patches.ClampMin(Floor).Pow(power).mean([1]).Pow(1 / power).MoveToOuterDisposeScope();
    }
}
