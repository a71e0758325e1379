using static TorchSharp.torch;

namespace MLNet.Ssl.Tensors;

/// <summary>Raw elements of tensors to and from streams, in pieces: a span ends at 2 GiB.</summary>
internal static class TensorBytes
{
    private const long PieceElements = 1 << 24;

    /// <summary>Fills a contiguous tensor of one dimension on the CPU.</summary>
    public static void ReadFrom(this Tensor flat, Stream source)
    {
        for (long start = 0, count = flat.numel(); start < count; start += PieceElements)
        {
            using var piece = flat.narrow(0, start, Math.Min(PieceElements, count - start));
            source.ReadExactly(piece.bytes);
        }
    }

    /// <summary>Writes the elements in row-major order.</summary>
    public static void WriteTo(this Tensor tensor, Stream destination)
    {
        using var scope = NewDisposeScope();
        var flat = tensor.detach().cpu().contiguous().view(-1);
        for (long start = 0, count = flat.numel(); start < count; start += PieceElements)
        {
            using var piece = flat.narrow(0, start, Math.Min(PieceElements, count - start));
            destination.Write(piece.bytes);
        }
    }
}
