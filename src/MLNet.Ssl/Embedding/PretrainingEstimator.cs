using Microsoft.ML;
using Microsoft.ML.Data;
using Microsoft.ML.Runtime;
using MLNet.Ssl.DataView;
using MLNet.Ssl.Embedding;
using MLNet.Ssl.Hosting;
using MLNet.Ssl.Runs;
using MLNet.Ssl.Tensors;

namespace MLNet.Ssl;

/// <summary>
/// Learns an encoder from a column of images, or of rows of a table, without labels, and appends the embedding it
/// gives.
/// </summary>
/// <remarks>
/// <para><b>Input and output columns.</b> The input is a column of <see cref="MLImage"/> of any size, of paths of image
/// files (text), of the bytes of image files (a vector of <see cref="byte"/> of variable size, as
/// <c>LoadRawImageBytes</c> gives), or a known-size
/// vector of <see cref="float"/> with the dimensions (3, height, width) or (height, width, 3) and values in 0..255 as
/// <c>ExtractPixels</c> gives by default; an alpha channel is dropped. Any other known-size vector of
/// <see cref="float"/> is a row of a table; missing values are refused, <c>ReplaceMissingValues</c> fills them. The
/// output is a known-size vector of <see cref="float"/>.</para>
/// <para><b>Files.</b> Of a column of paths only the paths are kept: of every file the beginning is looked at, and the
/// threads that make the views decode what the next batch needs, so the images may take more room than there is memory.
/// PNG, JPEG, GIF, WebP and BMP are read; a JPEG with four times the pixels that are needed, and more, is decoded at a
/// fraction of its size. The same pixels as paths, as bytes and as <see cref="MLImage"/> train the same encoder, such
/// JPEGs all but. What is damaged further on, or gone, shows while it trains: then
/// <see cref="TrainingOptions.OnUnreadableImage"/> stops the run with the file's name, or puts the next image in its
/// place and counts it in the log. ML.NET's <c>LoadImages</c> takes memory for any size that a file claims, and fills
/// up one that ends early. What it hands over is checked here (<see cref="RgbImages.MaxPixels"/>); of files that come
/// from others, <see cref="RgbImages.Load(string)"/> tells beforehand which are sound. What becomes of an image that
/// cannot be read, <see cref="TrainingOptions.OnUnreadableImage"/> says.</para>
/// <list type="table">
/// <listheader><term>Estimator characteristics</term></listheader>
/// <item><term>Does it need to look at the data to train?</term><description>Yes, once; decoded images are kept until
/// it has trained, shrunk to <see cref="TrainingOptions.MaxShorterSide"/>; of files the paths or bytes are kept, and
/// rows of a table as they are</description></item>
/// <item><term>Requires labels?</term><description>No</description></item>
/// <item><term>Is normalization required?</term><description>No: continuous values of a table are standardised
/// (<see cref="TableOptions.Standardize"/>)</description></item>
/// <item><term>Is caching required?</term><description>Behind it where several passes follow:
/// <c>AppendCacheCheckpoint</c> saves embedding the rows again on each. Not before it: ML.NET's cache drops image
/// columns</description></item>
/// <item><term>Exportable to ONNX</term><description>Yes, the encoder alone:
/// <see cref="EmbeddingTransformer.ExportOnnx(string)"/></description></item>
/// </list>
/// <para>Random numbers come from the options' seed, else from the seed of the <see cref="MLContext"/>; fitting an
/// estimator again gives the same encoder. It runs on <see cref="MLContext.GpuDeviceId"/>, else on the CPU.</para>
/// </remarks>
public sealed class PretrainingEstimator : IEstimator<EmbeddingTransformer>
{
    private readonly MLContext _context;
    private readonly IHost _host;
    private readonly int _seed;
    private readonly string _output;
    private readonly string? _input;
    private readonly PretrainOptions? _options;
    private readonly EvaluationViews? _evaluation;

    internal PretrainingEstimator(MLContext context, string output, string? input, PretrainOptions? options)
    {
        ArgumentException.ThrowIfNullOrEmpty(output);
        if (input is not null) ArgumentException.ThrowIfNullOrEmpty(input);
        (_context, _output, _input, _options) = (context, output, input, options);
        _host = ((IHostEnvironment)context).Register("Pretrain");
        _seed = _host.Rand.Next();
    }

    private PretrainingEstimator(PretrainingEstimator other, EvaluationViews evaluation) =>
        (_context, _host, _seed, _output, _input, _options, _evaluation) =
        (other._context, other._host, other._seed, other._output, other._input, other._options, evaluation);

