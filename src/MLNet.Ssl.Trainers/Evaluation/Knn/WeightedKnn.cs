using MLNet.Ssl.Evaluation;
using MLNet.Ssl.Onnx;
using MLNet.Ssl.Options;
using MLNet.Ssl.Tensors;
using static TorchSharp.torch;

namespace MLNet.Ssl;

/// <summary>
/// The weighted nearest-neighbour classifier by which DINO measures frozen features (Caron et al.,
/// <see href="https://arxiv.org/abs/2104.14294">arXiv 2104.14294</see>, section 4.1; voting of Wu et al.,
/// <see href="https://arxiv.org/abs/1805.01978">arXiv 1805.01978</see>): of the k training features most similar to a
/// query, each votes for its class with exp(similarity / T).
/// </summary>
/// <remarks>
/// Similarity is the dot product of l2-normalised features. Which of several equally similar neighbours at the border
/// of the k counts is up to the sort; where two classes have equal scores, the arg max is the lower class. Safe to use
/// from several threads.
/// </remarks>
/// <example><code>
/// using var knn = new WeightedKnn(trainFeatures, trainLabels, numberOfClasses: 10);
/// foreach (var r in knn.Accuracy(testFeatures, testLabels, [10, 20, 100, 200]))
///     Console.WriteLine($"k = {r.NumberOfNeighbors}: {r.Accuracy:p1}");
/// </code></example>
public sealed class WeightedKnn : IFeatureClassifier
{
    // Neighbours are held for this many queries at a time.
    private const long QueriesAtATime = 1 << 13;

    private readonly Tensor _features, _labels;
    private readonly SharedUse _use;

    /// <summary>Remembers the training features.</summary>
    /// <param name="features">Training features (N,D), float, one row a sample; a normalised copy is kept on their
    /// device.</param>
    /// <param name="labels">Class of each sample (N), int64, 0 to <paramref name="numberOfClasses"/> − 1.</param>
    /// <param name="numberOfClasses">Number of classes C.</param>
    /// <param name="numberOfNeighbors">Neighbours k that vote; more than N means all N. Default 20.</param>
    /// <param name="temperature">Temperature T of the votes, above 0. Default 0.07.</param>
    /// <exception cref="ArgumentException">No features, shapes that do not fit, features that are not finite, labels or
    /// options out of range.</exception>
    public WeightedKnn(Tensor features, Tensor labels, int numberOfClasses, int numberOfNeighbors = 20,
        float temperature = 0.07f)
    {
        Check.AtLeast(numberOfClasses, 1);
        Check.AtLeast(numberOfNeighbors, 1);
        Check.Positive(temperature);
        FeatureRows.Check(features, labels, numberOfClasses);
        using var scope = NewDisposeScope();
        using var mode = no_grad();
        _features = Normalise(features).DetachFromDisposeScope();
        _labels = labels.to(features.device, copy: true).DetachFromDisposeScope();
        (NumberOfClasses, NumberOfNeighbors, Temperature) = (numberOfClasses, numberOfNeighbors, temperature);
        _use = new(this, Free);
    }

    private WeightedKnn(Tensor normalized, Tensor labels, (int Classes, int Neighbors, float Temperature) options) =>
        (_features, _labels, NumberOfClasses, NumberOfNeighbors, Temperature, _use) =
        (normalized.DetachFromDisposeScope(), labels.DetachFromDisposeScope(), options.Classes, options.Neighbors,
        options.Temperature, new(this, Free));

    /// <summary>One with the <see cref="Features"/> and <see cref="Labels"/> of another, which it takes over:
    /// normalised again, features change in their last bits.
    /// </summary>
    internal static WeightedKnn OfNormalized(Tensor features, Tensor labels, int numberOfClasses, int numberOfNeighbors,
        float temperature)
    {
        Check.AtLeast(numberOfClasses, 1);
        Check.AtLeast(numberOfNeighbors, 1);
        Check.Positive(temperature);
        FeatureRows.Check(features, labels, numberOfClasses);
        return new(features, labels, (numberOfClasses, numberOfNeighbors, temperature));
    }

    /// <summary>The training features (N,D), normalised.</summary>
    internal Tensor Features => _features;

    /// <summary>Their classes (N).</summary>
    internal Tensor Labels => _labels;

    /// <summary>Number of classes C.</summary>
    public int NumberOfClasses { get; }

    /// <summary>Neighbours k that vote, where there are so many.</summary>
    public int NumberOfNeighbors { get; }

    /// <summary>Temperature T of the votes.</summary>
    public float Temperature { get; }

    /// <summary>Width D of the features.</summary>
    public int Dimension => (int)_features.shape[1];

    /// <summary>
    /// The class scores of the protocol: Σ exp(similarity / T) over the neighbours of each class. They reach exp(1 /
    /// T).
    /// </summary>
    /// <param name="queries">Features (Q,D), float; they need not be normalised.</param>
    /// <returns>Scores (Q,C) on the device of the training features; the caller disposes of them.</returns>
    /// <exception cref="ArgumentException">The width of the queries is not that of the training features.</exception>
    public Tensor Score(Tensor queries) => Vote(queries, Ballot);

    /// <summary>The same scores as shares of their sum, which no temperature overflows.</summary>
    /// <param name="queries">Features (Q,D), float; they need not be normalised.</param>
    /// <returns>Probabilities (Q,C), each row summing to 1, on the device of the training features; the caller disposes
    /// of them.</returns>
    /// <exception cref="ArgumentException">The width of the queries is not that of the training features.</exception>
    public Tensor Probabilities(Tensor queries) => Vote(queries, similarity =>
    {
        var ballot = RelativeBallot(similarity);
        return ballot.div(ballot.sum(1, keepdim: true));
    });

