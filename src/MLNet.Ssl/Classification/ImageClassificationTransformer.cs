using Microsoft.ML;
using Microsoft.ML.Data;
using Microsoft.ML.Runtime;
using MLNet.Ssl.Classification;
using MLNet.Ssl.DataView;
using MLNet.Ssl.Hosting;
using MLNet.Ssl.Images;
using MLNet.Ssl.Options;

namespace MLNet.Ssl;

/// <summary>
/// A fine-tuned or distilled network: adds the predicted class and the class probabilities of images. Safe to share
/// between threads.
/// </summary>
/// <remarks>Rows are classified as they are read, in batches ahead of the cursor.</remarks>
public sealed class ImageClassificationTransformer : ITransformer, IDisposable
{
    private readonly ImageClassificationColumns _columns;
    private readonly DataViewSchema.Annotations _label;
    private readonly IHost? _host;
    private OnUnreadableImage _onUnreadableImage;
    private bool _disposed;

    internal ImageClassificationTransformer(
        ImageClassifier classifier, ImageClassificationColumns columns, DataViewSchema.Annotations label,
        IHost? host = null) =>
        (Classifier, _columns, _label, _host) = (classifier, columns, label, host);

    /// <summary>The network, owned by the transformer.</summary>
    public ImageClassifier Classifier { get; }

    /// <summary>Column of the images.</summary>
    public string InputColumnName => _columns.FeatureColumnName;

    /// <summary>
    /// What <see cref="Transform"/> does with an image that cannot be read. <see cref="OnUnreadableImage.Skip"/> leaves
    /// its row out, with a warning in the log; a <c>PredictionEngine</c>, which cannot, answers with missing values
    /// (NaN).
    /// </summary>
    /// <value>What the options said; of a loaded model <see cref="OnUnreadableImage.Throw"/>. Set it before the
    /// transformer is shared.</value>
    /// <exception cref="ArgumentOutOfRangeException">The value is none of the enumeration's.</exception>
    public OnUnreadableImage OnUnreadableImage
    {
        get => _onUnreadableImage;
        set
        {
            Check.Defined(value, nameof(OnUnreadableImage));
            _onUnreadableImage = value;
        }
    }

    /// <summary>The type of the column that it was fitted on; null where that is not known.</summary>
    internal DataViewType? InputType { get; init; }

    /// <inheritdoc cref="EmbeddingTransformer.ApplyExifOrientation"/>
    public bool ApplyExifOrientation { get; set; }

    internal DataViewSchema.Annotations Label => _label;

    internal ImageClassificationColumns Columns => _columns;

    bool ITransformer.IsRowToRowMapper => true;

    /// <inheritdoc/>
    /// <exception cref="ArgumentOutOfRangeException">The image column is missing or of another type.</exception>
    public DataViewSchema GetOutputSchema(DataViewSchema inputSchema) => Bind(inputSchema).OutputSchema;

    /// <summary>The data with the prediction's columns, computed as they are read.</summary>
    /// <param name="input">Data with the image column; it needs no labels.</param>
    /// <exception cref="ArgumentOutOfRangeException">The image column is missing or of another type.</exception>
    public IDataView Transform(IDataView input)
    {
        ArgumentNullException.ThrowIfNull(input);
        return new UnreadableImages(OnUnreadableImage, _host)
            .Rows(new BatchView<RowImage>(Bind(input.Schema), input), _columns.ScoreColumnName);
    }

    /// <inheritdoc cref="ImageClassifier.ExportOnnx(string)"/>
    public void ExportOnnx(string path) => Classifier.ExportOnnx(path);

    /// <inheritdoc cref="ImageClassifier.ExportOnnx(Stream)"/>
    public void ExportOnnx(Stream stream) => Classifier.ExportOnnx(stream);

    /// <summary>Frees the network, behind the last call that is under way on another thread.</summary>
    public void Dispose()
    {
        _disposed = true;
        Classifier.Dispose();
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
        var images = inputSchema.Find("input", InputColumnName, ColumnAdvice.LostImages);
        ImageColumn.Check(images, "input");
        return new(Classifier, new(OnUnreadableImage, _host), ApplyExifOrientation, inputSchema, images,
            MulticlassColumns.For(inputSchema, _columns, Classifier.NumberOfClasses, _label));
    }

    private sealed class Mapper(
        ImageClassifier classifier, UnreadableImages unreadable, bool upright, DataViewSchema inputSchema,
        DataViewSchema.Column images, DataViewSchema.DetachedColumn[] outputs)
        : BatchMapper<RowImage>(inputSchema, images, outputs)
    {
        public override int Width => classifier.NumberOfClasses;

        public override bool Prepares => true;

        public override Func<RowImage> CreateReader(DataViewRow row) => ImageColumn.Reader(row, Input, unreadable);

        public override RowImage Prepare(RowImage input, PixelBuffer buffer) =>
            input.Prepare(classifier.Preprocessing, Input.Name, upright, unreadable, buffer);

        public override long SizeOf(RowImage input) => input.Size;

        public override ReadyBatch Ready(IReadOnlyList<RowImage> inputs) =>
            UnreadableImages.Ready(inputs, classifier.Load, classifier.Probabilities);

        public override Delegate CreateGetter(int output, RowResult result) => MulticlassColumns.Getter(output, result);
    }
}
