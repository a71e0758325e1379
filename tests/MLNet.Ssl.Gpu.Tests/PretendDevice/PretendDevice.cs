using System.Diagnostics;
using System.Runtime.InteropServices;
using static TorchSharp.torch;

namespace MLNet.Ssl.Tests;

/// <summary>
/// A device that is not the processor, where there is no other: its tensors say that they are elsewhere, but stand in
/// the processor's memory and are computed on there, to the same numbers. What mixes them with the processor's, or
/// waits for them, is found.
/// </summary>
/// <remarks>
/// It goes by the name of XLA, of which TorchSharp knows and libtorch has no kernels. A fallback for all operators has
/// tensors be the processor's for as long as one is computed. Of what a GPU does it shows neither speed nor kernels
/// that are missing or round otherwise. Libtorch is not to compute elsewhere when it is first asked for.
/// </remarks>
internal static unsafe class PretendDevice
{
    // Types of devices as libtorch numbers them.
    private const byte Processor = 0, Pretended = 9, Meta = 14;

    // What a driver copies at once into the queue of commands, pinned or not.
    private const long AtOnce = 1 << 16;

    private static readonly Lock Gate = new();
    private static readonly Lazy<Device> Started = new(Start);
    private static readonly HashSet<string> ReadsBack =
        ["aten::_local_scalar_dense", "aten::equal", "aten::nonzero", "aten::masked_select", "aten::_unique2"];

    private static readonly HashSet<nint> Pinned = [];
    private static List<string>? s_found;
    private static ushort s_processorKey;
    private static ulong s_processorBit, s_pretendedBit;
    private static int s_keys, s_device, s_storage, s_storageDevice;
    private static uint s_deviceTag, s_listTag;
    private static nint s_convolution, s_convolutionBackward;

    /// <summary>The device.</summary>
    public static Device Device
    {
        get
        {
            Assert.SkipWhen(cuda.is_available(), "there is a GPU, which needs no pretending.");
            Assert.SkipUnless(OperatingSystem.IsLinux() && RuntimeInformation.ProcessArchitecture == Architecture.X64,
                "the layouts that it rests on are those of Linux on x64.");
            return Started.Value;
        }
    }

    /// <summary>What is found while the work is done.</summary>
    public static IReadOnlyList<string> Watch(Action work)
    {
        _ = Device;
        var found = new List<string>();
        lock (Gate) s_found = found;
        try
        {
            work();
        }
        finally
        {
            lock (Gate) s_found = null;
        }
        return found;
    }

    private static Device Start()
    {
        using (var _ = zeros(1)) { }
        s_processorKey = LibTorchDispatcher.Key("CPU");
        (s_processorBit, s_pretendedBit) = (LibTorchDispatcher.Bit("CPUBit"), LibTorchDispatcher.Bit("XLABit"));
        FindLayout();
        LibTorchDispatcher.FindFlags();
        s_convolution = LibTorchDispatcher.Find("aten::convolution");
        s_convolutionBackward = LibTorchDispatcher.Find("aten::convolution_backward");
        ushort key = LibTorchDispatcher.Key("XLA");
        LibTorchDispatcher.RegisterDevice(Pretended, like: Meta, &TypeOfDevice, &CurrentDevice);
        LibTorchDispatcher.RegisterFallback(key, &Fallback);
        LibTorchDispatcher.Register("aten::convolution_overrideable", key, &Convolve);
        LibTorchDispatcher.Register("aten::convolution_backward_overrideable", key, &ConvolveBackward);
        // Otherwise made of others, in which types of tensors do not show.
        LibTorchDispatcher.Register("aten::native_layer_norm", key, &Fallback);
        LibTorchDispatcher.Register("aten::native_layer_norm_backward", key, &Fallback);
        LibTorchDispatcher.Register("aten::pin_memory", s_processorKey, &Pin);
        LibTorchDispatcher.Register("aten::_copy_from_and_resize", s_processorKey, &KeepSecond);
        return device("xla:0");
    }

