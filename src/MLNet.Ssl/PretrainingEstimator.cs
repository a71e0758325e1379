using System.Buffers;
using Microsoft.ML;
using Microsoft.ML.Data;
using Microsoft.ML.Runtime;

namespace MLNet.Ssl;

/// <summary>Learns an encoder from a column of images, or of rows of a table, without labels, and appends the embedding it gives.</summary>
/// <remarks>
/// <para><b>Input and output columns.</b> The input is a column of <see cref="MLImage"/> of any size, or a known-size vector of <see cref="float"/> with
/// the dimensions (3, height, width) or (height, width, 3) and values in 0..255 as <c>ExtractPixels</c> gives by default; an alpha channel is dropped. Any
/// other known-size vector of <see cref="float"/> is a row of a table; missing values are refused, <c>ReplaceMissingValues</c> fills them. The output is a
/// known-size vector of <see cref="float"/>.</para>
/// <list type="table">
/// <listheader><term>Estimator characteristics</term></listheader>
/// <item><term>Does it need to look at the data to train?</term><description>Yes, once; the decoded images are kept until it has trained,
/// shrunk to a shorter side of 256 pixels or a little above the options' image size; rows of a table are kept as they are</description></item>
/// <item><term>Requires labels?</term><description>No</description></item>
/// <item><term>Is normalization required?</term><description>No: continuous values of a table are standardised (<see cref="TableOptions.Standardize"/>)</description></item>
/// <item><term>Is caching required?</term><description>Behind it where several passes follow: <c>AppendCacheCheckpoint</c> saves embedding the rows again
/// on each. Not before it: ML.NET's cache drops image columns</description></item>
/// <item><term>Exportable to ONNX</term><description>No</description></item>
/// </list>
/// <para>Random numbers come from the options' seed, else from the seed of the <see cref="MLContext"/>; fitting an estimator again gives the same encoder.
/// It runs on <see cref="MLContext.GpuDeviceId"/>, else on the CPU.</para>
/// </remarks>
public sealed class PretrainingEstimator : IEstimator<EmbeddingTransformer>
{
    private readonly MLContext _context;
    private readonly IHost _host;
    private readonly int _seed;
    private readonly string _output;
    private readonly string? _input;
    private readonly PretrainOptions? _options;

    internal PretrainingEstimator(MLContext context, string output, string? input, PretrainOptions? options)
    {
        ArgumentException.ThrowIfNullOrEmpty(output);
        if (input is not null) ArgumentException.ThrowIfNullOrEmpty(input);
        (_context, _output, _input, _options) = (context, output, input, options);
        _host = ((IHostEnvironment)context).Register("Pretrain");
        _seed = _host.Rand.Next();
    }

    /// <inheritdoc/>
    /// <exception cref="ArgumentOutOfRangeException">The input column is missing, or holds neither images nor vectors of known size.</exception>
    public SchemaShape GetOutputSchema(SchemaShape inputSchema)
    {
        ArgumentNullException.ThrowIfNull(inputSchema);
        _ = InputColumn.Find(inputSchema, _input, _output);
        return inputSchema.With(EmbeddingTransformer.OutputColumn(_output, 1));
    }

    /// <summary>Reads the data and trains the encoder.</summary>
    /// <param name="input">The images or rows, read once.</param>
    /// <returns>The transformer that embeds; dispose of it, or of the chain it is in, to free the encoder.</returns>
    /// <exception cref="ArgumentOutOfRangeException">The input column is missing, or holds neither images nor vectors of known size.</exception>
    /// <exception cref="InvalidOperationException">There are no rows; an image cannot be read or a value is not finite (the message names column, row and
    /// slot); pixels are outside 0..255; the GPU asked for is not there; or training fails, see <see cref="Pretrainer"/>.</exception>
    /// <exception cref="ArgumentException">An option is out of range, or the run to resume is another one; the message names the option.</exception>
    /// <exception cref="IOException">The folder of checkpoints cannot be written; thrown before the data is read, or when a checkpoint is written.</exception>
    /// <exception cref="OperationCanceledException">The options' token was cancelled.</exception>
    public EmbeddingTransformer Fit(IDataView input)
    {
        ArgumentNullException.ThrowIfNull(input);
        var column = InputColumn.Find(input.Schema, _input, _output);
        bool images = ImageColumn.Holds(column);
        using var channel = _host.Start("Fit");
        var options = _options ?? Usual(images, channel);
        options = options with { UsualSeed = _seed };
        Pretrainer.CheckFiles(options);
        var device = DeviceChoice.Of(_context, channel);
        if (images) return new(Pretrainer.Fit(ImageRows.Read(input, column, options.ImageSize).Images, options, device, Log), _output, column.Name);
        using var table = ReadTable(input, column);
        return new(Pretrainer.Fit(table, options, device, Log), _output, column.Name);

        void Log(PretrainMessage message)
        {
            if (message.IsWarning) channel.Warning(MessageSensitivity.None, message.Text);
            else channel.Info(MessageSensitivity.None, message.Text);
        }
    }

    /// <summary>The method that learns fastest on little data.</summary>
    private static PretrainOptions Usual(bool images, IChannel channel)
    {
        channel.Info(MessageSensitivity.None, images
            ? "SimCLR is used: no options were given, and it learns fastest on small sets of images."
            : "MoCo with i-Mix is used: no options were given, and for rows of a table, which have no augmentation, mixing makes the views.");
        return images ? new SimClrOptions() : new MoCoOptions { Mixing = new IMixOptions() };
    }

    private static TableStore ReadTable(IDataView input, DataViewSchema.Column column)
    {
        var values = new ArrayBufferWriter<float>();
        using var cursor = input.GetRowCursor([column]);
        var read = FloatVectors.Reader(cursor, column);
        while (cursor.MoveNext()) values.Write(read());
        if (values.WrittenCount == 0) throw new InvalidOperationException($"Column '{column.Name}' has no rows: there is nothing to learn from.");
        return new(values.WrittenMemory, ((VectorDataViewType)column.Type).Size);
    }
}
