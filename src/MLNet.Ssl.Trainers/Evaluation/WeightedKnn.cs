using static TorchSharp.torch;

namespace MLNet.Ssl;

/// <summary>
/// The weighted nearest-neighbour classifier by which DINO measures frozen features (Caron et al., arXiv 2104.14294, section 4.1; voting of
/// Wu et al., arXiv 1805.01978): of the k training features most similar to a query, each votes for its class with exp(similarity / T).
/// </summary>
/// <remarks>
/// Similarity is the dot product of l2-normalised features. Which of several equally similar neighbours at the border of the k counts is up to the
/// sort; where two classes have equal scores, the arg max is the lower class. Safe to use from several threads.
/// </remarks>
public sealed class WeightedKnn : IDisposable
{
    // Similarities held at a time, 64 MiB: queries are taken in chunks, whatever the size of the bank.
    private const long SimilaritiesAtATime = 1 << 24;

    private readonly Tensor _features, _labels;

    /// <summary>Remembers the training features.</summary>
    /// <param name="features">Training features (N,D), float, one row a sample; a normalised copy is kept on their device.</param>
    /// <param name="labels">Class of each sample (N), int64, 0 to <paramref name="numberOfClasses"/> − 1.</param>
    /// <param name="numberOfClasses">Number of classes C.</param>
    /// <param name="numberOfNeighbors">Neighbours k that vote; more than N means all N. Default 20.</param>
    /// <param name="temperature">Temperature T of the votes, above 0. Default 0.07.</param>
    /// <exception cref="ArgumentException">No features, shapes that do not fit, features that are not finite, labels or options out of range.</exception>
    public WeightedKnn(Tensor features, Tensor labels, int numberOfClasses, int numberOfNeighbors = 20, float temperature = 0.07f)
    {
        ArgumentNullException.ThrowIfNull(features);
        ArgumentNullException.ThrowIfNull(labels);
        Check.AtLeast(numberOfClasses, 1);
        Check.AtLeast(numberOfNeighbors, 1);
        Check.Positive(temperature);
        if (features.shape is not [> 0, > 0])
            throw new ArgumentException($"The features have the shape {Shape(features)}; expected (samples, width), neither of them 0.", nameof(features));
        if (labels.shape is not [var count] || count != features.shape[0])
            throw new ArgumentException($"The labels have the shape {Shape(labels)}; expected one for each of the {features.shape[0]} features.", nameof(labels));

        using var scope = NewDisposeScope();
        using var mode = no_grad();
        if (!features.isfinite().all().item<bool>())
            throw new ArgumentException("The features are not all finite: one is NaN or infinite.", nameof(features));
        if (labels.min().item<long>() < 0 || labels.max().item<long>() >= numberOfClasses)
            throw new ArgumentException($"The labels are not all between 0 and {numberOfClasses - 1}.", nameof(labels));
        _features = Normalise(features).DetachFromDisposeScope();
        _labels = labels.to(features.device, copy: true).DetachFromDisposeScope();
        (NumberOfClasses, NumberOfNeighbors, Temperature) = (numberOfClasses, numberOfNeighbors, temperature);
    }

    /// <summary>Number of classes C.</summary>
    public int NumberOfClasses { get; }

    /// <summary>Neighbours k that vote, where there are so many.</summary>
    public int NumberOfNeighbors { get; }

    /// <summary>Temperature T of the votes.</summary>
    public float Temperature { get; }

    /// <summary>Width D of the features.</summary>
    public int Dimension => (int)_features.shape[1];

    /// <summary>The class scores of the protocol: Σ exp(similarity / T) over the neighbours of each class. They reach exp(1 / T).</summary>
    /// <param name="queries">Features (Q,D), float; they need not be normalised.</param>
    /// <returns>Scores (Q,C) on the device of the training features; the caller disposes of them.</returns>
    /// <exception cref="ArgumentException">The width of the queries is not that of the training features.</exception>
    public Tensor Score(Tensor queries) => Vote(queries, Ballot);

    /// <summary>The same scores as shares of their sum, which no temperature overflows.</summary>
    /// <param name="queries">Features (Q,D), float; they need not be normalised.</param>
    /// <returns>Probabilities (Q,C), each row summing to 1, on the device of the training features; the caller disposes of them.</returns>
    /// <exception cref="ArgumentException">The width of the queries is not that of the training features.</exception>
    public Tensor Probabilities(Tensor queries) => Vote(queries, similarity =>
    {
        var ballot = Ballot(similarity.sub(similarity.narrow(1, 0, 1)));
        return ballot.div(ballot.sum(1, keepdim: true));
    });

    /// <summary>Frees the training features.</summary>
    public void Dispose()
    {
        _features.Dispose();
        _labels.Dispose();
    }

    private Tensor Ballot(Tensor similarity) => similarity.div(Temperature).exp();

    private Tensor Vote(Tensor queries, Func<Tensor, Tensor> ballot)
    {
        ArgumentNullException.ThrowIfNull(queries);
        if (queries.shape is not [var count, var width] || width != Dimension)
            throw new ArgumentException($"The queries have the shape {Shape(queries)}; expected (queries, {Dimension}).", nameof(queries));

        using var mode = no_grad();
        long bank = _features.shape[0], chunk = Math.Max(1, SimilaritiesAtATime / bank);
        int k = (int)Math.Min(NumberOfNeighbors, bank);
        var scores = zeros(count, NumberOfClasses, device: _features.device);
        for (long start = 0; start < count; start += chunk)
        {
            using var scope = NewDisposeScope();
            long size = Math.Min(chunk, count - start);
            var query = Normalise(queries.narrow(0, start, size).to(_features.device));
            var (similarity, neighbor) = query.matmul(_features.transpose(0, 1)).topk(k, dim: 1);
            var voted = _labels.index_select(0, neighbor.flatten()).view(size, k);
            scores.narrow(0, start, size).scatter_add_(1, voted, ballot(similarity));
        }
        return scores;
    }

    private static Tensor Normalise(Tensor features) => features.div(features.norm(1, keepdim: true).clamp_min(1e-12f));

    private static string Shape(Tensor tensor) => $"({string.Join(", ", tensor.shape)})";
}
