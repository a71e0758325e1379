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
    public static Tensor Embed(this TableEncoder encoder, TableStore table, IReadOnlyList<int>? indices = null)
    {
        indices ??= [.. Enumerable.Range(0, table.Count)];
        var rows = new float[indices.Count][];
        using var values = new TensorRows(table.Values);
        for (int i = 0; i < rows.Length; i++) rows[i] = values[indices[i]].ToArray();
        var result = new float[checked(rows.Length * encoder.EmbeddingDimension)];
        encoder.Embed(rows, result);
        return NativeTensor.Of(result, [rows.Length, encoder.EmbeddingDimension]).to(encoder.Device);
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
