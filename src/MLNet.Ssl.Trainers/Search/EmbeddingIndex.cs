using System.Text;
using MLNet.Ssl.Evaluation;
using MLNet.Ssl.Files;
using MLNet.Ssl.Options;
using MLNet.Ssl.Search;
using MLNet.Ssl.Tensors;
using static TorchSharp.torch;

namespace MLNet.Ssl;

/// <summary>
/// Embeddings with keys, to search for the most similar ones: exact, by cosine similarity. Searches may run at the same
/// time, but not while rows are added.
/// </summary>
/// <remarks>
/// It holds 4·D bytes a row in managed memory; a search multiplies the queries with blocks of rows and keeps the best,
/// so it needs no more than a few hundred megabytes on top. A million rows of width 384 take 1.5 GB.
/// </remarks>
public sealed class EmbeddingIndex
{
    internal const int MaxDimension = 1 << 20;

    private const int BlockBytes = 64 << 20, SmallestBlock = 64;

    private static readonly UTF8Encoding StrictUtf8 = new(false, throwOnInvalidBytes: true);

    private readonly List<AlignedFloats> _blocks = [];
    private readonly List<string> _keys = [];
    private readonly Dictionary<string, int> _rows = new(StringComparer.Ordinal);
    private readonly int _rowsPerBlock;

    /// <summary>Creates an empty index.</summary>
    /// <param name="dimension">Width D of the embeddings, 1 to 1 048 576.</param>
    /// <exception cref="ArgumentOutOfRangeException"><paramref name="dimension"/> is out of range.</exception>
    public EmbeddingIndex(int dimension) : this(dimension, BlockBytes)
    {
    }

    internal EmbeddingIndex(int dimension, int blockBytes)
    {
        Check.InRange(dimension, 1, MaxDimension);
        Dimension = dimension;
        _rowsPerBlock = Math.Max(1, blockBytes / sizeof(float) / dimension);
    }

    /// <summary>Width D of the embeddings.</summary>
    public int Dimension { get; }

    /// <summary>Number of rows.</summary>
    public int Count => _keys.Count;

    /// <summary>The rows' keys.</summary>
    public IReadOnlyList<string> Keys => _keys;

    /// <summary>A row's embedding, D values of length 1 (zeros if zeros were added).</summary>
    /// <param name="row">Number of the row.</param>
    /// <exception cref="ArgumentOutOfRangeException">There is no such row.</exception>
    public ReadOnlySpan<float> this[int row]
    {
        get
        {
            CheckRow(row);
            return Slot(row);
        }
    }

    /// <summary>Finds the row of a key.</summary>
    /// <param name="key">The key, compared letter by letter.</param>
    /// <param name="row">Receives its row.</param>
    public bool TryGetRow(string key, out int row) => _rows.TryGetValue(key, out row);

    /// <summary>Adds a row.</summary>
    /// <param name="key">Its key, which no other row may have.</param>
    /// <param name="embedding">D finite values; a copy of length 1 is kept.</param>
    /// <exception cref="ArgumentException">The key is empty or taken, or the embedding has another width or is not
    /// finite; the index is as before.</exception>
    public void Add(string key, ReadOnlySpan<float> embedding)
    {
        ArgumentException.ThrowIfNullOrEmpty(key);
        if (_rows.TryGetValue(key, out int taken))
            throw new ArgumentException($"The key '{key}' is that of row {taken}; keys must differ.", nameof(key));
        try { _ = StrictUtf8.GetByteCount(key); }
        catch (EncoderFallbackException)
        {
            throw new ArgumentException("The key is no valid text: it has half of a surrogate pair.", nameof(key));
        }
        CheckEmbedding(embedding, $"The embedding of '{key}'");

        // In double precision, or the squares of large numbers overflow.
        double squares = 0;
        foreach (float value in embedding) squares += (double)value * value;
        double scale = squares > 0 ? 1 / Math.Sqrt(squares) : 0;
        var slot = Reserve();
        for (int i = 0; i < slot.Length; i++) slot[i] = (float)(embedding[i] * scale);
        Register(key);
    }

    /// <summary>The rows most similar to an embedding.</summary>
    /// <param name="embedding">D finite values; they need not be normalised.</param>
    /// <param name="count">How many rows, at least 1; fewer come where there are not so many.</param>
    /// <returns>The most similar row first; of equally similar ones the earlier.</returns>
    /// <exception cref="ArgumentException">The embedding has another width or is not finite, or
    /// <paramref name="count"/> is below 1.</exception>
    public Neighbor[] Search(ReadOnlySpan<float> embedding, int count = 10)
    {
        CheckEmbedding(embedding, "The query");
        return SearchMany(embedding, count)[0];
    }

