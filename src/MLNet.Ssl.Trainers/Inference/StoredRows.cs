using MLNet.Ssl.Data;
using MLNet.Ssl.Images;
using MLNet.Ssl.Tensors;
using static TorchSharp.torch;

namespace MLNet.Ssl.Inference;

/// <summary>Embeddings of rows that are in a store.</summary>
internal static class StoredRows
{
    // What a part holds at a time, when images are decoded for it; beside it the next one is made ready. An accelerator
    // is kept busy by many, the threads of a processor each by eight or more.
    internal static int ImagesAtATime(bool accelerated) =>
        accelerated ? 256 : Math.Clamp(8 * Environment.ProcessorCount, 128, 256);

    /// <summary>(N,D) on the encoder's device, in the current dispose scope.</summary>
    /// <param name="encoder">The encoder.</param>
    /// <param name="images">The images.</param>
    /// <param name="indices">Which of them, N; null for all.</param>
    /// <param name="cancellation">Stops at the next image.</param>
    public static Tensor Embed(this ImageEncoder encoder, IImageSource images, IReadOnlyList<int>? indices = null,
        CancellationToken cancellation = default)
    {
        indices ??= [.. Enumerable.Range(0, images.Count)];
        var result = empty([indices.Count, encoder.EmbeddingDimension], ScalarType.Float32, encoder.Device);
        int first = 0;
        foreach (var batch in indices.Chunk(ImagesAtATime(encoder.Accelerated))
            .SelectAhead(chunk => Load(encoder, images, chunk, cancellation)))
            using (batch)
            {
                using var scope = NewDisposeScope();
                using var mode = no_grad();
                result.narrow(0, first, batch.Count).copy_(encoder.Embed(batch));
                first += batch.Count;
            }
        return result;
    }

    /// <summary>(N,D) on the encoder's device, in the current dispose scope.</summary>
    /// <param name="encoder">The encoder.</param>
    /// <param name="table">The rows, as wide as those that the encoder was trained on.</param>
    /// <param name="indices">Which of them, N; null for all.</param>
    /// <param name="rowsAtATime">Rows that are copied at a time; all embeddings may be more than a span holds.</param>
    public static Tensor Embed(this TableEncoder encoder, TableStore table, IReadOnlyList<int>? indices = null,
        int rowsAtATime = 1 << 14)
    {
        indices ??= [.. Enumerable.Range(0, table.Count)];
        var result = empty([indices.Count, encoder.EmbeddingDimension], ScalarType.Float32, encoder.Device);
        using var values = new TensorRows(table.Values);
        int first = 0;
        foreach (int[] chunk in indices.Chunk(rowsAtATime))
        {
            using var scope = NewDisposeScope();
            using var mode = no_grad();
            using var batch = encoder.Load([.. chunk.Select(row => values[row].ToArray())]);
            result.narrow(0, first, batch.Count).copy_(encoder.Embed(batch));
            first += batch.Count;
        }
        return result;
    }

    private static LoadedRows Load(
        ImageEncoder encoder, IImageSource images, int[] indices, CancellationToken cancellation)
    {
        var inputs = new RgbImage[indices.Length];
        ParallelImages.For(inputs.Length, (i, buffer) =>
            inputs[i] = encoder.Preprocessing.Resized(images.Read(indices[i], buffer)), cancellation);
        cancellation.ThrowIfCancellationRequested();
        return encoder.Load(inputs);
    }
}
