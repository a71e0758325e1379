using MLNet.Ssl.Data;
using MLNet.Ssl.Images;
using MLNet.Ssl.Tensors;
using static TorchSharp.torch;

namespace MLNet.Ssl.Inference;

/// <summary>Embeddings of rows that are in a store.</summary>
internal static class StoredRows
{
    // What a part holds at a time, when images are decoded for it.
    private const int ImagesAtATime = 256;

    /// <summary>(N,D) on the encoder's device, in the current dispose scope.</summary>
    /// <param name="encoder">The encoder.</param>
    /// <param name="images">The images.</param>
    /// <param name="indices">Which of them, N; null for all.</param>
    /// <param name="cancellation">Stops at the next image.</param>
    public static Tensor Embed(this ImageEncoder encoder, IImageSource images, IReadOnlyList<int>? indices = null,
        CancellationToken cancellation = default)
    {
        indices ??= [.. Enumerable.Range(0, images.Count)];
        return Embed(encoder, indices.Count, result =>
        {
            for (int first = 0; first < indices.Count; first += ImagesAtATime)
            {
                var inputs = new RgbImage[Math.Min(ImagesAtATime, indices.Count - first)];
                int start = first;
                ParallelImages.For(inputs.Length, (i, buffer) =>
                    inputs[i] = encoder.Preprocessing.Resized(images.Read(indices[start + i], buffer)), cancellation);
                cancellation.ThrowIfCancellationRequested();
                encoder.EmbedResized(inputs, result.AsSpan(first * encoder.EmbeddingDimension));
            }
        });
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
        return Embed(encoder, rows.Length, result => encoder.Embed(rows, result));
    }

    private static Tensor Embed(Encoder encoder, int count, Action<float[]> embed)
    {
        var result = new float[checked(count * encoder.EmbeddingDimension)];
        embed(result);
        return NativeTensor.Of(result, [count, encoder.EmbeddingDimension]).to(encoder.Device);
    }
}
