using Microsoft.ML;
using Microsoft.ML.Data;
using TorchSharp;

namespace MLNet.Ssl;

/// <summary>A fitted <see cref="NearestNeighborsTrainer"/>: adds the predicted class and the class probabilities. Safe to share between threads.</summary>
public sealed class NearestNeighborsTransformer : ITransformer, IDisposable
{
    private readonly WeightedKnn _knn;
    private readonly NearestNeighborsOptions _options;
    private readonly DataViewSchema.Annotations _label;
    private bool _disposed;

    internal NearestNeighborsTransformer(WeightedKnn knn, NearestNeighborsOptions options, DataViewSchema.Annotations label) =>
        (_knn, _options, _label) = (knn, options, label);

    /// <summary>Column of the features, a vector of <see cref="float"/> of the size that was learnt.</summary>
    public string FeatureColumnName => _options.FeatureColumnName;

    bool ITransformer.IsRowToRowMapper => true;

    /// <inheritdoc/>
    /// <exception cref="ArgumentOutOfRangeException">The feature column is missing, of another type, or of another size than the training features.
    /// </exception>
    public DataViewSchema GetOutputSchema(DataViewSchema inputSchema) => Bind(inputSchema).OutputSchema;

    /// <summary>The data with the prediction's columns, computed as they are read.</summary>
    /// <param name="input">Data with the feature column; it needs no labels.</param>
    /// <exception cref="ArgumentOutOfRangeException">The feature column is missing, of another type, or of another size than the training features.
    /// </exception>
    public IDataView Transform(IDataView input)
    {
        ArgumentNullException.ThrowIfNull(input);
        return new BatchView<float[]>(Bind(input.Schema), input);
    }

    /// <summary>Frees the remembered features.</summary>
    public void Dispose()
    {
        _disposed = true;
        _knn.Dispose();
    }

    IRowToRowMapper ITransformer.GetRowToRowMapper(DataViewSchema inputSchema) => Bind(inputSchema);

    void ICanSaveModel.Save(ModelSaveContext ctx) => throw Persistence.NotYet(nameof(NearestNeighborsTransformer));

    private Mapper Bind(DataViewSchema inputSchema)
    {
        ObjectDisposedException.ThrowIf(_disposed, this);
        ArgumentNullException.ThrowIfNull(inputSchema);
        var features = inputSchema.Find("feature", _options.FeatureColumnName);
        NearestNeighborsTrainer.CheckFeatures(features, _knn.Dimension);
        return new(_knn, inputSchema, features, MulticlassColumns.For(inputSchema, _options, _knn.NumberOfClasses, _label));
    }

    private sealed class Mapper(WeightedKnn knn, DataViewSchema inputSchema, DataViewSchema.Column features, DataViewSchema.DetachedColumn[] outputs)
        : BatchMapper<float[]>(inputSchema, features, outputs)
    {
        public override int Width => knn.NumberOfClasses;

        public override bool KeepsInput => true;

        public override Func<float[]> CreateReader(DataViewRow row) => FloatVectors.Reader(row, Input);

        public override long SizeOf(float[] input) => input.Length * sizeof(float);

        public override void Compute(IReadOnlyList<float[]> inputs, Span<float> results)
        {
            using var scope = torch.NewDisposeScope();
            var queries = torch.tensor(inputs.SelectMany(v => v).ToArray(), [inputs.Count, knn.Dimension]);
            knn.Probabilities(queries).data<float>().CopyTo(results);
        }

        public override Delegate CreateGetter(int output, RowResult result) => output == 0 ? Predicted(result) : FloatVectors.Getter(result);

        public override Delegate CreateInputGetter(Func<float[]> input) => FloatVectors.Getter(() => input());

        private static ValueGetter<uint> Predicted(RowResult result) => (ref uint key) =>
        {
            var probabilities = result();
            int best = 0;
            for (int c = 1; c < probabilities.Length; c++)
                if (probabilities[c] > probabilities[best]) best = c;
            key = (uint)best + 1;
        };
    }
}
