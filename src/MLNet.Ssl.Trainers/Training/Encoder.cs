using System.Runtime.InteropServices;
using static TorchSharp.torch;

namespace MLNet.Ssl;

/// <summary>A trained backbone with the preprocessing it expects: image → embedding. Safe to use from several threads at once.</summary>
public sealed class Encoder : IDisposable
{
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
        if (images.Count == 0) return;
        using var mode = inference_mode();
        using var scope = NewDisposeScope();
        var embeddings = _backbone.call(Preprocessing.Batch(images).to(_device)).cpu().contiguous();
        MemoryMarshal.Cast<byte, float>(embeddings.bytes)[..length].CopyTo(destination);
    }

    /// <summary>Releases the backbone.</summary>
    public void Dispose() => _backbone.Dispose();
}
