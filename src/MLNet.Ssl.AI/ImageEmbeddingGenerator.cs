using System.Runtime.InteropServices;
using Microsoft.Extensions.AI;

namespace MLNet.Ssl.AI;

/// <summary>Image files to embeddings. Safe to use from several threads at once.</summary>
internal sealed class ImageEmbeddingGenerator : IEmbeddingGenerator<DataContent, Embedding<float>>
{
    private const int ImagesAtATime = 64;

    // Decoded, an image has three bytes a pixel: what a batch holds is bounded too.
    private const long PixelsAtATime = 1 << 25;

    private readonly ImageEncoder _encoder;
    private readonly EmbeddingTransformer? _transformer;
    private readonly EmbeddingGeneratorMetadata _metadata;

    public ImageEmbeddingGenerator(ImageEncoder encoder, EmbeddingTransformer? transformer, string? modelId)
    {
        (_encoder, _transformer) = (encoder, transformer);
        _metadata = new("MLNet.Ssl", null, modelId ?? $"{encoder.Method ?? "encoder"}-{encoder.EmbeddingDimension}",
            encoder.EmbeddingDimension);
    }

    public Task<GeneratedEmbeddings<Embedding<float>>> GenerateAsync(
        IEnumerable<DataContent> values, EmbeddingGenerationOptions? options = null,
        CancellationToken cancellationToken = default)
    {
        ArgumentNullException.ThrowIfNull(values);
        if (options?.Dimensions is { } asked && asked != _encoder.EmbeddingDimension)
        {
            throw new ArgumentException(
                $"options.Dimensions is {asked}; the encoder gives embeddings of {_encoder.EmbeddingDimension}.",
                nameof(options));
        }
        return Task.Run(() => Generate(values, cancellationToken), cancellationToken);
    }

    public object? GetService(Type serviceType, object? serviceKey = null)
    {
        ArgumentNullException.ThrowIfNull(serviceType);
        if (serviceKey is not null) return null;
        return new object?[] { this, _metadata, _encoder, _transformer }.FirstOrDefault(serviceType.IsInstanceOfType);
    }

    public void Dispose()
    {
        // The encoder is the caller's.
    }

    private GeneratedEmbeddings<Embedding<float>> Generate(IEnumerable<DataContent> values, CancellationToken token)
    {
        var embeddings = new GeneratedEmbeddings<Embedding<float>>();
        var batch = new List<byte[]>();
        long pixels = 0;
        foreach (var (number, value) in values.Index())
        {
            token.ThrowIfCancellationRequested();
            var file = Bytes(value, number);
            long size = Read(number, () => RgbImages.ReadHeader(file)).Pixels;
            if (batch.Count > 0 && (batch.Count == ImagesAtATime || pixels + size > PixelsAtATime))
            {
                Embed();
                pixels = 0;
            }
            batch.Add(file);
            pixels += size;
        }
        if (batch.Count > 0) Embed();
        return embeddings;

        void Embed()
        {
            var images = new RgbImage[batch.Count];
            int first = embeddings.Count;
            try
            {
                Parallel.For(0, images.Length, new() { CancellationToken = token },
                    i => images[i] =
                        Read(first + i, () => RgbImages.Decode(batch[i], _transformer?.ApplyExifOrientation ?? false)));
            }
            catch (AggregateException e)
            {
                throw e.InnerExceptions[0];
            }
            batch.Clear();
            int width = _encoder.EmbeddingDimension;
            var results = new float[images.Length * width];
            _encoder.Embed(images, results);
            var now = DateTimeOffset.UtcNow;
            for (int i = 0; i < images.Length; i++)
            {
                embeddings.Add(new(results.AsSpan(i * width, width).ToArray())
                {
                    CreatedAt = now,
                    ModelId = _metadata.DefaultModelId,
                });
            }
        }
    }

    private static byte[] Bytes(DataContent? value, int number)
    {
        if (value is null) throw new ArgumentException($"Value {number} is null; expected an image.", "values");
        if (!value.HasTopLevelMediaType("image"))
        {
            throw new ArgumentException(
                $"Value {number} is of the media type '{value.MediaType}'; expected an image.", "values");
        }
        return MemoryMarshal.TryGetArray(value.Data, out var array) && array.Count == array.Array!.Length
            ? array.Array
            : value.Data.ToArray();
    }

    private static T Read<T>(int number, Func<T> read)
    {
        try
        {
            return read();
        }
        catch (Exception e) when (e is ArgumentException or InvalidDataException)
        {
            throw new InvalidDataException($"Value {number} cannot be read: {e.Message}", e);
        }
    }
}
