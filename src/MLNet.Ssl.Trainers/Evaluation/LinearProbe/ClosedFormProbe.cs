using MLNet.Ssl.Evaluation;
using MLNet.Ssl.Options;
using MLNet.Ssl.Tensors;
using static TorchSharp.torch;

namespace MLNet.Ssl;

/// <summary>
/// The least-squares classifier that i-Mix measures tabular features with (Lee et al.,
/// <see href="https://arxiv.org/abs/2010.08887">arXiv 2010.08887</see>): W = (Σ one-hot(y)·fᵀ)·pinv(Σ f·fᵀ), without a
/// bias and without anything to tune. Safe to use from several threads.
/// </summary>
/// <remarks>The sums are taken in double precision; directions of the features below 1e-12 of the largest eigenvalue
/// are left out.</remarks>
/// <example><code>
/// using var probe = ClosedFormProbe.Train(trainFeatures, trainLabels, numberOfClasses: 7);
/// Console.WriteLine($"{probe.Accuracy(testFeatures, testLabels).Accuracy:p1}");
/// </code></example>
public sealed class ClosedFormProbe : IDisposable
{
    private const double RelativeTolerance = 1e-12;

    // Rows that are held in double precision at a time.
    private const long RowsAtATime = 1 << 13;

    private ClosedFormProbe(Tensor weight) => Weight = weight;

    /// <summary>Width D of the features.</summary>
    public int Dimension => (int)Weight.shape[1];

    /// <summary>Number of classes C.</summary>
    public int NumberOfClasses => (int)Weight.shape[0];

    /// <summary>W, (C,D), double.</summary>
    internal Tensor Weight { get; }

    /// <summary>Solves for the weights.</summary>
    /// <param name="features">Training features (N,D), float.</param>
    /// <param name="labels">Class of each row (N), int64, 0 to <paramref name="numberOfClasses"/> − 1.</param>
    /// <param name="numberOfClasses">Number of classes C, at least 2.</param>
    /// <exception cref="ArgumentException">Shapes that do not fit, features that are not finite, labels out of
    /// range.</exception>
    public static ClosedFormProbe Train(Tensor features, Tensor labels, int numberOfClasses)
    {
        Check.AtLeast(numberOfClasses, 2);
        FeatureRows.Check(features, labels, numberOfClasses);
        using var scope = NewDisposeScope();
        using var mode = no_grad();
        long rows = features.shape[0], width = features.shape[1];
        var gram = zeros(width, width, dtype: float64, device: features.device);
        var moments = zeros(numberOfClasses, width, dtype: float64, device: features.device);
        for (long first = 0; first < rows; first += RowsAtATime)
        {
            using var step = NewDisposeScope();
            long size = Math.Min(RowsAtATime, rows - first);
            var f = features.narrow(0, first, size).to(float64);
            gram.addmm_(f.transpose(0, 1), f);
            moments.IndexAdd_(labels.narrow(0, first, size).to(features.device), f);
        }
        return new(moments.mm(linalg.pinv(gram, null, RelativeTolerance, hermitian: true))
            .DetachFromDisposeScope());
    }

    /// <summary>Scores W·f; trained towards 1 for the class and 0 for the others.</summary>
    /// <param name="features">Features (N,D), float.</param>
    /// <returns>Scores (N,C), float, on the device of the training features; the caller disposes of them.</returns>
    /// <exception cref="ArgumentException">The width is not that of the training features.</exception>
    public Tensor Score(Tensor features)
    {
        FeatureRows.CheckWidth(features, Dimension, nameof(features));
        using var scope = NewDisposeScope();
        using var mode = no_grad();
        var scores = zeros(features.shape[0], NumberOfClasses, device: Weight.device);
        for (long first = 0; first < features.shape[0]; first += RowsAtATime)
        {
            using var step = NewDisposeScope();
            long size = Math.Min(RowsAtATime, features.shape[0] - first);
            var f = features.narrow(0, first, size).to(Weight.device).to(float64);
            scores.narrow(0, first, size).copy_(f.mm(Weight.transpose(0, 1)));
        }
        return scores.MoveToOuterDisposeScope();
    }

    /// <summary>Accuracy on labelled features.</summary>
    /// <param name="features">Features (N,D), float.</param>
    /// <param name="labels">Class of each row (N), int64, 0 to C − 1.</param>
    /// <exception cref="ArgumentException">Shapes that do not fit, features that are not finite, labels out of
    /// range.</exception>
    public ProbeAccuracy Accuracy(Tensor features, Tensor labels)
    {
        FeatureRows.Check(features, labels, NumberOfClasses);
        using var scope = NewDisposeScope();
        return LabelRank.Accuracy(Score(features), labels.to(Weight.device));
    }

    /// <summary>Frees the weights.</summary>
    public void Dispose() => Weight.Dispose();
}
