using MLNet.Ssl.Options;

namespace MLNet.Ssl;

/// <summary>What a linear probe makes of an embedding, with the settings that the figure depends on.</summary>
/// <param name="Accuracy">Share of the test rows whose class has the highest score, 0 to 1.</param>
/// <param name="TopKAccuracy">Share of the test rows whose class is among the <paramref name="TopKPredictionCount"/>
/// highest scores, 0 to 1.</param>
/// <param name="TopKPredictionCount">5, or the number of classes where that is lower.</param>
/// <param name="Chosen">The learning rate and epoch that were chosen, and the accuracy they were chosen by.</param>
/// <param name="Sweep">The same for every learning rate.</param>
/// <param name="Options">The options.</param>
/// <param name="ChosenOnTestRows">True if learning rate and epoch were chosen by the test rows themselves, as the
/// published protocols do.</param>
public sealed record LinearEvaluation(
    double Accuracy, double TopKAccuracy, int TopKPredictionCount, LinearProbeAccuracy Chosen,
    IReadOnlyList<LinearProbeAccuracy> Sweep, LinearProbeOptions Options, bool ChosenOnTestRows)
{
    /// <summary>All members, with the contents of lists.</summary>
    public override string ToString() => RecordText.Of(this);
}
