using System.Diagnostics;
using System.Runtime.InteropServices;
using System.Text;

namespace MLNet.Ssl.Tests;

/// <summary>A value on the stack of a boxed operator: libtorch's IValue.</summary>
[StructLayout(LayoutKind.Sequential)]
internal struct BoxedValue
{
    public const uint TensorTag = 1;

    public nint Payload;
    public uint Tag;
    public uint Padding;
}

/// <summary>std::vector of them.</summary>
[StructLayout(LayoutKind.Sequential)]
internal unsafe struct BoxedValues
{
    public BoxedValue* Begin, End, Capacity;

    public readonly long Count => End - Begin;
}

/// <summary>What decides which kernel an operator has on which device: kernels of one's own, by libtorch's C++
/// functions, whose names and layouts are those of libtorch 2.10 as GCC compiles it.</summary>
/// <remarks>What is registered stays for the life of the process, and so does the memory that stands for it.</remarks>
internal static unsafe class LibTorchDispatcher
{
    private const nuint Room = 256;

    // Of a thread's flags: gradients, inference, forward gradients, threads.
    private const byte PassesBackElsewhere = 8;

    private static readonly nint Torch = Library("libtorch_cpu.so"), Core = Library("libc10.so");

    private static readonly nint Dispatcher =
        ((delegate* unmanaged<nint>)Symbol(Torch, "_ZN3c1010Dispatcher13realSingletonEv"))();

    private static readonly delegate* unmanaged<nint, BoxedValues*, byte, ushort, void> CpuFallback =
        (delegate* unmanaged<nint, BoxedValues*, byte, ushort, void>)Symbol(Torch,
            "_ZN2at6native12cpu_fallbackERKN3c1014OperatorHandleEPSt6vectorINS1_6IValueESaIS6_EEbNS1_11DispatchKeyE");

    private static readonly delegate* unmanaged<nint, void> SetWarnings = (delegate* unmanaged<nint, void>)Symbol(
        Core, "_ZN3c1012WarningUtils19set_warning_handlerEPNS_14WarningHandlerE");

    private static readonly delegate* unmanaged<byte*> ThreadState =
        (delegate* unmanaged<byte*>)Symbol(Core, "_ZN3c1013AutogradState13get_tls_stateEv");

    private static readonly nint Quiet = QuietWarnings();

    private static int s_flags;

    /// <summary>The number of a dispatch key such as "CPU".</summary>
    public static ushort Key(string name)
    {
        var text = (delegate* unmanaged<ushort, nint>)Symbol(Core, "_ZN3c108toStringENS_11DispatchKeyE");
        return (ushort)Enumerable.Range(0, 200).First(key => Marshal.PtrToStringUTF8(text((ushort)key)) == name);
    }

    /// <summary>The bit of a backend such as "CPUBit" in a tensor's set of keys.</summary>
    public static ulong Bit(string name)
    {
        var text = (delegate* unmanaged<byte, nint>)Symbol(Core, "_ZN3c108toStringENS_16BackendComponentE");
        return 1ul << (Enumerable.Range(1, 40).First(bit => Marshal.PtrToStringUTF8(text((byte)bit)) == name) - 1);
    }

    /// <summary>Takes every operator that has no kernel of its own under a key.</summary>
    public static void RegisterFallback(ushort key, delegate* unmanaged<nint, nint, ulong, BoxedValues*, void> kernel)
    {
        var register = (delegate* unmanaged<nint, nint, ushort, nint, nint, void>)Symbol(Torch,
            "_ZN3c1010Dispatcher16registerFallbackENS_11DispatchKeyENS_14KernelFunctionE"
            + "NSt7__cxx1112basic_stringIcSt11char_traitsIcESaIcEEE");
        register(Memory(), Dispatcher, key, KernelFunction(kernel), Text(""));
    }

    /// <summary>Takes an operator under a key.</summary>
    public static void Register(string name, ushort key,
        delegate* unmanaged<nint, nint, ulong, BoxedValues*, void> kernel)
    {
        var register = (delegate* unmanaged<nint, nint, nint, uint, nint, NoSignature, nint, nint, void>)Symbol(Torch,
            "_ZN3c1010Dispatcher12registerImplENS_12OperatorNameESt8optionalINS_11DispatchKeyEENS_14KernelFunctionE"
            + "S2_INS_4impl12CppSignatureEESt10unique_ptrINS_14FunctionSchemaESt14default_deleteISA_EE"
            + "NSt7__cxx1112basic_stringIcSt11char_traitsIcESaIcEEE");
        nint operatorName = Text(name);
        Write((nint*)operatorName + 4, "");
        register(Memory(), Dispatcher, operatorName, key | 1u << 16, KernelFunction(kernel), default, Memory(),
            Text(""));
    }