    /// <summary>Looks where a tensor has its keys, device and storage, by those of two devices.</summary>
    private static void FindLayout()
    {
        using var here = zeros(3);
        using var meta = zeros(3, device: META);
        nint own = ImplOf(here), other = ImplOf(meta), data = THSTensor_data(here.Handle);
        ulong metaBit = LibTorchDispatcher.Bit("MetaBit");
        s_keys = Enumerable.Range(2, 40).Select(word => 8 * word).First(at =>
            (*(ulong*)(own + at) & (s_processorBit | metaBit)) == s_processorBit
            && (*(ulong*)(other + at) & (s_processorBit | metaBit)) == metaBit
            && ((*(ulong*)(own + at) ^ *(ulong*)(other + at)) & 0xffff) == (s_processorBit | metaBit));
        // An optional device: type, number, and that it is there.
        s_device = Enumerable.Range(16, s_keys - 16).First(at => *(int*)(own + at) << 8 == 0x01ff00 << 8
            && *(byte*)(other + at) == Meta && *(byte*)(other + at + 2) == 1);
        foreach (int at in new[] { 16, 24, 32 })
        {
            nint storage = *(nint*)(own + at);
            if (storage < 1 << 16 || storage % 8 != 0) continue;
            for (int word = 1; word < 8 && s_storage == 0; word++)
                // The device comes behind the address, and what frees it.
                if (*(nint*)(storage + 8 * word) == data) (s_storage, s_storageDevice) = (at, 8 * word + 24);
        }
        Assert.NotEqual(0, s_storage);
    }

    [UnmanagedCallersOnly]
    private static byte TypeOfDevice(nint guard) => Pretended;

    [UnmanagedCallersOnly]
    private static ushort CurrentDevice(nint guard) => Pretended;

    [UnmanagedCallersOnly]
    private static void Fallback(nint functor, nint op, ulong keys, BoxedValues* stack) => Compute(op, stack);

    [UnmanagedCallersOnly]
    private static void Convolve(nint functor, nint op, ulong keys, BoxedValues* stack) =>
        Compute(s_convolution, stack);

    [UnmanagedCallersOnly]
    private static void ConvolveBackward(nint functor, nint op, ulong keys, BoxedValues* stack)
    {
        // The other one is told the bias's size besides, which may be left out.
        long count = stack->Count;
        var values = (BoxedValue*)NativeMemory.Alloc((nuint)(count + 1), (nuint)sizeof(BoxedValue));
        for (long i = 0; i < count; i++) values[i < 3 ? i : i + 1] = stack->Begin[i];
        values[3] = default;
        NativeMemory.Free(stack->Begin);
        stack->Begin = values;
        stack->End = stack->Capacity = values + count + 1;
        Compute(s_convolutionBackward, stack);
    }

    /// <summary>(tensor, device): the tensor, which is noted.</summary>
    [UnmanagedCallersOnly]
    private static void Pin(nint functor, nint op, ulong keys, BoxedValues* stack)
    {
        stack->End--;
        lock (Gate) Pinned.Add(StorageOf(stack->End[-1].Payload));
    }

    /// <summary>(self, destination), which are one: the destination.</summary>
    [UnmanagedCallersOnly]
    private static void KeepSecond(nint functor, nint op, ulong keys, BoxedValues* stack) => KeepLast(stack);

    private static void Compute(nint op, BoxedValues* stack)
    {
        LibTorchDispatcher.PassBackHere();
        lock (Gate)
        {
            string name = LibTorchDispatcher.NameOf(op);
            bool makes = MakesOnProcessor(name, stack);
            var tensors = Tensors(stack);
            var moved = tensors.Where(IsPretended).Distinct().ToList();
            if (name == "aten::_copy_from")
            {
                Copy(stack, moved);
                return;
            }
            if (s_found is not null) Look(name, tensors, moved);
            foreach (nint tensor in moved) Move(tensor, there: false);
            LibTorchDispatcher.ComputeOnProcessor(op, stack, s_processorKey);
            if (makes || moved.Count > 0) moved.AddRange(Tensors(stack));
            foreach (nint tensor in moved) Move(tensor, there: true);
        }
    }

    /// <summary>(source, destination, non_blocking): the destination, in its memory.</summary>
    private static void Copy(BoxedValues* stack, List<nint> moved)
    {
        BoxedValue* source = stack->End - 3, destination = stack->End - 2;
        bool from = IsPretended(source->Payload), to = IsPretended(destination->Payload);
        if (from && !to) Report("a copy back to the processor");
        if (!from && to && *(byte*)&stack->End[-1].Payload == 0) Report("a copy there that is waited for");
        if (!from && to && BytesOf(source) > AtOnce && !Pinned.Contains(StorageOf(source->Payload)))
            Report($"a copy of {BytesOf(source)} bytes there from memory that is not pinned, which is waited for");
        foreach (nint tensor in moved) Move(tensor, there: false);
        THSTensor_copy_((nint)destination, (nint)source, false);
        foreach (nint tensor in moved) Move(tensor, there: true);
        stack->End--;
        KeepLast(stack);
    }