    /// <summary>The rows most similar to each of many embeddings, much faster than one after the other.</summary>
    /// <param name="embeddings">Queries × D finite values, an embedding after the other.</param>
    /// <param name="count">How many rows, at least 1; fewer come where there are not so many.</param>
    /// <returns>For each query the most similar row first.</returns>
    /// <exception cref="ArgumentException">The values are not whole embeddings or not finite, or
    /// <paramref name="count"/> is below 1.</exception>
    public Neighbor[][] SearchMany(ReadOnlySpan<float> embeddings, int count = 10)
    {
        Check.AtLeast(count, 1);
        NativeTorch.Require();
        if (embeddings.Length % Dimension != 0)
            throw new ArgumentException(
                $"There are {embeddings.Length} values; expected a multiple of {Dimension}, the width of the index.",
                nameof(embeddings));
        int queries = embeddings.Length / Dimension;
        for (int query = 0; query < queries; query++)
            CheckEmbedding(embeddings.Slice(query * Dimension, Dimension), $"Query {query}");
        if (queries == 0 || Count == 0) return [.. Enumerable.Repeat(Array.Empty<Neighbor>(), queries)];

        using var scope = NewDisposeScope();
        // The blocks are read in place.
        Tensor[] bank = [.. _blocks.Select((block, i) =>
        {
            int rows = Math.Min(_rowsPerBlock, Count - i * _rowsPerBlock);
            return block.AsTensor(rows, Dimension);
        })];
        var nearest = Ranking.Nearest(NativeTensor.Of(embeddings, queries, Dimension), bank, count, normalised: true);
        return [.. nearest.Select(rows =>
            Array.ConvertAll(rows, n => new Neighbor(n.Row, _keys[n.Row], Math.Clamp(n.Similarity, -1, 1))))];
    }

    /// <summary>The rows most similar to a row, without itself.</summary>
    /// <param name="row">Number of the row.</param>
    /// <param name="count">How many rows, at least 1; fewer come where there are not so many.</param>
    /// <exception cref="ArgumentOutOfRangeException">There is no such row, or <paramref name="count"/> is below
    /// 1.</exception>
    public Neighbor[] SearchRow(int row, int count = 10)
    {
        Check.AtLeast(count, 1);
        return [.. Search(this[row], count == int.MaxValue ? count : count + 1).Where(neighbor => neighbor.Row != row)
            .Take(count)];
    }

    /// <summary>Writes the index to a file, which is replaced when all of it is written.</summary>
    /// <param name="path">The file; a zip archive with index.json, embeddings.f32 and keys.json.</param>
    /// <exception cref="IOException">The file cannot be written; one that was there is as before.</exception>
    public void Save(string path) => AtomicFile.Write(path, file => EmbeddingIndexFile.Write(this, file));

    /// <summary>Writes the index into a stream.</summary>
    /// <param name="stream">The stream, written to from where it stands; it stays open.</param>
    /// <exception cref="ArgumentException">The stream cannot be written to.</exception>
    public void Save(Stream stream) => TemporaryFile.Write(stream, file => EmbeddingIndexFile.Write(this, file));

    /// <summary>Reads an index.</summary>
    /// <param name="path">A file that <see cref="Save(string)"/> wrote.</param>
    /// <exception cref="FileNotFoundException">There is no such file.</exception>
    /// <exception cref="InvalidDataException">The file is damaged or no index; the message says what is wrong with
    /// it.</exception>
    public static EmbeddingIndex Load(string path)
    {
        ArgumentException.ThrowIfNullOrEmpty(path);
        using var file = InputFile.Open(path);
        return EmbeddingIndexFile.Read(file, path);
    }

    /// <summary>Reads an index from a stream.</summary>
    /// <param name="stream">The stream, read from where it stands to its end; it stays open. One that cannot seek is
    /// copied into a temporary file first.</param>
    /// <exception cref="ArgumentException">The stream cannot be read.</exception>
    /// <exception cref="InvalidDataException">It holds no index, a damaged one, or stands at its end.</exception>
    public static EmbeddingIndex Load(Stream stream) =>
        TemporaryFile.Read(stream, file => EmbeddingIndexFile.Read(file, "The file in the stream"));

    /// <summary>Room for the next row, which <see cref="Register"/> makes one.</summary>
    internal Span<float> Reserve()
    {
        int block = Count / _rowsPerBlock, at = Count % _rowsPerBlock;
        if (block == _blocks.Count) _blocks.Add(new(Math.Min(_rowsPerBlock, SmallestBlock) * Dimension));
        var values = _blocks[block];
        if (values.Length == at * Dimension)
        {
            values = new(Math.Min(_rowsPerBlock, 2 * at) * Dimension);
            _blocks[block].Span.CopyTo(values.Span);
            _blocks[block] = values;
        }
        return values.Span.Slice(at * Dimension, Dimension);
    }

    internal void Register(string key)
    {
        _rows.Add(key, Count);
        _keys.Add(key);
    }

    private Span<float> Slot(int row) =>
        _blocks[row / _rowsPerBlock].Span.Slice(row % _rowsPerBlock * Dimension, Dimension);

    private void CheckRow(int row)
    {
        if (row < 0 || row >= Count) throw new ArgumentOutOfRangeException(
            nameof(row), row, $"There is no row {row}; the index has {Count} rows, from 0.");
    }

    private void CheckEmbedding(ReadOnlySpan<float> embedding, string what)
    {
        if (embedding.Length != Dimension)
            throw new ArgumentException(
                $"{what} has {embedding.Length} values; expected {Dimension}, the width of the index.",
                nameof(embedding));
        for (int i = 0; i < embedding.Length; i++)
            if (!float.IsFinite(embedding[i]))
                throw new ArgumentException($"{what} is not finite: value {i} is {embedding[i]}.", nameof(embedding));
    }
}
