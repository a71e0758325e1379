using System.Runtime.InteropServices;
using TorchSharp;
using static TorchSharp.torch;

namespace MLNet.Ssl;

/// <summary>A trained backbone with the preprocessing it expects: image → embedding. Safe to use from several threads at once.</summary>
public sealed class Encoder : IDisposable
{
    // Fewer images are not worth a thread; more would only hold memory.
    private const int LeastPart = 8, MostPart = 64;

    // A part of the batch to each thread is several times faster than all threads on every operator.
    private static readonly Lazy<ShardThreads> Threads = new(() => new(Environment.ProcessorCount, Environment.ProcessorCount));

    private readonly Backbone _backbone;
    private readonly Device _device;

    /// <summary>Takes over <paramref name="backbone"/>, which must be on <paramref name="device"/>, and puts it into evaluation mode.</summary>
    public Encoder(Backbone backbone, ImagePreprocessing preprocessing, Device? device = null)
    {
        _backbone = backbone;
        _device = device ?? CPU;
        Preprocessing = preprocessing;
        _backbone.eval();
    }

    /// <summary>D, width of an embedding.</summary>
    public int EmbeddingDimension => _backbone.EmbeddingDimension;

    /// <summary>Name of the method that trained it, as the literature has it; null if unknown.</summary>
    public string? Method { get; init; }

    internal Backbone Backbone => _backbone;

    /// <summary>What is done to an image before the backbone sees it.</summary>
    public ImagePreprocessing Preprocessing { get; }

    /// <summary>Embeds a batch of images.</summary>
    /// <param name="images">Images of any size.</param>
    /// <param name="destination">Receives <c>images.Count × D</c> values, an image after the other.</param>
    /// <exception cref="ArgumentException"><paramref name="destination"/> is too short.</exception>
    public void Embed(IReadOnlyList<RgbImage> images, Span<float> destination)
    {
        int length = images.Count * EmbeddingDimension;
        if (destination.Length < length)
            throw new ArgumentException($"destination holds {destination.Length} values; expected {length} for {images.Count} images of {EmbeddingDimension}.", nameof(destination));
        var result = new float[length];
        int parts = _device.type == DeviceType.CPU ? Math.Min(Environment.ProcessorCount, images.Count / LeastPart) : 1;
        if (parts <= 1)
        {
            EmbedRange(images, 0, images.Count, result);
        }
        else
        {
            int Start(int part) => (int)((long)images.Count * Math.Min(part, parts) / parts);
            lock (Threads) Threads.Value.Run(part => EmbedRange(images, Start(part), Start(part + 1), result));
        }
        result.CopyTo(destination);
    }

    private void EmbedRange(IReadOnlyList<RgbImage> images, int first, int end, float[] result)
    {
        using var mode = inference_mode();
        for (; first < end; first += MostPart)
        {
            using var scope = NewDisposeScope();
            int count = Math.Min(MostPart, end - first);
            var embeddings = _backbone.call(Preprocessing.Batch([.. images.Skip(first).Take(count)]).to(_device)).cpu().contiguous();
            MemoryMarshal.Cast<byte, float>(embeddings.bytes).CopyTo(result.AsSpan(first * EmbeddingDimension));
        }
    }

    /// <summary>
    /// Writes the backbone's weights as a safetensors file under their official names, which PyTorch, timm and <see cref="PretrainedEncoder.Load"/> read; the
    /// preprocessing goes with them as metadata.
    /// </summary>
    /// <param name="path">The file. An existing one is replaced when the new one is complete.</param>
    /// <exception cref="IOException">The file cannot be written.</exception>
    public void SaveSafeTensors(string path) => SafeTensors.Write(path, _backbone.state_dict(), EncoderMetadata.Of(this));

    /// <summary>Releases the backbone.</summary>
    public void Dispose() => _backbone.Dispose();
}
