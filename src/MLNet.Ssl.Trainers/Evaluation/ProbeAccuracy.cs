namespace MLNet.Ssl;

/// <summary>Accuracy of a classifier on frozen features.</summary>
/// <param name="Accuracy">Share of the rows whose class has the highest score, 0 to 1.</param>
/// <param name="TopKAccuracy">Share of the rows whose class is among the <paramref name="TopKPredictionCount"/> highest
/// scores, 0 to 1.</param>
/// <param name="TopKPredictionCount">5, or the number of classes where that is lower.</param>
public sealed record ProbeAccuracy(double Accuracy, double TopKAccuracy, int TopKPredictionCount);
