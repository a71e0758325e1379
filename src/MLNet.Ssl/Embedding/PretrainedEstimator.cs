using Microsoft.ML;
using Microsoft.ML.Runtime;
using MLNet.Ssl.DataView;
using MLNet.Ssl.Files;
using MLNet.Ssl.Hosting;
using MLNet.Ssl.Tensors;

namespace MLNet.Ssl;

/// <summary>
/// Embeds images with an encoder that was pretrained elsewhere: <c>Fit</c> loads its weights and learns nothing.
/// </summary>
/// <remarks>
/// <para><b>Input and output columns.</b> As <see cref="PretrainingEstimator"/>: images, paths or bytes of
/// image files, or pixels in 0..255 in, a known-size vector of <see cref="float"/> out.</para>
/// <list type="table">
/// <listheader><term>Estimator characteristics</term></listheader>
/// <item><term>Does it need to look at the data to train?</term><description>No; the file is compared with the
/// architecture when the estimator is made, and read on <c>Fit</c></description></item>
/// <item><term>Requires labels?</term><description>No</description></item>
/// <item><term>Is caching required?</term><description>Behind it where several passes follow:
/// <c>AppendCacheCheckpoint</c> saves embedding the rows again on each</description></item>
/// <item><term>Exportable to ONNX</term><description>Yes, the encoder alone:
/// <see cref="EmbeddingTransformer.ExportOnnx(string)"/></description></item>
/// </list>
/// </remarks>
public sealed class PretrainedEstimator : IEstimator<EmbeddingTransformer>
{
    private readonly MLContext _context;
    private readonly IHost _host;
    private readonly string _output, _source;
    private readonly string? _input;
    private readonly PretrainedOptions? _options;
    private readonly Func<PretrainedWeights> _open;

    internal PretrainedEstimator(MLContext context, string output, string? input, string path,
        PretrainedOptions? options)
        : this(context, output, input, path, options, () => PretrainedWeights.Open(path, options))
    {
    }

    internal PretrainedEstimator(MLContext context, string output, string? input, Stream stream,
        PretrainedOptions? options)
        : this(context, output, input, Bytes(stream), options)
    {
    }

    private PretrainedEstimator(MLContext context, string output, string? input, byte[] file,
        PretrainedOptions? options)
        : this(context, output, input, "(stream)", options, () => PretrainedWeights.Open(file, options))
    {
    }

    private PretrainedEstimator(MLContext context, string output, string? input, string source,
        PretrainedOptions? options, Func<PretrainedWeights> open)
    {
        ArgumentException.ThrowIfNullOrEmpty(output);
        if (input is not null) ArgumentException.ThrowIfNullOrEmpty(input);
        (_context, _output, _input, _source, _options, _open) = (context, output, input, source, options, open);
        _host = ((IHostEnvironment)context).Register("LoadPretrained");
        NativeTorch.Require();
        using var weights = open();
        (Backbone, Report) = (weights.Backbone, weights.Report);
    }

    /// <summary>The architecture that was recognised.</summary>
    public BackboneOptions Backbone { get; }

    /// <summary>Which tensors of the file match, are missing, and are ignored.</summary>
    public PretrainedReport Report { get; }

    /// <inheritdoc/>
    /// <exception cref="ArgumentOutOfRangeException">The input column is missing or holds no images.</exception>
    public SchemaShape GetOutputSchema(SchemaShape inputSchema)
    {
        ArgumentNullException.ThrowIfNull(inputSchema);
        _ = InputColumn.Find(inputSchema, _input, _output);
        return inputSchema.With(EmbeddingTransformer.OutputColumn(_output, Backbone.EmbeddingDimension));
    }

    /// <summary>Loads the weights.</summary>
    /// <param name="input">Data with the image column; no row is read.</param>
    /// <returns>The transformer that embeds; dispose of it, or of the chain it is in, to free the encoder.</returns>
    /// <exception cref="ArgumentOutOfRangeException">The input column is missing or holds no images.</exception>
    /// <exception cref="IOException">The file is gone or cannot be read.</exception>
    /// <exception cref="InvalidDataException">The file has changed and does not fit, or a weight is not a finite
    /// number.</exception>
    /// <exception cref="InvalidOperationException">The GPU asked for is not there.</exception>
    public EmbeddingTransformer Fit(IDataView input)
    {
        ArgumentNullException.ThrowIfNull(input);
        var images = InputColumn.Named(input.Schema, _input, _output);
        ImageColumn.Check(images, "input");
        using var channel = _host.Start("Fit");
        var device = DeviceChoice.Of(_context, channel);
        using var weights = _open();
        channel.Info(MessageSensitivity.None, $"{_source}: {weights.Backbone}; {weights.Report}");
        return new(weights.CreateEncoder(device), _output, images.Name, _host)
        {
            OnUnreadableImage = _options?.OnUnreadableImage ?? default,
            InputType = images.Type,
            ApplyExifOrientation = _options?.ApplyExifOrientation ?? false,
        };
    }

    /// <summary>All of the stream: it is read here, and again by every Fit.</summary>
    private static byte[] Bytes(Stream stream)
    {
        TemporaryFile.CheckReadable(stream);
        using var copy = new MemoryStream();
        try
        {
            stream.CopyTo(copy);
        }
        catch (IOException) when (copy.Length > int.MaxValue / 2)
        {
            throw new InvalidDataException(
                "The stream has more than 2 GB of weights: write them to a file, and load that.");
        }
        return copy.ToArray();
    }
}
