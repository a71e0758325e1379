using MLNet.Ssl.Options;

namespace MLNet.Ssl;

/// <summary>Figures of a retrieval benchmark under one protocol; queries without positives are in no mean.</summary>
/// <param name="Protocol">The protocol.</param>
/// <param name="MeanAveragePrecision">mAP, the mean of the average precisions, from 0 to 1.</param>
/// <param name="AveragePrecisions">Trapezoidal average precision of each query; NaN for a query without
/// positives.</param>
/// <param name="MeanPrecisionAt">mP@k: for each k the mean of the queries' precision at min(k, rank of the last
/// positive).</param>
/// <param name="PrecisionsAt">For each k the precision of each query; NaN for a query without positives.</param>
public sealed record RetrievalMetrics(RetrievalProtocol Protocol, double MeanAveragePrecision,
    IReadOnlyList<double> AveragePrecisions,
    IReadOnlyDictionary<int, double> MeanPrecisionAt, IReadOnlyDictionary<int, IReadOnlyList<double>> PrecisionsAt)
{
    /// <summary>All members, with the contents of lists.</summary>
    public override string ToString() => RecordText.Of(this);
}
