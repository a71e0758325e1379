using System.Collections.Concurrent;
using System.Runtime.CompilerServices;
using System.Runtime.InteropServices;
using System.Text;
using static TorchSharp.torch;

namespace TorchSharp;

/// <summary>The C ABI of compat/native/shim.cpp and the one generic operator call.</summary>
internal static unsafe class Native
{
    private const string Lib = "TorchShim";

    private static readonly ConcurrentDictionary<string, nint> _operators = new();

#if SYSTEM_LIBTORCH
    static Native() => Blas.Prepare();
#endif

    [StructLayout(LayoutKind.Sequential)]
    internal struct Value
    {
        public Tag Tag;
        public int Count;
        public long Bits;
    }

    [StructLayout(LayoutKind.Sequential)]
    internal struct TensorInfo
    {
        public void* Data;
        public long Count, StorageOffset, ElementSize;
        public int Dimensions, Type, DeviceType, DeviceIndex, RequiresGrad, IsLeaf, IsContiguous, IsInference;
    }

    [DllImport(Lib)] private static extern byte* ts_error();
    [DllImport(Lib)] private static extern void ts_free(void* memory);
    [DllImport(Lib)] private static extern byte* ts_version();
    [DllImport(Lib)] private static extern nint ts_operator(byte* name, byte* overload);
    [DllImport(Lib)] private static extern int ts_call(nint op, Value* arguments, int count, Value* results, int capacity);

    [DllImport(Lib)] internal static extern void ts_release(nint handle);
    [DllImport(Lib)] internal static extern nint ts_alias(nint handle);
    [DllImport(Lib), SuppressGCTransition] internal static extern int ts_info(nint handle, TensorInfo* info);
    [DllImport(Lib), SuppressGCTransition] internal static extern int ts_sizes(nint handle, long* sizes, int capacity);
    [DllImport(Lib), SuppressGCTransition] internal static extern int ts_strides(nint handle, long* strides, int capacity);
    [DllImport(Lib)] internal static extern nint ts_from_copy(void* data, long bytes, long* sizes, int dimensions, int type);
    [DllImport(Lib)]
    internal static extern nint ts_from_blob(void* data, long* sizes, int dimensions, int type, delegate* unmanaged<void*, void> release, void* context);

    [DllImport(Lib)] internal static extern int ts_set_requires_grad(nint handle, int value);
    [DllImport(Lib)] internal static extern int ts_grad(nint handle, nint* result);
    [DllImport(Lib)] internal static extern int ts_set_grad(nint handle, nint gradient);
    [DllImport(Lib)] internal static extern int ts_retain_grad(nint handle);
    [DllImport(Lib)]
    internal static extern int ts_backward(
        nint* tensors, int count, nint* gradients, int gradientCount, int retainGraph, int createGraph, nint* inputs, int inputCount);
    [DllImport(Lib)]
    internal static extern int ts_autograd_grad(
        nint* outputs, int outputCount, nint* inputs, int inputCount, nint* gradients, int gradientCount, int retainGraph,
        int createGraph, int allowUnused, nint* results);
    [DllImport(Lib), SuppressGCTransition] internal static extern int ts_grad_enabled();
    [DllImport(Lib), SuppressGCTransition] internal static extern void ts_set_grad_enabled(int enabled);
    [DllImport(Lib), SuppressGCTransition] internal static extern int ts_inference_enabled();
    [DllImport(Lib)] internal static extern nint ts_inference_enter(int enabled);
    [DllImport(Lib)] internal static extern void ts_inference_leave(nint guard);

    [DllImport(Lib)] internal static extern int ts_manual_seed(ulong seed);
    [DllImport(Lib)] internal static extern nint ts_generator(long device, ulong seed, int isGlobal);
    [DllImport(Lib)] internal static extern void ts_generator_release(nint generator);
    [DllImport(Lib)] internal static extern int ts_generator_seed(nint generator, ulong seed);
    [DllImport(Lib)] internal static extern ulong ts_generator_current_seed(nint generator);
    [DllImport(Lib)] internal static extern int ts_generator_state(nint generator, nint* state);
    [DllImport(Lib)] internal static extern int ts_generator_set_state(nint generator, nint state);