    /// <summary>Tells of a type of device, by its number, of which there is one.</summary>
    /// <param name="type">The number.</param>
    /// <param name="like">That of another one, which does what is not said.</param>
    /// <param name="typeOf">Gives the number.</param>
    /// <param name="current">Gives the device: its type, and from the second byte on its number.</param>
    public static void RegisterDevice(byte type, byte like, delegate* unmanaged<nint, byte> typeOf,
        delegate* unmanaged<nint, ushort> current)
    {
        // A copy of another's virtual functions, two words of what C++ knows of its type before them.
        var guards = (nint**)Symbol(Core, "_ZN3c104impl26device_guard_impl_registryE");
        var functions = (nint*)NativeMemory.AllocZeroed(2 * Room);
        for (int i = 0; i < 42; i++) functions[i] = ((nint*)guards[like][0])[i - 2];
        (functions[2], functions[4]) = ((nint)typeOf, (nint)current);
        var guard = (nint*)Memory();
        guard[0] = (nint)(functions + 2);
        var register = (delegate* unmanaged<byte, nint, void>)Symbol(Core,
            "_ZN3c104impl19registerDeviceGuardENS_10DeviceTypeEPKNS0_24DeviceGuardImplInterfaceE");
        register(type, (nint)guard);
    }

    /// <summary>Has autograd pass back on the calling thread, whatever the device. The threads that it has for devices
    /// are as many as there were when it first passed back.</summary>
    public static void PassBackHere() => ThreadState()[s_flags] &= unchecked((byte)~PassesBackElsewhere);

    /// <summary>Looks where a thread's state has its flags, the first of which is whether gradients are
    /// wanted.</summary>
    public static void FindFlags()
    {
        byte[] State() => new ReadOnlySpan<byte>(ThreadState(), 32).ToArray();
        byte[] with, without;
        using (TorchSharp.torch.enable_grad()) with = State();
        using (TorchSharp.torch.no_grad()) without = State();
        s_flags = Enumerable.Range(0, with.Length)
            .Single(at => (with[at] ^ without[at]) == 1 && (with[at] & PassesBackElsewhere) != 0);
    }

    /// <summary>The operator of this name.</summary>
    public static nint Find(string name)
    {
        nint found = Memory(), empty = Marshal.StringToHGlobalAnsi("");
        ((delegate* unmanaged<nint, nint, nint, nint, nint>)Symbol(Torch,
            "_ZN3c1010Dispatcher17findSchemaOrThrowEPKcS2_"))(
            found, Dispatcher, Marshal.StringToHGlobalAnsi(name), empty);
        return found;
    }

    /// <summary>An operator's name, without that of its overload.</summary>
    public static string NameOf(nint operatorHandle) => Marshal.PtrToStringUTF8(**(nint**)operatorHandle)!;

    /// <summary>Computes an operator, whose tensors are the processor's, there.</summary>
    public static void ComputeOnProcessor(nint operatorHandle, BoxedValues* stack, ushort processor)
    {
        // Of views it warns that they will be copies, which they are not where nothing has to be moved.
        SetWarnings(Quiet);
        CpuFallback(operatorHandle, stack, 0, processor);
    }

    private static nint QuietWarnings()
    {
        var functions = (nint*)Memory();
        for (int i = 0; i < 8; i++) functions[i] = (nint)(delegate* unmanaged<nint, nint, void>)&Nothing;
        var handler = (nint*)Memory();
        handler[0] = (nint)functions;
        return (nint)handler;
    }

    [UnmanagedCallersOnly]
    private static void Nothing(nint handler, nint warning) { }

    private static nint KernelFunction(delegate* unmanaged<nint, nint, ulong, BoxedValues*, void> kernel)
    {
        var function = (nint*)Memory();
        function[1] = (nint)kernel;
        return (nint)function;
    }

    private static nint Memory() => (nint)NativeMemory.AllocZeroed(Room);

    private static nint Text(string text)
    {
        nint result = Memory();
        Write((nint*)result, text);
        return result;
    }

    /// <summary>std::string: address, length, and up to 15 characters in place.</summary>
    private static void Write(nint* destination, string text)
    {
        var bytes = Encoding.ASCII.GetBytes(text);
        bool fits = bytes.Length < 16;
        destination[0] = fits ? (nint)(destination + 2) : Marshal.AllocHGlobal(bytes.Length + 1);
        destination[1] = bytes.Length;
        if (!fits) destination[2] = bytes.Length;
        Marshal.Copy(bytes, 0, destination[0], bytes.Length);
        ((byte*)destination[0])[bytes.Length] = 0;
    }

    private static nint Library(string name) => NativeLibrary.Load(Process.GetCurrentProcess().Modules
        .Cast<ProcessModule>().First(module => module.ModuleName == name).FileName);

    private static nint Symbol(nint library, string name) => NativeLibrary.GetExport(library, name);

    // std::optional of what is not there.
    [StructLayout(LayoutKind.Sequential)]
    private struct NoSignature
    {
        public long Value, HasValue;
    }
}
