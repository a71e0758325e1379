using MLNet.Ssl.Evaluation;
using MLNet.Ssl.Options;
using static TorchSharp.torch;

namespace MLNet.Ssl;

/// <summary>
/// Image retrieval by cosine similarity as on revisited Oxford and Paris (Radenović et al.,
/// <see href="https://arxiv.org/abs/1803.11285">arXiv 1803.11285</see>; DINO,
/// <see href="https://arxiv.org/abs/2104.14294">arXiv 2104.14294</see>, section 4.2): mAP and mP@k under the easy,
/// medium or hard protocol.
/// </summary>
/// <example><code>
/// using var features = RetrievalFeatures.Extract(encoder, photos);
/// // Every photo is a query: right are the others of its subject, and it is not asked about itself.
/// var truth = subjects.Select((subject, i) => RetrievalGroundTruth.Of(
///     [.. Enumerable.Range(0, subjects.Length).Where(j => j != i &amp;&amp; subjects[j] == subject)], i)).ToList();
/// Console.WriteLine($"mAP {RetrievalEvaluator.Evaluate(features, features, truth).MeanAveragePrecision:0.000}");
/// </code></example>
public static class RetrievalEvaluator
{
    /// <summary>Ranks the database for each query and measures the rankings.</summary>
    /// <param name="queries">Features (Q,D); they need not be normalised. <see cref="RetrievalFeatures"/> makes
    /// them.</param>
    /// <param name="database">Features (N,D).</param>
    /// <param name="groundTruth">What is known for each of the Q queries.</param>
    /// <param name="protocol">What counts. Default medium.</param>
    /// <param name="precisionAt">The k of mP@k, each at least 1; null for 1, 5 and 10.</param>
    /// <exception cref="ArgumentException">Shapes that do not fit, features that are not finite, rows outside of the
    /// database, or no query with positives.
    /// </exception>
    public static RetrievalMetrics Evaluate(Tensor queries, Tensor database,
        IReadOnlyList<RetrievalGroundTruth> groundTruth,
        RetrievalProtocol protocol = RetrievalProtocol.Medium, IReadOnlyList<int>? precisionAt = null)
    {
        ArgumentNullException.ThrowIfNull(groundTruth);
        Check.Defined(protocol);
        Ranking.CheckFeatures(queries, database);
        if (groundTruth.Count != queries.shape[0])
            throw new ArgumentException(
                $"There is ground truth for {groundTruth.Count} queries; expected {queries.shape[0]}.",
                nameof(groundTruth));
        int[] ks = [.. (precisionAt ?? [1, 5, 10]).Distinct()];
        foreach (int k in ks) Check.AtLeast(k, 1, nameof(precisionAt));
        for (int query = 0; query < groundTruth.Count; query++)
            groundTruth[query].Validate(query, (int)database.shape[0]);

        var average = new double[groundTruth.Count];
        var precisions = ks.ToDictionary(k => k, _ => new double[groundTruth.Count]);
        Ranking.ForEachQuery(queries, database, (query, similarities) =>
        {
            var (positive, ignored) = groundTruth[query].For(protocol);
            int[] ranks = positive.Count == 0 ? []
                : RanksOfPositives(Ranking.Descending(similarities), positive, ignored);
            average[query] = ranks.Length == 0 ? double.NaN : AveragePrecision.Trapezoid(ranks, ranks.Length);
            foreach (int k in ks) precisions[k][query] = PrecisionAt(k, ranks);
        });
        if (average.All(double.IsNaN))
            throw new ArgumentException(
                $"No query has a positive under the protocol {protocol}: there is nothing to measure.",
                nameof(groundTruth));
        return new(protocol, Mean(average), average, ks.ToDictionary(k => k, k => Mean(precisions[k])),
            ks.ToDictionary(k => k, k => (IReadOnlyList<double>)precisions[k]));
    }

    /// <summary>Ranks from 0 in the list without what is ignored.</summary>
    private static int[] RanksOfPositives(int[] ranking, HashSet<int> positive, HashSet<int> ignored)
    {
        var ranks = new int[positive.Count];
        int found = 0, rank = 0;
        foreach (int row in ranking)
        {
            if (ignored.Contains(row)) continue;
            if (positive.Contains(row)) ranks[found++] = rank;
            rank++;
        }
        return ranks;
    }

    private static double PrecisionAt(int k, int[] ranks)
    {
        if (ranks.Length == 0) return double.NaN;
        int depth = Math.Min(ranks[^1] + 1, k);
        return (double)ranks.Count(rank => rank < depth) / depth;
    }

    private static double Mean(double[] values) => values.Where(value => !double.IsNaN(value)).Average();
}
