using System.Buffers;
using Microsoft.ML;
using Microsoft.ML.Data;
using TorchSharp;

namespace MLNet.Ssl;

/// <summary>
/// Classifies by the labels of the most similar training rows, weighted by similarity: the nearest-neighbour protocol of DINO
/// (<see cref="WeightedKnn"/>), which measures an embedding without training anything on it.
/// </summary>
/// <remarks>
/// <para><b>Input and output columns.</b> The label is a key, the features are a known-size vector of <see cref="float"/>. Added are
/// <c>PredictedLabel</c>, a key with the label's values, and <c>Score</c>, a vector of one probability per class, named by the classes. They feed
/// <c>MulticlassClassification.Evaluate</c>, <c>CrossValidate</c>, <c>MapKeyToValue</c> and <c>PredictionEngine</c>.</para>
/// <list type="table">
/// <listheader><term>Trainer characteristics</term></listheader>
/// <item><term>Machine learning task</term><description>Multiclass classification</description></item>
/// <item><term>Is normalization required?</term><description>No: vectors are normalised to length 1</description></item>
/// <item><term>Is caching required?</term><description>No: one pass over the data, whose features stay in memory</description></item>
/// <item><term>Exportable to ONNX</term><description>No</description></item>
/// </list>
/// <para>Rows whose label is missing are left out. It runs on the CPU.</para>
/// </remarks>
public sealed class NearestNeighborsTrainer : IEstimator<NearestNeighborsTransformer>
{
    private const string ExpectedLabel = "a key", ExpectedFeatures = "known-size vector of Single";
    private const string LabelAdvice = "ml.Transforms.Conversion.MapValueToKey makes a key of a column.";

    private readonly NearestNeighborsOptions _options;

    internal NearestNeighborsTrainer(NearestNeighborsOptions options)
    {
        ArgumentNullException.ThrowIfNull(options);
        options.Validate();
        _options = options;
    }

    /// <inheritdoc/>
    /// <exception cref="ArgumentOutOfRangeException">A column is missing or of another type.</exception>
    public SchemaShape GetOutputSchema(SchemaShape inputSchema)
    {
        ArgumentNullException.ThrowIfNull(inputSchema);
        var label = inputSchema.Find("label", _options.LabelColumnName);
        if (label is not { IsKey: true, Kind: SchemaShape.Column.VectorKind.Scalar })
            throw SchemaShapes.Mismatch("label", label.Name, ExpectedLabel, label.Describe(), LabelAdvice);
        var features = inputSchema.Find("feature", _options.FeatureColumnName);
        if (features is not { Kind: SchemaShape.Column.VectorKind.Vector, IsKey: false } || features.ItemType != NumberDataViewType.Single)
            throw SchemaShapes.Mismatch("feature", features.Name, ExpectedFeatures, features.Describe());
        return inputSchema.With(MulticlassColumns.For(_options, label));
    }

    /// <summary>Remembers the labelled rows.</summary>
    /// <param name="input">The training data, read once.</param>
    /// <returns>The classifier; dispose of it, or of the chain it is in, to free the features.</returns>
    /// <exception cref="ArgumentOutOfRangeException">A column is missing or of another type.</exception>
    /// <exception cref="InvalidOperationException">No row has a label, or a feature is not a finite number (the message names column, row and slot).
    /// </exception>
    public NearestNeighborsTransformer Fit(IDataView input)
    {
        ArgumentNullException.ThrowIfNull(input);
        var label = input.Schema.Find("label", _options.LabelColumnName);
        if (label.Type is not KeyDataViewType key) throw SchemaShapes.Mismatch("label", label.Name, ExpectedLabel, label.Type, LabelAdvice);
        if (key.Count > int.MaxValue)
            throw SchemaShapes.Mismatch("label", label.Name, "a key of at most 2147483647 classes", key, LabelAdvice);
        var features = input.Schema.Find("feature", _options.FeatureColumnName);
        CheckFeatures(features);

        var bank = new ArrayBufferWriter<float>();
        var classes = new List<long>();
        using (var cursor = input.GetRowCursor([label, features]))
        {
            var readLabel = LabelReader(cursor, label);
            var readFeatures = FloatVectors.Reader(cursor, features);
            while (cursor.MoveNext())
                if (readLabel() is > 0 and var raw)
                {
                    bank.Write(readFeatures());
                    classes.Add((long)raw - 1);
                }
        }
        if (classes.Count == 0)
            throw new InvalidOperationException($"No row has both features '{features.Name}' and a label in '{label.Name}': there are no neighbours to ask.");

        using var scope = torch.NewDisposeScope();
        var knn = new WeightedKnn(torch.tensor(bank.WrittenSpan.ToArray(), [classes.Count, ((VectorDataViewType)features.Type).Size]),
            torch.tensor(classes.ToArray()), (int)key.Count, _options.NumberOfNeighbors, _options.Temperature);
        return new(knn, _options, label.Annotations);
    }

    internal static void CheckFeatures(DataViewSchema.Column column, int? size = null)
    {
        if (column.Type is not VectorDataViewType { IsKnownSize: true } vector || vector.ItemType != NumberDataViewType.Single
            || (size is not null && vector.Size != size))
            throw SchemaShapes.Mismatch("feature", column.Name, size is null ? ExpectedFeatures : $"Vector<Single, {size}>", column.Type);
    }

    // Keys come in four sizes; 0 is a missing label.
    private static Func<ulong> LabelReader(DataViewRow row, DataViewSchema.Column column)
    {
        return Type.GetTypeCode(column.Type.RawType) switch
        {
            TypeCode.Byte => Read<byte>(v => v),
            TypeCode.UInt16 => Read<ushort>(v => v),
            TypeCode.UInt32 => Read<uint>(v => v),
            _ => Read<ulong>(v => v),
        };

        Func<ulong> Read<T>(Func<T, ulong> widen)
        {
            var getter = row.GetGetter<T>(column);
            T value = default!;
            return () =>
            {
                getter(ref value);
                return widen(value);
            };
        }
    }
}
