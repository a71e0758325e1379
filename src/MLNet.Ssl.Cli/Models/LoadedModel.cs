using System.Security.Cryptography;
using Microsoft.ML;
using MLNet.Ssl.Cli.Input;
using MLNet.Ssl.Files;

namespace MLNet.Ssl.Cli.Models;

/// <summary>An encoder from a file: a model of this library with the steps before it, or weights that it
/// knows.</summary>
internal sealed class LoadedModel : IDisposable
{
    private LoadedModel(MLContext context, string name, EmbeddingTransformer encoder, ITransformer model,
        DataViewSchema? schema, string fingerprint) =>
        (Context, Name, Encoder, Model, Schema, Fingerprint) = (context, name, encoder, model, schema, fingerprint);

    /// <summary>What it was loaded in.</summary>
    public MLContext Context { get; }

    public string Name { get; }

    public EmbeddingTransformer Encoder { get; }

    /// <summary>All of the chain that ends in the encoder.</summary>
    public ITransformer Model { get; }

    /// <summary>The columns that the chain takes; null where the file does not say.</summary>
    public DataViewSchema? Schema { get; }

    /// <summary>Tells the model from another one.</summary>
    public string Fingerprint { get; }

    public bool TakesImages => Encoder.Encoder is ImageEncoder;

    public ImageEncoder Images => (ImageEncoder)Encoder.Encoder;

    /// <summary>Loads a file, or a published network by its name.</summary>
    /// <param name="context">Has the device.</param>
    /// <param name="path">A model file (.zip), a file of weights, or a name such as dinov2_vits14.</param>
    /// <param name="options">What a file of weights does not say.</param>
    /// <param name="download">Fetches a published network that is not here; null to refuse.</param>
    /// <exception cref="IOException">There is no such file.</exception>
    /// <exception cref="InvalidDataException">The file has no encoder; the message says what it is.</exception>
    public static LoadedModel Load(MLContext context, string path, PretrainedOptions options,
        Action<PretrainedModel>? download)
    {
        TorchLibrary.Require();
        var ssl = context.SelfSupervised();
        if (FileKinds.IsModel(path)) return Of(context, path, ssl.Model.Load(path, out var schema), schema);
        if (!File.Exists(path) && PretrainedModels.Lookup(path) is { } known)
        {
            if (PretrainedModels.Find(known) is null)
            {
                if (download is null)
                    throw new FileNotFoundException(
                        $"The weights of {known.Name} ({known.License}) are not here; --download fetches them.");
                download(known);
            }
        }
        var none = context.Data.LoadFromEnumerable(Array.Empty<ImageRow>());
        var encoder = ssl.LoadPretrained(ImageRow.Embedding, ImageRow.Column, path, options).Fit(none);
        using var hash = new HashingStream(Stream.Null);
        encoder.Encoder.SaveSafeTensors(hash);
        return new(context, path, encoder, encoder, null, hash.Hash());
    }

    public void Dispose() => Encoder.Dispose();

    private static LoadedModel Of(MLContext context, string path, ITransformer model, DataViewSchema? schema)
    {
        var last = model is IEnumerable<ITransformer> chain ? chain.LastOrDefault() : model;
        if (last is not EmbeddingTransformer encoder)
        {
            (model as IDisposable)?.Dispose();
            throw new InvalidDataException(
                $"'{path}' ends in a {last?.GetType().Name ?? "nothing"}; expected a model that ends in an encoder.");
        }
        using var file = File.OpenRead(path);
        return new(context, path, encoder, model, schema, Convert.ToHexStringLower(SHA256.HashData(file)));
    }
}
