using Microsoft.ML;
using Microsoft.ML.Data;
using MLNet.Ssl.Classification;
using MLNet.Ssl.DataView;
using MLNet.Ssl.Evaluation;
using MLNet.Ssl.Hosting;
using MLNet.Ssl.Tensors;
using TorchSharp;

namespace MLNet.Ssl;

/// <summary>
/// A fitted classifier of embeddings: adds the predicted class and the class probabilities. Safe to share between
/// threads.
/// </summary>
/// <remarks>
/// <c>ml.MulticlassClassification.PermutationFeatureImportance</c> takes it by its type, and of a fitted chain its
/// <c>LastTransformer</c>. The overload for any <see cref="ITransformer"/>, such as a whole chain, asks for an
/// interface that ML.NET keeps to itself, and refuses.
/// </remarks>
public abstract class MulticlassTransformer : ISingleFeaturePredictionTransformer<MulticlassTransformer>, IDisposable
{
    private readonly IFeatureClassifier _classifier;
    private bool _disposed;

    private protected MulticlassTransformer(
        IFeatureClassifier classifier, MulticlassOptions options, DataViewSchema.Annotations label) =>
        (_classifier, Options, Label) = (classifier, options, label);

    /// <summary>Column of the features, a vector of <see cref="float"/> of the size that was learnt.</summary>
    public string FeatureColumnName => Options.FeatureColumnName;

    /// <summary>What was learnt.</summary>
    internal IFeatureClassifier Classifier
    {
        get
        {
            ObjectDisposedException.ThrowIf(_disposed, this);
            return _classifier;
        }
    }

    internal MulticlassOptions Options { get; }

    /// <summary>The label's annotations, which name the classes.</summary>
    internal DataViewSchema.Annotations Label { get; }

    bool ITransformer.IsRowToRowMapper => true;

    MulticlassTransformer IPredictionTransformer<MulticlassTransformer>.Model => this;

    DataViewType ISingleFeaturePredictionTransformer<MulticlassTransformer>.FeatureColumnType =>
        new VectorDataViewType(NumberDataViewType.Single, _classifier.Dimension);

    /// <inheritdoc/>
    /// <exception cref="ArgumentOutOfRangeException">The feature column is missing, of another type, or of another size
    /// than the training features.</exception>
    public DataViewSchema GetOutputSchema(DataViewSchema inputSchema) => Bind(inputSchema).OutputSchema;

    /// <summary>The data with the prediction's columns, computed as they are read.</summary>
    /// <param name="input">Data with the feature column; it needs no labels.</param>
    /// <exception cref="ArgumentOutOfRangeException">The feature column is missing, of another type, or of another size
    /// than the training features.</exception>
    public IDataView Transform(IDataView input)
    {
        ArgumentNullException.ThrowIfNull(input);
        return new BatchView<float[]>(Bind(input.Schema), input);
    }

    /// <summary>Frees what was learnt.</summary>
    public void Dispose()
    {
        _disposed = true;
        _classifier.Dispose();
        GC.SuppressFinalize(this);
    }

    IRowToRowMapper ITransformer.GetRowToRowMapper(DataViewSchema inputSchema) => Bind(inputSchema);

    void ICanSaveModel.Save(ModelSaveContext ctx)
    {
        ObjectDisposedException.ThrowIf(_disposed, this);
        ModelSave.Write(this, ctx);
    }

    private Mapper Bind(DataViewSchema inputSchema)
    {
        ObjectDisposedException.ThrowIf(_disposed, this);
        ArgumentNullException.ThrowIfNull(inputSchema);
        var features = inputSchema.Find("feature", Options.FeatureColumnName);
        FloatVectors.Check(features, _classifier.Dimension);
        return new(_classifier, inputSchema, features,
            MulticlassColumns.For(inputSchema, Options, _classifier.NumberOfClasses, Label));
    }

    private sealed class Mapper(
        IFeatureClassifier classifier, DataViewSchema inputSchema, DataViewSchema.Column features,
        DataViewSchema.DetachedColumn[] outputs)
        : BatchMapper<float[]>(inputSchema, features, outputs)
    {
        public override int Width => classifier.NumberOfClasses;

        public override Func<float[]> CreateReader(DataViewRow row) => FloatVectors.Reader(row, Input);

        public override long SizeOf(float[] input) => input.Length * sizeof(float);

        public override ReadyBatch Ready(IReadOnlyList<float[]> inputs) => new(results =>
        {
            using var scope = torch.NewDisposeScope();
            using var threads = IntraOpThreads.Use(IntraOpThreads.ForPredictions);
            var queries = NativeTensor.Of(inputs.SelectMany(v => v).ToArray(), inputs.Count, classifier.Dimension);
            classifier.Probabilities(queries).data<float>().CopyTo(results);
        });

        public override Delegate CreateGetter(int output, RowResult result) => MulticlassColumns.Getter(output, result);
    }
}
