using System.Runtime.CompilerServices;
using System.Runtime.InteropServices;

namespace TorchSharp;

/// <summary>Tensors from managed data.</summary>
public static partial class torch
{
    public static Tensor from_array(Array rawArray, Device device = null) => from_array(rawArray, null, device);

    /// <summary>On the CPU and with the array's own element type, the tensor reads and writes the array, which stays pinned while the tensor lives.</summary>
    public static Tensor from_array(Array rawArray, ScalarType? dtype, Device device = null, bool requires_grad = false, string[] names = null)
    {
        if (names is not null) throw new NotSupportedException("named dimensions");
        return Converted(Alias(rawArray, TypeOf(rawArray.GetType().GetElementType()), Lengths(rawArray), 0), dtype, device, requires_grad);
    }

    /// <summary>The bytes of an array from an offset (in elements of the array) on, as elements of another type, in place.</summary>
    public static Tensor frombuffer(Array rawArray, ScalarType dtype, long count = -1, long offset = 0, bool requires_grad = false)
    {
        var type = rawArray.GetType().GetElementType();
        long size = TypeOf(type).ElementSize();
        long available = (rawArray.LongLength - offset) * size / dtype.ElementSize();
        if (offset < 0 || count > available) throw new ArgumentException($"{count} elements from {offset} on do not fit the array of {rawArray.LongLength}");
        return Alias(rawArray, dtype, [count < 0 ? available : count], offset * size).With(requires_grad);
    }

    private static unsafe Tensor Alias(Array array, ScalarType type, ReadOnlySpan<long> lengths, long byteOffset)
    {
        var pin = GCHandle.Alloc(array, GCHandleType.Pinned);
        var data = (byte*)pin.AddrOfPinnedObject() + byteOffset;
        nint handle;
        fixed (long* l = lengths) handle = Native.ts_from_blob(data, l, lengths.Length, (int)type, &Unpin, (void*)GCHandle.ToIntPtr(pin));
        if (handle == 0) pin.Free();
        return Tensor.Wrap(Native.Check(handle));
    }

    [UnmanagedCallersOnly]
    private static unsafe void Unpin(void* pin) => GCHandle.FromIntPtr((nint)pin).Free();

    private static unsafe Tensor FromCopy<T>(
        ReadOnlySpan<T> data, ReadOnlySpan<long> dimensions, ScalarType? dtype, Device device, bool requires_grad, string[] names = null) where T : unmanaged
    {
        if (names is not null) throw new NotSupportedException("named dimensions");
        nint handle;
        fixed (T* d = data)
        fixed (long* n = dimensions)
            handle = Native.ts_from_copy(d, (long)data.Length * sizeof(T), n, dimensions.Length, (int)TypeOf<T>());
        return Converted(Tensor.Wrap(Native.Check(handle)), dtype, device, requires_grad);
    }

    private static Tensor Converted(Tensor tensor, ScalarType? dtype, Device device, bool requires_grad)
    {
        device ??= get_default_device();
        var wanted = dtype ?? tensor.dtype;
        if (wanted == tensor.dtype && device.type == DeviceType.CPU) return tensor.With(requires_grad);
        using (tensor) return tensor.to(wanted, device).With(requires_grad);
    }

    private static ReadOnlySpan<T> Span<T>(IList<T> list) => list switch
    {
        T[] array => array,
        List<T> items => CollectionsMarshal.AsSpan(items),
        _ => list.ToArray(),
    };

    private static ReadOnlySpan<T> Span<T>(Array array) =>
        MemoryMarshal.CreateReadOnlySpan(ref Unsafe.As<byte, T>(ref MemoryMarshal.GetArrayDataReference(array)), array.Length);

    private static long[] Lengths(Array array) => [.. Enumerable.Range(0, array.Rank).Select(array.GetLongLength)];
}
