using System.Runtime.InteropServices;
using static TorchSharp.torch;

namespace MLNet.Ssl.Tensors;

/// <summary>Tensors of managed values in libtorch's own memory.</summary>
/// <remarks><c>torch.tensor</c> pins a managed copy instead, which stands on no boundary: matrix products of it end in
/// other bits from run to run.</remarks>
internal static class NativeTensor
{
    private const int PieceElements = 1 << 26;

    // What a driver takes over with the command. For more the host waits, unless the memory is pinned.
    private const long BytesWithCommand = 1 << 16;

    /// <summary>Values on a device. The host does not wait for an accelerator to take them.</summary>
    public static Tensor On(Device device, float[] values) => On(device, tensor(values));

    /// <inheritdoc cref="On(Device, float[])"/>
    public static Tensor On(Device device, long[] values) => On(device, tensor(values));

    /// <summary>Values of the processor on a device, likewise; the tensor is taken over.</summary>
    public static Tensor On(Device device, Tensor values) => values.numel() * values.ElementSize > BytesWithCommand
        ? Send(values, device)
        : values.to(device, non_blocking: true);

    /// <summary>Copies a tensor of the processor, which is taken over, to an accelerator while the host goes
    /// on.</summary>
    public static Tensor Send(Tensor tensor, Device device)
    {
        if (device.type == TorchSharp.DeviceType.CPU) return tensor;
        // Libtorch keeps pinned memory until the copy is done, whenever its tensor is disposed of.
        using (tensor)
        using (var pinned = tensor.pin_memory())
            return pinned.to(device, non_blocking: true);
    }

    /// <summary>
    /// Copies values into a contiguous tensor on the processor, in pieces: a span of a tensor's bytes ends at 2 GiB.
    /// </summary>
    public static Tensor Of(ReadOnlySpan<float> values, params long[] shape)
    {
        var result = empty(shape, ScalarType.Float32, CPU);
        using var scope = NewDisposeScope();
        var flat = result.view(-1);
        for (int start = 0; start < values.Length; start += PieceElements)
        {
            var piece = values[start..Math.Min(start + PieceElements, values.Length)];
            MemoryMarshal.AsBytes(piece).CopyTo(flat.narrow(0, start, piece.Length).bytes);
        }
        return result;
    }
}
