using MLNet.Ssl.Options;

namespace MLNet.Ssl;

/// <summary>
/// Copy detection measured over all queries at once, as the image similarity challenge defines it (DISC21; Douze et
/// al., <see href="https://arxiv.org/abs/2106.09672">arXiv 2106.09672</see>): the predictions of all queries are pooled
/// and sorted by score, so scores must be comparable across queries.
/// </summary>
/// <example><code>
/// CopyMatch[] copies = [new(Query: 0, Database: 7)];
/// CopyMatch[] predicted = [new(0, 7, Score: 0.93f), new(1, 4, Score: 0.61f)];
/// Console.WriteLine($"µAP {MicroAveragePrecision.Evaluate(copies, predicted).MicroAP:0.000}");
/// </code></example>
/// <param name="MicroAP">µAP = Σ_i (R_i − R_{i−1})·P_i over the pooled predictions, from 0 to 1.</param>
/// <param name="RecallAtPrecision90">The largest recall with a precision of at least 90 %; null where that precision is
/// never reached.</param>
/// <param name="ThresholdAtPrecision90">The score from which on predictions count at that point; null where there is
/// none.</param>
/// <param name="RecallAtRank1">Share of ground-truth pairs that stand first in their query's list.</param>
/// <param name="RecallAtRank10">Share of ground-truth pairs among the first ten of their query's list.</param>
/// <param name="Precisions">Precision P_i after each pooled prediction, best score first.</param>
/// <param name="Recalls">Recall R_i after each pooled prediction.</param>
public sealed record MicroAveragePrecision(double MicroAP, double? RecallAtPrecision90, float? ThresholdAtPrecision90,
    double RecallAtRank1,
    double RecallAtRank10, IReadOnlyList<double> Precisions, IReadOnlyList<double> Recalls)
{
    private const double Precision90 = 0.9;

    /// <summary>Measures predictions.</summary>
    /// <param name="groundTruth">All pairs that are copies, each once; scores are ignored. Queries may be absent: they
    /// are copies of nothing.</param>
    /// <param name="predictions">Predicted pairs, each at most once. Among equal scores wrong ones count first, so that
    /// no tie is an advantage.</param>
    /// <exception cref="ArgumentException">There is no ground truth, a pair is given twice, or a score is
    /// NaN.</exception>
    public static MicroAveragePrecision Evaluate(IReadOnlyCollection<CopyMatch> groundTruth,
        IReadOnlyCollection<CopyMatch> predictions)
    {
        ArgumentNullException.ThrowIfNull(groundTruth);
        ArgumentNullException.ThrowIfNull(predictions);
        if (groundTruth.Count == 0)
            throw new ArgumentException("There is no pair; expected at least one copy.", nameof(groundTruth));
        var truth = Pairs(groundTruth, nameof(groundTruth));
        Pairs(predictions, nameof(predictions));

        var pooled = predictions.Select(p => (p.Score, Right: truth.Contains((p.Query, p.Database))))
            .OrderByDescending(p => p.Score).ThenBy(p => p.Right).ToArray();
        var (precisions, recalls) = (new double[pooled.Length], new double[pooled.Length]);
        double area = 0, recall90 = -1;
        float? threshold = null;
        for (int i = 0, right = 0; i < pooled.Length; i++)
        {
            if (pooled[i].Right) right++;
            (precisions[i], recalls[i]) = ((double)right / (i + 1), (double)right / groundTruth.Count);
            area += (recalls[i] - (i == 0 ? 0 : recalls[i - 1])) * precisions[i];
            if (precisions[i] >= Precision90 && recalls[i] > recall90)
                (recall90, threshold) = (recalls[i], pooled[i].Score);
        }
        var ranks = Ranks(groundTruth, predictions);
        return new(area, threshold is null ? null
            : recall90, threshold, RecallAtRank(ranks, 1), RecallAtRank(ranks, 10), precisions, recalls);
    }

    /// <summary>
    /// Rank from 0 of each ground-truth pair in its query's list, behind all of the same score; null where it is not
    /// predicted.
    /// </summary>
    private static int?[] Ranks(IReadOnlyCollection<CopyMatch> groundTruth, IReadOnlyCollection<CopyMatch> predictions)
    {
        var lists = predictions.ToLookup(p => p.Query);
        return [.. groundTruth.Select(pair =>
        {
            var list = lists[pair.Query];
            CopyMatch? found = list.Where(p => p.Database == pair.Database).Select(p => (CopyMatch?)p).FirstOrDefault();
            return found is { Score: var score } ? list.Count(p => p.Score >= score) - 1 : (int?)null;
        })];
    }

    private static double RecallAtRank(int?[] ranks, int rank) => (double)ranks.Count(r => r < rank) / ranks.Length;

    private static HashSet<(int, int)> Pairs(IReadOnlyCollection<CopyMatch> matches, string name)
    {
        var pairs = new HashSet<(int, int)>();
        foreach (var match in matches)
        {
            if (!pairs.Add((match.Query, match.Database)))
                throw new ArgumentException(
                    $"The pair (query {match.Query}, database {match.Database}) is given twice.", name);
            if (float.IsNaN(match.Score))
                throw new ArgumentException(
                    $"The score of the pair (query {match.Query}, database {match.Database}) is NaN.", name);
        }
        return pairs;
    }

    /// <summary>All members, with the contents of lists.</summary>
    public override string ToString() => RecordText.Of(this);
}
