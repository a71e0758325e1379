using System.Runtime.InteropServices;
using static TorchSharp.torch;

namespace MLNet.Ssl.Tensors;

/// <summary>
/// The rows of a contiguous float or byte tensor (rows, …) on the processor as spans, also of one beyond 2
/// GiB, where a span of the whole ends.
/// </summary>
/// <remarks>Made and disposed of on one thread; rows may be asked for on any. It does not own the tensor.</remarks>
internal sealed class TensorRows : IDisposable
{
    private const long BlockElements = 1 << 28;

    private readonly Tensor[] _blocks;
    private readonly int _rowsPerBlock, _width;

    public TensorRows(Tensor tensor)
    {
        long rows = tensor.size(0), width = rows == 0 ? 0 : tensor.numel() / rows;
        _width = checked((int)width);
        _rowsPerBlock = (int)Math.Clamp(BlockElements / Math.Max(width, 1), 1, Math.Max(rows, 1));
        _blocks = [.. Enumerable.Range(0, (int)((rows + _rowsPerBlock - 1) / _rowsPerBlock)).Select(block =>
            tensor.narrow(0, (long)block * _rowsPerBlock, Math.Min(_rowsPerBlock, rows - (long)block * _rowsPerBlock))
                .DetachFromDisposeScope())];
    }

    public Span<float> this[int row] =>
        MemoryMarshal.Cast<byte, float>(_blocks[row / _rowsPerBlock].bytes).Slice(row % _rowsPerBlock * _width, _width);

    /// <summary>A row of a tensor of bytes.</summary>
    public Span<byte> Bytes(int row) => _blocks[row / _rowsPerBlock].bytes.Slice(row % _rowsPerBlock * _width, _width);

    public void Dispose()
    {
        foreach (var block in _blocks) block.Dispose();
    }
}
