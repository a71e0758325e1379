namespace MLNet.Ssl;

/// <summary>Accuracy of the weighted nearest-neighbour classifier with the settings that it depends on.</summary>
/// <param name="NumberOfNeighbors">Neighbours k that voted; more than there are training rows means all of
/// them.</param>
/// <param name="Temperature">Temperature T of the votes exp(similarity / T).</param>
/// <param name="Accuracy">Share of the rows whose class has the highest score, 0 to 1.</param>
/// <param name="TopKAccuracy">Share of the rows whose class is among the <paramref name="TopKPredictionCount"/> highest
/// scores, 0 to 1.</param>
/// <param name="TopKPredictionCount">5, or the number of classes or of neighbours where that is lower.</param>
public sealed record NearestNeighborsAccuracy(
    int NumberOfNeighbors, double Temperature, double Accuracy, double TopKAccuracy, int TopKPredictionCount)
{
    /// <summary>
    /// What is done to features before they are compared by dot product: "l2", division by their length.
    /// </summary>
    public string Normalization => "l2";
}
