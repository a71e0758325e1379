using MLNet.Ssl.DataView;

namespace MLNet.Ssl;

/// <summary>
/// Classifies by the labels of the most similar training rows, weighted by similarity: the nearest-neighbour protocol
/// of DINO (<see cref="WeightedKnn"/>), which measures an embedding without training anything on it.
/// </summary>
/// <remarks>
/// <para><b>Input and output columns.</b> The label is a key, the features are a known-size vector of
/// <see cref="float"/>. Added are <c>PredictedLabel</c>, a key with the label's values, and <c>Score</c>, a vector of
/// one probability per class, named by the classes. They feed <c>MulticlassClassification.Evaluate</c>,
/// <c>CrossValidate</c>, <c>MapKeyToValue</c> and <c>PredictionEngine</c>.</para>
/// <list type="table">
/// <listheader><term>Trainer characteristics</term></listheader>
/// <item><term>Machine learning task</term><description>Multiclass classification</description></item>
/// <item><term>Is normalization required?</term><description>No: vectors are normalised to length
/// 1</description></item>
/// <item><term>Is caching required?</term><description>No: one pass over the data, whose features stay in
/// memory</description></item>
/// <item><term>Exportable to ONNX</term><description>No; the encoder before it is
/// (<see cref="EmbeddingTransformer.ExportOnnx(string)"/>)</description></item>
/// </list>
/// <para>Rows whose label is missing are left out. It runs on the CPU.</para>
/// </remarks>
public sealed class NearestNeighborsTrainer : MulticlassTrainer<NearestNeighborsTransformer>
{
    private readonly NearestNeighborsOptions _options;

    internal NearestNeighborsTrainer(NearestNeighborsOptions options) : base(options) => _options = options;

    private protected override NearestNeighborsTransformer Learn(LabeledRows rows) => new(
        new WeightedKnn(rows.Features, rows.Labels, rows.NumberOfClasses, _options.NumberOfNeighbors,
        _options.Temperature), _options, rows.Label.Annotations);
}
