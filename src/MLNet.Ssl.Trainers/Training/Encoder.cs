using System.Runtime.InteropServices;
using Google.Protobuf;
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
    private bool _disposed;

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
    /// <exception cref="ObjectDisposedException">The encoder was disposed of.</exception>
    public void Embed(IReadOnlyList<RgbImage> images, Span<float> destination)
    {
        ObjectDisposedException.ThrowIf(_disposed, this);
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

    /// <summary>Writes the encoder as an ONNX model (opset 17, single precision), for ONNX Runtime or ML.NET's ApplyOnnxModel: docs/onnx.md.</summary>
    /// <remarks>
    /// The input "image" is (N,3,S,S): RGB values from 0 to 255 in planes, of images of the size S that <see cref="Preprocessing"/> resizes to
    /// (<see cref="ImagePreprocessing.Resize"/>; without it <see cref="ImagePreprocessing.CropSize"/>). The central crop and the standardisation are part of
    /// the model, the resize is not. The output "embedding" is (N,D). N is free. Metadata name the library, the backbone, the sizes, mean and std.
    /// </remarks>
    /// <param name="path">The file, replaced if it exists: wholly or, on failure, not at all.</param>
    /// <exception cref="InvalidOperationException">The preprocessing has no <see cref="ImagePreprocessing.CropSize"/>.</exception>
    /// <exception cref="NotSupportedException">The backbone is of a type that cannot be exported, or has more than 2 GB of weights.</exception>
    /// <exception cref="IOException">The file cannot be written, or its folder does not exist.</exception>
    /// <exception cref="UnauthorizedAccessException">The file may not be written, or the path is that of a folder.</exception>
    /// <exception cref="ObjectDisposedException">The encoder was disposed of.</exception>
    public void ExportOnnx(string path)
    {
        ObjectDisposedException.ThrowIf(_disposed, this);
        using var mode = inference_mode();
        using var scope = NewDisposeScope();
        AtomicFile.Write(path, stream => OnnxModel.OfImages(_backbone, Preprocessing).WriteTo(stream));
    }

    /// <summary>Releases the backbone.</summary>
    public void Dispose()
    {
        _disposed = true;
        _backbone.Dispose();
    }
}
