using System.Runtime.InteropServices;
using MLNet.Ssl.Tensors;
using static TorchSharp.torch;

namespace MLNet.Ssl.Evaluation;

/// <summary>What the evaluators share: features of length 1, and rankings by their dot products.</summary>
internal static class Ranking
{
    // Similarities held at a time, 64 MiB: queries are taken in chunks, whatever the size of the database.
    private const long SimilaritiesAtATime = 1 << 24;

    /// <summary>Rows of length 1; a row of zeros stays one.</summary>
    public static Tensor Normalise(Tensor features) => nn.functional.normalize(features);

    /// <summary>Refuses two sets of features that are not finite matrices of one width.</summary>
    public static void CheckFeatures(Tensor queries, Tensor database)
    {
        ArgumentNullException.ThrowIfNull(queries);
        ArgumentNullException.ThrowIfNull(database);
        CheckFeatures(queries, "queries");
        CheckFeatures(database, "database");
        if (queries.shape[1] != database.shape[1])
            throw new ArgumentException(
                $"The queries are {queries.shape[1]} wide, the database {database.shape[1]}; expected the same width.");
    }

    public static void CheckFeatures(Tensor features, string name)
    {
        if (features.shape is not [> 0, > 0])
            throw new ArgumentException(
                $"{name} has the shape ({string.Join(", ", features.shape)}); "
                + "expected (rows, width), neither of them 0.", name);
        using var scope = NewDisposeScope();
        if (!features.isfinite().all().item<bool>())
            throw new ArgumentException($"{name} is not finite: a feature is NaN or infinite.", name);
    }

    /// <summary>
    /// Calls <paramref name="visit"/> with each query's similarities to the whole database, in order.
    /// </summary>
    public static void ForEachQuery(Tensor queries, Tensor database, Action<int, ReadOnlySpan<float>> visit)
    {
        using var mode = no_grad();
        using var outer = NewDisposeScope();
        int count = (int)queries.shape[0], width = (int)database.shape[0],
            chunk = (int)Math.Max(1, SimilaritiesAtATime / width);
        var (left, right) = (Normalise(queries), Normalise(database).transpose(0, 1));
        for (int start = 0; start < count; start += chunk)
        {
            using var scope = NewDisposeScope();
            var similarity = left.narrow(0, start, Math.Min(chunk, count - start)).mm(right).to(float32).cpu()
                .contiguous();
            var values = MemoryMarshal.Cast<byte, float>(similarity.bytes);
            for (int row = 0; row < values.Length / width; row++) visit(start + row, values.Slice(row * width, width));
        }
    }

    /// <summary>
    /// For each query the k rows of the largest dot products, descending; of equal ones the lower row first, though
    /// which of them are in at the end of the k is up to the sort. Holds the similarities of a chunk of queries to one
    /// block at a time.
    /// </summary>
    /// <param name="queries">(Q,D); a normalised copy is taken.</param>
    /// <param name="blocks">The database in parts (R,D), float; its rows are numbered through. Normalised here unless
    /// they are said to be.</param>
    public static IReadOnlyList<(int Row, float Similarity)[]> Nearest(Tensor queries, IReadOnlyList<Tensor> blocks,
        int k, bool normalised = false)
    {
        using var mode = no_grad();
        using var outer = NewDisposeScope();
        IReadOnlyList<Tensor> bank = normalised ? blocks : [.. blocks.Select(Normalise)];
        var all = Normalise(queries);
        long count = queries.shape[0], chunk = Math.Max(1, SimilaritiesAtATime / bank.Max(block => block.shape[0]));
        var results = new List<(int, float)[]>();
        for (long start = 0; start < count; start += chunk)
        {
            using var scope = NewDisposeScope();
            long size = Math.Min(chunk, count - start);
            var query = all.narrow(0, start, size);
            Tensor? best = null, rows = null;
            long first = 0;
            foreach (var block in bank)
            {
                using var step = NewDisposeScope();
                var (value, row) = query.mm(block.transpose(0, 1)).topk((int)Math.Min(k, block.shape[0]), dim: 1);
                row = row.Add(first);
                if (best is not null)
                {
                    (value, row) = (cat([best, value], 1), cat([rows!, row], 1));
                    (value, var of) = value.topk((int)Math.Min(k, value.shape[1]), dim: 1);
                    row = row.gather(1, of);
                }
                (best, rows) = (value.MoveToOuterDisposeScope(), row.MoveToOuterDisposeScope());
                first += block.shape[0];
            }
            Collect(best!.to(float32).cpu().contiguous(), rows!.cpu().contiguous(), results);
        }
        return results;
    }

    private static void Collect(Tensor similarity, Tensor rows, List<(int, float)[]> results)
    {
        int width = (int)rows.shape[1];
        var values = MemoryMarshal.Cast<byte, float>(similarity.bytes);
        var indices = MemoryMarshal.Cast<byte, long>(rows.bytes);
        for (int at = 0; at < indices.Length; at += width)
        {
            var nearest = new (int Row, float Similarity)[width];
            for (int i = 0; i < width; i++) nearest[i] = ((int)indices[at + i], values[at + i]);
            Array.Sort(nearest, (a, b) =>
                a.Similarity != b.Similarity ? b.Similarity.CompareTo(a.Similarity) : a.Row.CompareTo(b.Row));
            results.Add(nearest);
        }
    }

    /// <summary>Indices by descending similarity; equal ones in their own order.</summary>
    public static int[] Descending(ReadOnlySpan<float> similarities)
    {
        var keys = new ulong[similarities.Length];
        for (int i = 0; i < keys.Length; i++) keys[i] = (ulong)~Ordered(similarities[i]) << 32 | (uint)i;
        Array.Sort(keys);
        return Array.ConvertAll(keys, key => (int)(uint)key);
    }

    /// <summary>Bits that order as the numbers do; both zeros are one.</summary>
    private static uint Ordered(float value)
    {
        uint bits = BitConverter.SingleToUInt32Bits(value + 0f);
        return (bits & 0x8000_0000) != 0 ? ~bits : bits | 0x8000_0000;
    }
}