    /// <summary>
    /// Measures the encoder while it learns, by a weighted kNN on labelled rows (<see cref="OnlineEvaluation"/>); what
    /// is learned stays the same.
    /// </summary>
    /// <remarks>
    /// The accuracy is in the log and in <see cref="TrainingProgress.KnnAccuracy"/>. It takes the place of
    /// <see cref="PretrainOptions.Evaluation"/>.
    /// </remarks>
    /// <param name="train">Rows that the kNN remembers, with the column that is learned from and labels; those without
    /// a label are left out.</param>
    /// <param name="test">Rows that it classifies, likewise; not among those of <paramref name="train"/>.</param>
    /// <param name="labelColumnName">Column of the classes, a key; both views' by one fitted
    /// <c>MapValueToKey</c>.</param>
    /// <param name="everyEpochs">Epochs from one measurement to the next; the end is always measured. Default 1, range
    /// 1 and up.</param>
    /// <param name="numberOfNeighbors">Neighbours that vote. Default 20, range 1 and up.</param>
    /// <param name="bestEncoderPath">File that receives the encoder of the best accuracy so far, for
    /// <see cref="SelfSupervisedCatalog.LoadPretrained(string, string?, string, PretrainedOptions?)"/>; null for
    /// none.</param>
    /// <param name="patience">Measurements without a better accuracy after which the run ends and returns what it
    /// learned (<see cref="OnlineEvaluation.Patience"/>); null for none.</param>
    /// <param name="returnBest">Whether <see cref="Fit"/> returns the encoder of the best accuracy instead of the last
    /// one.</param>
    /// <returns>An estimator that also measures; this one stays as it is.</returns>
    /// <exception cref="ArgumentException">The label column's name is empty.</exception>
    public PretrainingEstimator WithEvaluation(
        IDataView train, IDataView test, string labelColumnName = "Label", int everyEpochs = 1,
        int numberOfNeighbors = 20, string? bestEncoderPath = null, int? patience = null, bool returnBest = false)
    {
        ArgumentNullException.ThrowIfNull(train);
        ArgumentNullException.ThrowIfNull(test);
        ArgumentException.ThrowIfNullOrEmpty(labelColumnName);
        return new(this, new(train, test, labelColumnName)
        {
            EveryEpochs = everyEpochs,
            NumberOfNeighbors = numberOfNeighbors,
            BestEncoderPath = bestEncoderPath,
            Patience = patience,
            ReturnBest = returnBest,
        });
    }

    /// <inheritdoc/>
    /// <exception cref="ArgumentOutOfRangeException">The input column is missing, or holds neither images nor vectors
    /// of known size.</exception>
    public SchemaShape GetOutputSchema(SchemaShape inputSchema)
    {
        ArgumentNullException.ThrowIfNull(inputSchema);
        _ = InputColumn.Find(inputSchema, _input, _output);
        return inputSchema.With(EmbeddingTransformer.OutputColumn(_output, 1));
    }

    /// <summary>Reads the data and trains the encoder.</summary>
    /// <param name="input">The images or rows, read once.</param>
    /// <returns>The transformer that embeds; dispose of it, or of the chain it is in, to free the encoder.</returns>
    /// <exception cref="ArgumentOutOfRangeException">The input column is missing, or holds neither images nor vectors
    /// of known size.</exception>
    /// <exception cref="InvalidOperationException">There are no rows; an image cannot be read or a value is not finite
    /// (the message names column, row and slot); pixels are outside 0..255; or the GPU asked for, or libtorch, is not
    /// there.</exception>
    /// <exception cref="ArithmeticException">The loss is not finite.</exception>
    /// <exception cref="InvalidDataException">The initial weights are damaged or do not fit, or all checkpoints of the
    /// run to resume are damaged.</exception>
    /// <exception cref="ArgumentException">An option is out of range, or the run to resume is another one; the message
    /// names the option.</exception>
    /// <exception cref="IOException">The initial weights are not there, or the folder of checkpoints cannot be written;
    /// thrown before the data is read, or when a checkpoint is written.</exception>
    /// <exception cref="OperationCanceledException">The options' token was cancelled, which is seen at the next row or
    /// step.</exception>
    public EmbeddingTransformer Fit(IDataView input)
    {
        ArgumentNullException.ThrowIfNull(input);
        NativeTorch.Require();
        var column = InputColumn.Find(input.Schema, _input, _output);
        bool images = ImageColumn.Holds(column);
        using var channel = _host.Start("Fit");
        var options = _options ?? DefaultOptions(images);
        options = options with { DefaultSeed = _seed };
        Pretrainer.CheckFiles(options);
        var reading = ImageReading.Of(options, options.ImageSize);
        var device = DeviceChoice.Of(_context, channel);
        _evaluation?.Check(column);
        var log = RunLog.Of(options, channel.Write);
        var read = new List<IDisposable>();
        try
        {
            if (_evaluation is not null)
            {
                log?.Invoke(new(false, "The rows of the evaluation are read."));
                var evaluation = _evaluation.Read(
                    column, reading, read, Unreadable, options.CancellationToken);
                options = options with { Evaluation = evaluation };
            }
            var rows = new RowReader(input, column, Cancellation: options.CancellationToken) { Log = log };
            if (images)
            {
                var found = ImageRows.Read(rows, reading, Unreadable());
                read.Add(found);
                return new(Pretrainer.Fit(found.Images, options, device, channel.Write), _output, column.Name, _host)
                {
                    OnUnreadableImage = options.OnUnreadableImage,
                    InputType = column.Type,
                    ApplyExifOrientation = options.ApplyExifOrientation,
                };
            }
            var table = TableRows.Read(rows).Table;
            read.Add(table);
            return new(Pretrainer.Fit(table, options, device, channel.Write), _output, column.Name);
        }
        finally
        {
            read.ForEach(rows => rows.Dispose());
        }

        UnreadableImages Unreadable() => new(options.OnUnreadableImage, _host);
    }

    /// <summary>The method that serves most where nothing else is known.</summary>
    private static PretrainOptions DefaultOptions(bool images) => images
        ? new SimClrOptions { MethodReason = "no options were given, and it learns fastest on small sets of images" }
        : new MaskedReconstructionOptions
        {
            MethodReason = "no options were given, and of the methods for tables it is the one whose embeddings did "
                + "better than the values themselves with few labels, on tables of 1,512 to 21,707 rows (where more "
                + "than a tenth of the rows have labels, try boosted trees on the values first)",
        };
}
