using Microsoft.ML;
using Microsoft.ML.Data;
using Microsoft.ML.Runtime;
using MLNet.Ssl.DataView;
using MLNet.Ssl.Hosting;
using MLNet.Ssl.Images;
using MLNet.Ssl.Options;

namespace MLNet.Ssl;

/// <summary>
/// Embeds images, or rows of a table, with an encoder. Rows are embedded as they are read, in batches ahead of the
/// cursor; safe to share between threads.
/// </summary>
/// <remarks>
/// Where several passes over the rows follow (most trainers make them), cache behind it, or every pass embeds all rows
/// again. Disposing of a <c>PredictionEngine</c> disposes of its transformer too, unless
/// <c>PredictionEngineOptions.OwnsTransformer</c> is false.
/// </remarks>
public sealed class EmbeddingTransformer : ITransformer, IDisposable
{
    private readonly IHost? _host;
    private OnUnreadableImage _onUnreadableImage;
    private bool _disposed;

    internal EmbeddingTransformer(
        Encoder encoder, string outputColumnName, string inputColumnName, IHost? host = null) =>
        (Encoder, OutputColumnName, InputColumnName, _host) = (encoder, outputColumnName, inputColumnName, host);

    /// <summary>The encoder, owned by the transformer.</summary>
    public Encoder Encoder { get; }

    /// <summary>Column that receives the embedding, a vector of <see cref="float"/> of the encoder's width.</summary>
    public string OutputColumnName { get; }

    /// <summary>Column of the images (<c>MLImage</c>, paths of files as text, or their
    /// bytes), or of the rows' values.</summary>
    public string InputColumnName { get; }

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

    /// <summary>
    /// Whether image files, in a column of paths or of bytes, are turned as the orientation in their EXIF data says. An
    /// <c>MLImage</c> has no such data any more.
    /// </summary>
    /// <value>What the options said; it is saved with the model. Set it before the transformer is shared.</value>
    public bool ApplyExifOrientation { get; set; }

    bool ITransformer.IsRowToRowMapper => true;

    /// <inheritdoc/>
    /// <exception cref="ArgumentOutOfRangeException">The input column is missing or of another type than the encoder
    /// was trained on.</exception>
    public DataViewSchema GetOutputSchema(DataViewSchema inputSchema) => Bind(inputSchema).OutputSchema;

    /// <summary>The data with the embedding's column, computed as it is read.</summary>
    /// <param name="input">Data with the input column.</param>
    /// <exception cref="ArgumentOutOfRangeException">The input column is missing or of another type than the encoder
    /// was trained on.</exception>
    public IDataView Transform(IDataView input) => Encoder is ImageEncoder
        ? Unreadable().Rows(WithMissing(input), OutputColumnName) : WithMissing(input);

    /// <summary>
    /// Writes the encoder's weights under their official names, for PyTorch or
    /// <see cref="SelfSupervisedCatalog.LoadPretrained(string, string?, string, PretrainedOptions?)"/>.
    /// </summary>
    /// <param name="path">The safetensors file. An existing one is replaced when the new one is complete.</param>
    /// <exception cref="IOException">The file cannot be written.</exception>
    public void SaveSafeTensors(string path) => Encoder.SaveSafeTensors(path);

    /// <inheritdoc cref="Encoder.SaveSafeTensors(Stream)"/>
    public void SaveSafeTensors(Stream stream) => Encoder.SaveSafeTensors(stream);

    /// <inheritdoc cref="Encoder.ExportOnnx(string)"/>
    public void ExportOnnx(string path) => Encoder.ExportOnnx(path);

    /// <inheritdoc cref="Encoder.ExportOnnx(Stream)"/>
    public void ExportOnnx(Stream stream) => Encoder.ExportOnnx(stream);

    /// <summary>Frees the encoder, behind the last call that is under way on another thread.</summary>
    public void Dispose()
    {
        _disposed = true;
        Encoder.Dispose();
    }

