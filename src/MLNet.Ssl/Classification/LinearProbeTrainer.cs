using MLNet.Ssl.DataView;

namespace MLNet.Ssl;

/// <summary>
/// Classifies by multinomial logistic regression on fixed features, trained by SGD as the protocols of self-supervised
/// learning do (<see cref="LinearProbe"/>), with a sweep of learning rates in one run.
/// </summary>
/// <remarks>
/// <para><b>Input and output columns.</b> The label is a key, the features are a known-size vector of
/// <see cref="float"/>. Added are <c>PredictedLabel</c>, a key with the label's values, and <c>Score</c>, a vector of
/// one probability per class, named by the classes. They feed <c>MulticlassClassification.Evaluate</c>,
/// <c>CrossValidate</c>, <c>MapKeyToValue</c> and <c>PredictionEngine</c>.</para>
/// <list type="table">
/// <listheader><term>Trainer characteristics</term></listheader>
/// <item><term>Machine learning task</term><description>Multiclass classification</description></item>
/// <item><term>Is normalization required?</term><description>No, where all features are of one scale: the sweep of
/// rates finds it</description></item>
/// <item><term>Is caching required?</term><description>No: one pass over the data, whose features stay in memory while
/// it trains</description></item>
/// <item><term>Exportable to ONNX</term><description>No; the encoder before it is
/// (<see cref="EmbeddingTransformer.ExportOnnx(string)"/>)</description></item>
/// </list>
/// <para>Where there are several learning rates, one is chosen on a part of each class's rows, and the probe is then
/// trained on all rows at that rate, for all epochs. To measure an embedding exactly as published, rates and best epoch
/// by the test rows, use <see cref="EvaluationCatalog.Linear"/>. Rows whose label is missing are left out. It runs on
/// the CPU.</para>
/// </remarks>
public sealed class LinearProbeTrainer : MulticlassTrainer<LinearProbeTransformer>
{
    private readonly LinearProbeTrainerOptions _options;

    internal LinearProbeTrainer(LinearProbeTrainerOptions options) : base(options) => _options = options;

    private protected override LinearProbeTransformer Learn(LabeledRows rows)
    {
        var probe = LinearProbe.TrainHoldingOut(
            rows.OfSeveralClasses().Features, rows.Labels, rows.NumberOfClasses, _options.Probe,
            _options.ValidationFraction);
        return new(probe, _options, rows.Label.Annotations);
    }
}
