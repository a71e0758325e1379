using MLNet.Ssl.Evaluation;
using MLNet.Ssl.Onnx;
using MLNet.Ssl.Tensors;
using static TorchSharp.torch;

namespace MLNet.Ssl;

/// <summary>
/// The linear probe by which frozen features are measured: multinomial logistic regression by SGD, as the published
/// protocols run it (<see cref="LinearProbeOptions"/>), for many learning rates at once. Safe to use from several
/// threads.
/// </summary>
/// <remarks>
/// Protocols: DINO <see href="https://arxiv.org/abs/2104.14294">arXiv 2104.14294</see>, MoCo
/// <see href="https://arxiv.org/abs/1911.05722">arXiv 1911.05722</see>, MoCo v3
/// <see href="https://arxiv.org/abs/2104.02057">arXiv 2104.02057</see>, SimCLR
/// <see href="https://arxiv.org/abs/2002.05709">arXiv 2002.05709</see>, BYOL
/// <see href="https://arxiv.org/abs/2006.07733">arXiv 2006.07733</see>, i-Mix
/// <see href="https://arxiv.org/abs/2010.08887">arXiv 2010.08887</see>.
/// </remarks>
/// <example><code>
/// using var probe = LinearProbe.Train(features, labels, classes, LinearProbeOptions.Dino, testFeatures, testLabels);
/// Console.WriteLine($"{probe.Chosen.Accuracy:p1} at {probe.Chosen.LearningRate}");
/// </code></example>
public sealed partial class LinearProbe : IFeatureClassifier
{
    private readonly Tensor _weight, _bias;
    private readonly SharedUse _use;

    private LinearProbe(Tensor weight, Tensor bias, IReadOnlyList<LinearProbeAccuracy> sweep,
        LinearProbeAccuracy chosen) =>
        (_weight, _bias, Sweep, Chosen, _use) = (weight, bias, sweep, chosen, new(this, Free));

    /// <summary>One with the weights of another, which it takes over.</summary>
    /// <param name="weight">W (C,D), float.</param>
    /// <param name="bias">b (C), float.</param>
    /// <exception cref="ArgumentException">Shapes that do not fit, or numbers that are not finite.</exception>
    internal static LinearProbe Of(Tensor weight, Tensor bias, IReadOnlyList<LinearProbeAccuracy> sweep,
        LinearProbeAccuracy chosen)
    {
        if (weight.shape is not [> 0, > 0] || bias.shape is not [var classes] || classes != weight.shape[0]
            || weight.dtype != ScalarType.Float32 || bias.dtype != ScalarType.Float32)
        {
            throw new ArgumentException(
                $"The weight is {weight.dtype} of {FeatureRows.Shape(weight)}, "
                + $"the bias {bias.dtype} of {FeatureRows.Shape(bias)}; "
                + "expected Float32 of (classes, width) and (classes).");
        }
        using var scope = NewDisposeScope();
        if (!weight.isfinite().all().item<bool>() || !bias.isfinite().all().item<bool>())
            throw new ArgumentException("A weight is not a finite number.");
        return new(weight.DetachFromDisposeScope(), bias.DetachFromDisposeScope(), sweep, chosen);
    }

    /// <summary>W (C,D).</summary>
    internal Tensor Weight => _weight;

    /// <summary>b (C).</summary>
    internal Tensor Bias => _bias;

    /// <summary>Width D of the features.</summary>
    public int Dimension => (int)_weight.shape[1];

    /// <summary>Number of classes C.</summary>
    public int NumberOfClasses => (int)_weight.shape[0];

    /// <summary>What every learning rate came to, in the options' order.</summary>
    public IReadOnlyList<LinearProbeAccuracy> Sweep { get; }

    /// <summary>
    /// The learning rate whose weights this probe has: the best on the validation rows, of equal ones the lowest.
    /// </summary>
    public LinearProbeAccuracy Chosen { get; }

    /// <summary>Scores before the softmax, x·Wᵀ + b.</summary>
    /// <param name="features">Features (N,D), float.</param>
    /// <returns>Logits (N,C) on the probe's device; the caller disposes of them.</returns>
    /// <exception cref="ArgumentException">The width is not that of the training features.</exception>
    public Tensor Score(Tensor features)
    {
        using var use = _use.Begin();
        FeatureRows.CheckWidth(features, Dimension, nameof(features));
        using var scope = NewDisposeScope();
        using var mode = no_grad();
        return addmm(_bias, features.to(_weight.device), _weight.transpose(0, 1), 1, 1).MoveToOuterDisposeScope();
    }

    /// <summary>Class probabilities, the softmax of <see cref="Score"/>.</summary>
    /// <inheritdoc cref="Score"/>
    /// <returns>Probabilities (N,C), each row summing to 1, on the probe's device; the caller disposes of
    /// them.</returns>
    public Tensor Probabilities(Tensor features)
    {
        using var scope = NewDisposeScope();
        return Score(features).softmax(-1).MoveToOuterDisposeScope();
    }

    string IOnnxLayer.Export(OnnxGraph graph, string x) => graph.Softmax(graph.Add(
        graph.MatMul(x, graph.Transpose(graph.Weight("weight", _weight), 1, 0)), graph.Weight("bias", _bias)));

    /// <summary>Accuracy on labelled features.</summary>
    /// <param name="features">Features (N,D), float.</param>
    /// <param name="labels">Class of each row (N), int64, 0 to C − 1.</param>
    /// <exception cref="ArgumentException">Shapes that do not fit, features that are not finite, labels out of
    /// range.</exception>
    public ProbeAccuracy Accuracy(Tensor features, Tensor labels)
    {
        FeatureRows.Check(features, labels, NumberOfClasses);
        using var scope = NewDisposeScope();
        return LabelRank.Accuracy(Score(features), labels.to(_weight.device));
    }

    /// <summary>Frees the weights, behind the last call that is under way on another thread.</summary>
    public void Dispose() => _use.Dispose();

    private void Free()
    {
        _weight.Dispose();
        _bias.Dispose();
    }
}