    /// <summary>The encoder, where images are needed.</summary>
    internal ImageEncoder ImageEncoder => Encoder as ImageEncoder
        ?? throw new NotSupportedException(
            "The transformer embeds rows of a table; one that embeds images is needed here.");

    /// <summary>As <see cref="Transform"/>, but rows whose images are left out stay, with missing values.</summary>
    internal IDataView WithMissing(IDataView input)
    {
        ArgumentNullException.ThrowIfNull(input);
        return Bind(input.Schema) switch
        {
            BatchMapper<RowImage> images => new BatchView<RowImage>(images, input),
            var rows => new BatchView<float[]>((BatchMapper<float[]>)rows, input),
        };
    }

    /// <summary>What becomes of images that cannot be read, to count anew.</summary>
    internal UnreadableImages Unreadable() => new(OnUnreadableImage, _host);

    /// <summary>The type of the column that it was fitted on; null where that is not known.</summary>
    internal DataViewType? InputType { get; init; }

    internal static DataViewSchema.DetachedColumn OutputColumn(string name, int dimension) =>
        new(name, new VectorDataViewType(NumberDataViewType.Single, dimension));

    IRowToRowMapper ITransformer.GetRowToRowMapper(DataViewSchema inputSchema) => Bind(inputSchema);

    void ICanSaveModel.Save(ModelSaveContext ctx)
    {
        ObjectDisposedException.ThrowIf(_disposed, this);
        ModelSave.Write(this, ctx);
    }

    private IRowToRowMapper Bind(DataViewSchema inputSchema)
    {
        ObjectDisposedException.ThrowIf(_disposed, this);
        ArgumentNullException.ThrowIfNull(inputSchema);
        var input = inputSchema.Find("input", InputColumnName, Encoder is ImageEncoder ? ColumnAdvice.LostImages
            : null);
        var embedding = OutputColumn(OutputColumnName, Encoder.EmbeddingDimension);
        if (Encoder is ImageEncoder images)
        {
            ImageColumn.Check(input, "input");
            return new ImageMapper(images, Unreadable(), ApplyExifOrientation, inputSchema, input, embedding);
        }
        var rows = (TableEncoder)Encoder;
        FloatVectors.Check(input, rows.Columns, "input");
        return new RowMapper(rows, inputSchema, input, embedding);
    }

    private sealed class ImageMapper(
        ImageEncoder encoder, UnreadableImages unreadable, bool upright, DataViewSchema inputSchema,
        DataViewSchema.Column images, DataViewSchema.DetachedColumn embedding)
        : BatchMapper<RowImage>(inputSchema, images, embedding)
    {
        public override int Width => encoder.EmbeddingDimension;

        public override bool Prepares => true;

        public override Func<RowImage> CreateReader(DataViewRow row) => ImageColumn.Reader(row, Input, unreadable);

        public override RowImage Prepare(RowImage input, PixelBuffer buffer) =>
            input.Prepare(encoder.Preprocessing, Input.Name, upright, unreadable, buffer);

        public override long SizeOf(RowImage input) => input.Size;

        public override ReadyBatch Ready(IReadOnlyList<RowImage> inputs) =>
            UnreadableImages.Ready(inputs, encoder.Load, encoder.Embed);

        public override Delegate CreateGetter(int output, RowResult result) => FloatVectors.Getter(result);
    }

    private sealed class RowMapper(
        TableEncoder encoder, DataViewSchema inputSchema, DataViewSchema.Column values,
        DataViewSchema.DetachedColumn embedding)
        : BatchMapper<float[]>(inputSchema, values, embedding)
    {
        public override int Width => encoder.EmbeddingDimension;

        public override int RowsAtATime => 1024;

        public override Func<float[]> CreateReader(DataViewRow row) => FloatVectors.Reader(row, Input);

        public override long SizeOf(float[] input) => input.Length * sizeof(float);

        public override ReadyBatch Ready(IReadOnlyList<float[]> inputs)
        {
            var rows = encoder.Load(inputs);
            return new(results => encoder.Embed(rows, results), rows);
        }

        public override Delegate CreateGetter(int output, RowResult result) => FloatVectors.Getter(result);
    }
}
