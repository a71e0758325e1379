using MLNet.Ssl.Tensors;
using static TorchSharp.torch;

namespace MLNet.Ssl.Inference;

/// <summary>Embeddings of rows that are in a store.</summary>
internal static class StoredRows
{
    /// <summary>(N,D) on the encoder's device, in the current dispose scope.</summary>
    /// <param name="encoder">The encoder.</param>
    /// <param name="images">The images.</param>
    /// <param name="indices">Which of them, N; null for all.</param>
    public static Tensor Embed(this ImageEncoder encoder, ImageStore images, IReadOnlyList<int>? indices = null)
    {
        indices ??= [.. Enumerable.Range(0, images.Count)];
        return Embed(encoder, indices.Count, result => encoder.Embed([.. indices.Select(i => images[i])], result));
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
