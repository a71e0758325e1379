using MLNet.Ssl.Evaluation;
using MLNet.Ssl.Options;
using MLNet.Ssl.Tensors;
using static TorchSharp.torch;

namespace MLNet.Ssl;

/// <summary>
/// PCA whitening learnt on features of other images, as DINO's copy detection does it: x → Λ^(−½) Vᵀ (x − μ), where C =
/// V Λ Vᵀ is the <em>uncentred</em> second moment WᵀW/n of the learning features. Safe to use from several threads.
/// </summary>
/// <remarks>A step of <see cref="CopyDetection"/>, which has an example; DINO,
/// <see href="https://arxiv.org/abs/2104.14294">arXiv 2104.14294</see>, section 4.2.</remarks>
public sealed class Whitening : IDisposable
{
    // Directions of hardly any variance are not blown up: eigenvalues are at least this share of the largest.
    private const double LeastEigenvalue = 1e-5;

    private readonly Tensor _mean, _transform;

    private Whitening(Tensor mean, Tensor transform) => (_mean, _transform) = (mean, transform);

    /// <summary>Width D of the features.</summary>
    public int Dimension => (int)_transform.shape[1];

    /// <summary>Number of components that are kept, in the order of their variance.</summary>
    public int Components => (int)_transform.shape[0];

    /// <summary>Learns the transform.</summary>
    /// <param name="features">Features (n,D) of images that are neither queries nor database; DINO takes 20
    /// 000.</param>
    /// <param name="components">How many components to keep, 1 to D; null for all, as DINO does.</param>
    /// <returns>The transform, on the CPU; the caller disposes of it.</returns>
    /// <exception cref="ArgumentException">No features, features that are not finite or all zero, or components out of
    /// range.</exception>
    public static Whitening Learn(Tensor features, int? components = null)
    {
        ArgumentNullException.ThrowIfNull(features);
        Ranking.CheckFeatures(features, nameof(features));
        int kept = components ?? (int)features.shape[1];
        Check.InRange(kept, 1, features.shape[1], nameof(components));
        using var mode = no_grad();
        using var scope = NewDisposeScope();
        var samples = features.to(float64).cpu();
        var (eigenvalues, eigenvectors) = linalg.eigh(samples.transpose(0, 1).mm(samples).Div(samples.shape[0]));
        double largest = eigenvalues.max().item<double>();
        if (!(largest > 0))
            throw new ArgumentException("All features are zero; there is no variance to whiten.", nameof(features));
        // Ascending as they come; the largest first is what is wanted.
        var order = eigenvalues.argsort(0, descending: true).narrow(0, 0, kept);
        var scale = eigenvalues.index_select(0, order).ClampMin(LeastEigenvalue * largest).Pow(-0.5);
        var transform = eigenvectors.index_select(1, order).transpose(0, 1).mul(scale.unsqueeze(1)).to(float32)
            .contiguous();
        return new(samples.mean([0]).to(float32).DetachFromDisposeScope(), transform.DetachFromDisposeScope());
    }

    /// <summary>Whitens features.</summary>
    /// <param name="features">Features (N,D).</param>
    /// <returns>Whitened features (N,<see cref="Components"/>), float, on the CPU, not normalised; the caller disposes
    /// of them.</returns>
    /// <exception cref="ArgumentException">The width is not that of the learning features.</exception>
    public Tensor Apply(Tensor features)
    {
        ArgumentNullException.ThrowIfNull(features);
        if (features.shape is not [_, var width] || width != Dimension)
            throw new ArgumentException(
                $"The features have the shape ({string.Join(", ", features.shape)}); expected (rows, {Dimension}).",
                nameof(features));
        using var mode = no_grad();
        using var scope = NewDisposeScope();
        return features.to(float32).cpu().sub(_mean).mm(_transform.transpose(0, 1)).MoveToOuterDisposeScope();
    }

    /// <summary>Frees the transform.</summary>
    public void Dispose()
    {
        _mean.Dispose();
        _transform.Dispose();
    }
}
