using MLNet.Ssl.Tensors;
using static TorchSharp.torch;

namespace MLNet.Ssl.Data;

/// <summary>Gathers rows into a table of which nobody knows the length, without holding them twice.</summary>
/// <param name="columns">Width of a row.</param>
/// <param name="blockElements">Values gathered in one piece. Blocks of 64 MiB go back to the system when they are
/// freed, whatever the C library keeps.</param>
internal sealed class TableStoreBuilder(int columns, int blockElements = 1 << 24) : IDisposable
{
    private const int BufferElements = 1 << 16;

    private readonly int _rowsPerBlock = Math.Max(1, blockElements / columns);
    private readonly float[] _buffer = new float[Math.Max(1, BufferElements / columns) * columns];
    private readonly Queue<Tensor> _blocks = new();
    private Tensor? _block;
    private int _buffered, _rowsInBlock;

    /// <summary>Rows so far.</summary>
    public long Count { get; private set; }

    /// <summary>Adds a row of finite values.</summary>
    public void Add(ReadOnlySpan<float> row)
    {
        row.CopyTo(_buffer.AsSpan(_buffered, columns));
        _buffered += columns;
        Count++;
        if (_buffered == _buffer.Length) Flush();
    }

    /// <summary>The table, of one row or more. Each block is freed when it has been copied.</summary>
    /// <param name="categories">What the source says of slots that belong together; null for nothing.</param>
    public TableStore Build(IReadOnlyList<Range>? categories = null)
    {
        Flush();
        using var scope = NewDisposeScope();
        var values = empty([Count, columns], ScalarType.Float32, CPU);
        for (long start = 0; _blocks.TryDequeue(out var block); start += _rowsPerBlock)
        {
            // Views of a block keep its memory, so they go with it.
            using var piece = NewDisposeScope();
            using var _ = block;
            long rows = Math.Min(_rowsPerBlock, Count - start);
            values.narrow(0, start, rows).copy_(block.narrow(0, 0, rows));
        }
        return new(values) { Categories = categories };
    }

    public void Dispose()
    {
        while (_blocks.TryDequeue(out var block)) block.Dispose();
    }

    private void Flush()
    {
        using var scope = NewDisposeScope();
        var rows = NativeTensor.Of(_buffer.AsSpan(0, _buffered), _buffered / columns, columns);
        _buffered = 0;
        for (long start = 0, count = rows.size(0); start < count;)
        {
            if (_block is null || _rowsInBlock == _rowsPerBlock)
            {
                _blocks.Enqueue(_block = empty([_rowsPerBlock, columns], ScalarType.Float32, CPU)
                    .DetachFromDisposeScope());
                _rowsInBlock = 0;
            }
            long taken = Math.Min(count - start, _rowsPerBlock - _rowsInBlock);
            _block.narrow(0, _rowsInBlock, taken).copy_(rows.narrow(0, start, taken));
            _rowsInBlock += (int)taken;
            start += taken;
        }
    }
}
