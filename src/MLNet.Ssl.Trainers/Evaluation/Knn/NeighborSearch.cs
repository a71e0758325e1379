using System.Numerics;
using System.Runtime.InteropServices;
using MLNet.Ssl.Tensors;
using TorchSharp;
using static TorchSharp.torch;

namespace MLNet.Ssl.Evaluation;

/// <summary>The rows of a bank with the largest dot products, exact, without ever holding all products.</summary>
internal static class NeighborSearch
{
    // A tile of products stays in the processor's cache between the matrix product that writes it and the scan that
    // reads it.
    internal const int TileQueries = 256, TileBank = 2048;

    // Products of one chunk on an accelerator, 64 MiB.
    private const long ProductsAtATime = 1 << 24;

    // Multiplications that are worth a thread.
    private const double LeastWork = 3e7;

    /// <summary>Finds the <paramref name="k"/> most similar rows of each query.</summary>
    /// <param name="queries">(Q,D), on the bank's device.</param>
    /// <param name="bank">(N,D), contiguous, k ≤ N.</param>
    /// <param name="k">Neighbours.</param>
    /// <returns>Dot products (Q,k) in falling order, and rows of the bank (Q,k), int64.</returns>
    public static (Tensor Similarity, Tensor Row) Find(Tensor queries, Tensor bank, int k) =>
        bank.device_type == DeviceType.CPU ? OnProcessor(queries, bank, k) : OnAccelerator(queries, bank, k);

    private static (Tensor, Tensor) OnAccelerator(Tensor queries, Tensor bank, int k)
    {
        long chunk = Math.Max(1, ProductsAtATime / bank.shape[0]);
        using var scope = NewDisposeScope();
        var parts = new List<(Tensor Similarity, Tensor Row)>();
        for (long first = 0; first < queries.shape[0]; first += chunk)
        {
            using var step = NewDisposeScope();
            var query = queries.narrow(0, first, Math.Min(chunk, queries.shape[0] - first));
            // Neighbours are ranked by what TF32 would round away, whatever a training run around it allows.
            var products = TensorFloat32.During(false, () => query.mm(bank.transpose(0, 1)));
            var (similarity, row) = products.topk(k, dim: 1);
            parts.Add((similarity.MoveToOuterDisposeScope(), row.MoveToOuterDisposeScope()));
        }
        return (cat([.. parts.Select(p => p.Similarity)]).MoveToOuterDisposeScope(),
            cat([.. parts.Select(p => p.Row)]).MoveToOuterDisposeScope());
    }

    private static (Tensor, Tensor) OnProcessor(Tensor queries, Tensor bank, int k)
    {
        int count = (int)queries.shape[0];
        var (similarity, row) = (empty(count, k), empty(count, k, dtype: ScalarType.Int64));
        double work = (double)count * bank.shape[0] * bank.shape[1];
        int threads = (int)Math.Clamp(work / LeastWork, 1, Math.Min(get_num_threads(), Math.Max(1, count)));
        int tile = Math.Clamp((count + threads - 1) / threads, 1, TileQueries), next = 0;
        using var shards = new ShardThreads(threads, get_num_threads());
        shards.Run(_ =>
        {
            using var mode = no_grad();
            using var scope = NewDisposeScope();
            var products = empty((long)tile * Math.Min(TileBank, bank.shape[0]));
            int first;
            while ((first = Interlocked.Add(ref next, tile) - tile) < count)
                SearchTile(queries.narrow(0, first, Math.Min(tile, count - first)), bank, products, k, first,
                    similarity, row);
        });
        return (similarity, row);
    }

    private static void SearchTile(Tensor queries, Tensor bank, Tensor products, int k, int first, Tensor similarity,
        Tensor row)
    {
        using var scope = NewDisposeScope();
        int count = (int)queries.shape[0];
        var best = new Best[count];
        for (int q = 0; q < count; q++) best[q] = new(k);
        for (long start = 0; start < bank.shape[0]; start += TileBank)
        {
            using var step = NewDisposeScope();
            int width = (int)Math.Min(TileBank, bank.shape[0] - start);
            var tile = products.narrow(0, 0, (long)count * width).view(count, width);
            tile.addmm_(queries, bank.narrow(0, start, width).transpose(0, 1), beta: 0);
            var values = MemoryMarshal.Cast<byte, float>(tile.bytes);
            for (int q = 0; q < count; q++) best[q].Add(values.Slice(q * width, width), (int)start);
        }
        var similarities = MemoryMarshal.Cast<byte, float>(similarity.bytes);
        var rows = MemoryMarshal.Cast<byte, long>(row.bytes);
        for (int q = 0; q < count; q++)
            best[q].Take(similarities.Slice((first + q) * k, k), rows.Slice((first + q) * k, k));
    }

    /// <summary>The k best of what a query has met, the worst of them on top of a heap.</summary>
    private sealed class Best(int k)
    {
        private readonly PriorityQueue<int, float> _heap = new(k);
        private float _worst = float.NegativeInfinity;

        public void Add(ReadOnlySpan<float> values, int start)
        {
            int i = 0;
            for (; _heap.Count < k && i < values.Length; i++)
            {
                _heap.Enqueue(start + i, values[i]);
                if (_heap.Count == k) _heap.TryPeek(out _, out _worst);
            }
            // Nearly all values are below the worst kept: they are passed over four vectors at a time.
            int lanes = Vector<float>.Count;
            for (; i <= values.Length - 4 * lanes; i += 4 * lanes)
            {
                var most = Vector.Max(
                    Vector.Max(new Vector<float>(values[i..]), new Vector<float>(values[(i + lanes)..])),
                    Vector.Max(new Vector<float>(values[(i + 2 * lanes)..]),
                    new Vector<float>(values[(i + 3 * lanes)..])));
                if (Vector.GreaterThanAny(most, new Vector<float>(_worst)))
                    Insert(values.Slice(i, 4 * lanes), start + i);
            }
            Insert(values[i..], start + i);
        }

        public void Take(Span<float> similarity, Span<long> row)
        {
            for (int i = k - 1; i >= 0; i--)
            {
                _heap.TryDequeue(out int index, out similarity[i]);
                row[i] = index;
            }
        }

        private void Insert(ReadOnlySpan<float> values, int start)
        {
            for (int i = 0; i < values.Length; i++)
            {
                if (values[i] > _worst)
                {
                    _heap.DequeueEnqueue(start + i, values[i]);
                    _heap.TryPeek(out _, out _worst);
                }
            }
        }
    }
}