    private static void Look(string name, List<nint> tensors, List<nint> moved)
    {
        if (ReadsBack.Contains(name)) Report($"{name} reads back");
        // A number may be the processor's, as it goes with the command.
        if (tensors.Any(tensor => IsProcessors(tensor) && THSTensor_ndimension((nint)(&tensor)) > 0))
            Report($"{name} takes tensors of both devices");
        // A GPU's has no form of two types, unlike the processor's.
        if (name.Contains("layer_norm")
            && moved.Select(tensor => THSTensor_type((nint)(&tensor))).Distinct().Count() > 1)
            Report($"{name} takes tensors of several types");
    }

    private static void Report(string what)
    {
        if (s_found is null) return;
        var callers = new StackTrace().GetFrames().Select(frame => frame.GetMethod())
            .Where(method => method?.DeclaringType?.FullName?.StartsWith("MLNet.Ssl.", StringComparison.Ordinal) == true
                && method.DeclaringType != typeof(PretendDevice))
            .Select(method => $"{method!.DeclaringType!.Name}.{method.Name}");
        s_found.Add($"{what}: {string.Join(" < ", callers)}");
    }

    /// <summary>Has a tensor that is to be made there be made on the processor.</summary>
    private static bool MakesOnProcessor(string name, BoxedValues* stack)
    {
        if (s_deviceTag == 0 && name is "aten::empty" or "aten::empty_strided")
            (s_listTag, s_deviceTag) = (stack->Begin->Tag, stack->Begin[name == "aten::empty" ? 3 : 4].Tag);
        bool makes = false;
        for (var value = stack->Begin; value < stack->End; value++)
        {
            if (value->Tag != s_deviceTag || *(byte*)&value->Payload != Pretended) continue;
            SetDevice((byte*)&value->Payload, there: false);
            makes = true;
        }
        return makes;
    }

    /// <summary>The tensors on the stack, also those in lists.</summary>
    private static List<nint> Tensors(BoxedValues* stack)
    {
        var result = new List<nint>();
        Add(stack);
        return result;

        void Add(BoxedValues* values)
        {
            for (var value = values->Begin; value < values->End; value++)
            {
                if (value->Tag == BoxedValue.TensorTag) result.Add(value->Payload);
                // A list's values come behind its virtual functions and its count of references.
                else if (value->Tag == s_listTag && s_listTag != 0) Add((BoxedValues*)(value->Payload + 16));
            }
        }
    }

    private static void Move(nint tensor, bool there)
    {
        ulong keys = KeysOf(tensor);
        // Not of a tensor that stands for none.
        if ((keys & (s_processorBit | s_pretendedBit)) == 0) return;
        var (gone, come) = there ? (s_processorBit, s_pretendedBit) : (s_pretendedBit, s_processorBit);
        *(ulong*)(tensor + s_keys) = keys & ~gone | come;
        SetDevice((byte*)(tensor + s_device), there);
        SetDevice((byte*)(StorageOf(tensor) + s_storageDevice), there);
    }

    private static void SetDevice(byte* device, bool there) =>
        (device[0], device[1]) = there ? (Pretended, (byte)0) : (Processor, (byte)0xff);

    /// <summary>Of the last two values, both tensors, leaves the last. The other one loses a reference, which is not
    /// its last.</summary>
    private static void KeepLast(BoxedValues* stack)
    {
        var value = stack->End - 2;
        Interlocked.Decrement(ref *(int*)(value->Payload + 8));
        *value = value[1];
        stack->End--;
    }

    private static bool IsPretended(nint tensor) => (KeysOf(tensor) & s_pretendedBit) != 0;

    private static bool IsProcessors(nint tensor) => (KeysOf(tensor) & s_processorBit) != 0;

    private static ulong KeysOf(nint tensor) => *(ulong*)(tensor + s_keys);

    private static nint StorageOf(nint tensor) => *(nint*)(tensor + s_storage);

    private static long BytesOf(BoxedValue* tensor) =>
        THSTensor_numel((nint)tensor) * THSTensor_element_size((nint)tensor);

    private static nint ImplOf(Tensor tensor) => *(nint*)tensor.Handle;

    [DllImport("LibTorchSharp")]
    private static extern nint THSTensor_data(nint tensor);

    [DllImport("LibTorchSharp")]
    private static extern void THSTensor_copy_(nint tensor, nint other, [MarshalAs(UnmanagedType.U1)] bool nonBlocking);

    [DllImport("LibTorchSharp")]
    private static extern long THSTensor_ndimension(nint tensor);

    [DllImport("LibTorchSharp")]
    private static extern sbyte THSTensor_type(nint tensor);

    [DllImport("LibTorchSharp")]
    private static extern long THSTensor_numel(nint tensor);

    [DllImport("LibTorchSharp")]
    private static extern long THSTensor_element_size(nint tensor);
}