    string IOnnxLayer.Export(OnnxGraph graph, string x)
    {
        string bank = graph.Transpose(graph.Weight("features", _features), 1, 0);
        var (similarity, rows) =
            graph.TopK(graph.MatMul(graph.Normalize(x), bank), Math.Min(NumberOfNeighbors, _features.shape[0]));
        string relative = graph.Sub(similarity, graph.ReduceMax(similarity, keepDimensions: true, -1));
        string ballot = graph.Exp(graph.Div(relative, graph.Constant(Temperature)));
        string voted = graph.Gather(graph.Integers(_labels.cpu().data<long>().ToArray()), rows);
        return graph.ScatterAdd(voted, graph.Div(ballot, graph.ReduceSum(ballot)), NumberOfClasses);
    }

    /// <summary>Accuracy on labelled queries, for several k from one search.</summary>
    /// <param name="queries">Features (Q,D), float; they need not be normalised.</param>
    /// <param name="labels">Class of each query (Q), int64, 0 to C − 1.</param>
    /// <param name="ks">Neighbours that vote, each at least 1; more than there are training rows means all. Null means
    /// DINO's 10, 20, 100 and 200, less those above the number of training rows; of fewer than 10 rows all.</param>
    /// <returns>One result for each of <paramref name="ks"/>, in their order.</returns>
    /// <exception cref="ArgumentException">Shapes that do not fit, features that are not finite, labels or
    /// <paramref name="ks"/> out of range.</exception>
    public IReadOnlyList<NearestNeighborsAccuracy> Accuracy(Tensor queries, Tensor labels,
        IReadOnlyList<int>? ks = null)
    {
        using var use = _use.Begin();
        ks ??= UsualNeighbors(_features.shape[0]);
        CheckNeighbors(ks);
        FeatureRows.Check(queries, labels, NumberOfClasses, nameof(queries));
        FeatureRows.CheckWidth(queries, Dimension, nameof(queries));

        var hits = ks.Distinct().ToDictionary(k => k, _ => (Top1: 0L, TopK: 0L));
        ForEachChunk(queries, ks.Max(), (first, similarity, voted) =>
        {
            var ballot = RelativeBallot(similarity);
            var truth = labels.narrow(0, first, similarity.shape[0]).to(_features.device);
            var scores = zeros(similarity.shape[0], NumberOfClasses, device: _features.device);
            long counted = 0;
            foreach (int k in hits.Keys.Order().ToArray())
            {
                long voters = Math.Min(k, similarity.shape[1]) - counted;
                scores.scatter_add_(1, voted.narrow(1, counted, voters), ballot.narrow(1, counted, voters));
                counted += voters;
                var rank = LabelRank.Of(scores, truth);
                hits[k] = (hits[k].Top1 + Below(rank, 1), hits[k].TopK + Below(rank, TopK(k)));
            }
        });
        double count = queries.shape[0];
        return [.. ks.Select(k =>
            new NearestNeighborsAccuracy(k, Temperature, hits[k].Top1 / count, hits[k].TopK / count, TopK(k)))];

        int TopK(int k) => Math.Min(k, LabelRank.TopK(NumberOfClasses));
        static long Below(Tensor rank, int k) => rank.LessThan(k).sum().item<long>();
    }

    private static int[] UsualNeighbors(long rows) =>
        rows < 10 ? [(int)rows] : [.. new[] { 10, 20, 100, 200 }.Where(k => k <= rows)];

    internal static void CheckNeighbors(IReadOnlyList<int> ks)
    {
        if (ks.Count == 0)
            throw new ArgumentException("ks is empty; expected at least one number of neighbours.", nameof(ks));
        foreach (int k in ks) Check.AtLeast(k, 1, nameof(ks));
    }

    /// <summary>Frees the training features, behind the last call that is under way on another thread.</summary>
    public void Dispose() => _use.Dispose();

    private void Free()
    {
        _features.Dispose();
        _labels.Dispose();
    }

    private Tensor Ballot(Tensor similarity) => similarity.Div(Temperature).exp();

    // Relative to the nearest neighbour's.
    private Tensor RelativeBallot(Tensor similarity) => Ballot(similarity.sub(similarity.narrow(1, 0, 1)));

    private Tensor Vote(Tensor queries, Func<Tensor, Tensor> ballot)
    {
        using var use = _use.Begin();
        FeatureRows.CheckWidth(queries, Dimension, nameof(queries));
        using var mode = no_grad();
        var scores = zeros(queries.shape[0], NumberOfClasses, device: _features.device);
        ForEachChunk(queries, NumberOfNeighbors, (first, similarity, voted) =>
            scores.narrow(0, first, similarity.shape[0]).scatter_add_(1, voted, ballot(similarity)));
        return scores;
    }

    /// <summary>
    /// Hands over a chunk's first query and its neighbours' similarities and classes, both (chunk,k), nearest first.
    /// </summary>
    private void ForEachChunk(Tensor queries, int most, Action<long, Tensor, Tensor> use)
    {
        using var mode = no_grad();
        int k = (int)Math.Min(most, _features.shape[0]);
        for (long first = 0; first < queries.shape[0]; first += QueriesAtATime)
        {
            using var scope = NewDisposeScope();
            var chunk = queries.narrow(0, first, Math.Min(QueriesAtATime, queries.shape[0] - first))
                .to(_features.device);
            var (similarity, row) = NeighborSearch.Find(Normalise(chunk), _features, k);
            use(first, similarity, _labels.index_select(0, row.flatten()).view(row.shape));
        }
    }

    private static Tensor Normalise(Tensor features) => nn.functional.normalize(features).contiguous();
}