    [DllImport(Lib)] internal static extern int ts_num_threads();
    [DllImport(Lib)] internal static extern int ts_num_interop_threads();
    [DllImport(Lib)] internal static extern int ts_set_num_threads(int count);
    [DllImport(Lib)] internal static extern int ts_set_num_interop_threads(int count);
    [DllImport(Lib)] internal static extern int ts_cuda_device_count();
    [DllImport(Lib)] internal static extern int ts_cuda_synchronize(long device);
    [DllImport(Lib)] internal static extern int ts_switch(int which, int value);

    internal static string Version => Marshal.PtrToStringUTF8((nint)ts_version());

    /// <summary>Throws libtorch's message when a call reported failure.</summary>
    internal static int Check(int status) => status < 0 ? throw Failure() : status;

    internal static nint Check(nint handle) => handle == 0 ? throw Failure() : handle;

    private static ExternalException Failure() => new(Marshal.PtrToStringUTF8((nint)ts_error()));

    /// <summary>Calls <c>aten::name.overload</c>; trailing arguments not given take the schema's defaults.</summary>
    internal static Tensor Call(string op, params ReadOnlySpan<Arg> arguments)
    {
        Value result;
        Check(Invoke(op, arguments, &result, 1));
        return TensorOf(result);
    }

    internal static (Tensor, Tensor) Call2(string op, params ReadOnlySpan<Arg> arguments)
    {
        var results = stackalloc Value[2];
        Check(Invoke(op, arguments, results, 2));
        return (TensorOf(results[0]), TensorOf(results[1]));
    }

    internal static (Tensor, Tensor, Tensor) Call3(string op, params ReadOnlySpan<Arg> arguments)
    {
        var results = stackalloc Value[3];
        Check(Invoke(op, arguments, results, 3));
        return (TensorOf(results[0]), TensorOf(results[1]), TensorOf(results[2]));
    }

    internal static Tensor[] CallList(string op, params ReadOnlySpan<Arg> arguments)
    {
        Value result;
        Check(Invoke(op, arguments, &result, 1));
        var handles = (nint*)result.Bits;
        var tensors = new Tensor[result.Count];
        for (int i = 0; i < tensors.Length; i++) tensors[i] = Tensor.Wrap(handles[i]);
        ts_free(handles);
        return tensors;
    }

    /// <summary>An operator whose result is a number or a truth value.</summary>
    internal static Value CallScalar(string op, params ReadOnlySpan<Arg> arguments)
    {
        Value result;
        Check(Invoke(op, arguments, &result, 1));
        return result;
    }

    private static Tensor TensorOf(in Value value) => Tensor.Wrap((nint)value.Bits);

    [SkipLocalsInit]
    private static int Invoke(string op, ReadOnlySpan<Arg> arguments, Value* results, int capacity)
    {
        if (!_operators.TryGetValue(op, out nint handle)) handle = _operators.GetOrAdd(op, Find);
        int words = 0;
        foreach (ref readonly var argument in arguments) words += argument.Words;
        long[] heap = words > 1024 ? GC.AllocateUninitializedArray<long>(words, pinned: true) : null;
        long* small = stackalloc long[heap is null ? words : 0];
        long* scratch = heap is null ? small : (long*)Unsafe.AsPointer(ref heap[0]);
        Value* values = stackalloc Value[arguments.Length];
        for (int i = 0; i < arguments.Length; i++) arguments[i].Write(ref values[i], ref scratch);
        int status = ts_call(handle, values, arguments.Length, results, capacity);
        foreach (ref readonly var argument in arguments) GC.KeepAlive(argument.Reference);
        GC.KeepAlive(heap);
        return status;
    }

    private static nint Find(string op)
    {
        int dot = op.IndexOf('.');
        var name = Encoding.UTF8.GetBytes("aten::" + (dot < 0 ? op : op[..dot]) + "\0");
        var overload = Encoding.UTF8.GetBytes((dot < 0 ? "" : op[(dot + 1)..]) + "\0");
        fixed (byte* n = name, o = overload) return Check(ts_operator(n, o));
    }
}
