using System.Runtime.InteropServices;

namespace MLNet.Ssl.Distributed;

/// <summary>NVIDIA's collectives between GPUs, one a rank, on the stream that libtorch computes on. MPI
/// hands the world's id out.</summary>
/// <remarks>Not run yet on more than the headers say: no machine with two GPUs was at hand.</remarks>
internal sealed class Nccl
{
    private const int Byte = 1, Float = 7, Sum = 0;

    private static readonly Lazy<nint> Library = new(Load);

    private readonly AllReduce _allReduce = Function<AllReduce>("ncclAllReduce");
    private readonly AllGather _allGather = Function<AllGather>("ncclAllGather");
    private readonly nint _world;

    /// <param name="id">That of rank 0 (<see cref="NewId"/>).</param>
    /// <param name="rank">This process's number.</param>
    /// <param name="count">Number of processes.</param>
    public Nccl(byte[] id, int rank, int count) =>
        Check(Function<InitRank>("ncclCommInitRank")(out _world, count, MemoryMarshal.Read<UniqueId>(id), rank),
            "ncclCommInitRank");

    [UnmanagedFunctionPointer(CallingConvention.Cdecl)]
    private delegate int GetUniqueId(byte[] id);

    [UnmanagedFunctionPointer(CallingConvention.Cdecl)]
    private delegate int InitRank(out nint world, int count, UniqueId id, int rank);

    [UnmanagedFunctionPointer(CallingConvention.Cdecl)]
    private delegate int AllReduce(nint send, nint receive, nuint count, int type, int operation, nint world,
        nint stream);

    [UnmanagedFunctionPointer(CallingConvention.Cdecl)]
    private delegate int AllGather(nint send, nint receive, nuint count, int type, nint world, nint stream);

    [UnmanagedFunctionPointer(CallingConvention.Cdecl)]
    private delegate nint GetErrorString(int error);

    /// <summary>An id under which the ranks of a world meet.</summary>
    public static byte[] NewId()
    {
        var id = new byte[UniqueId.Bytes];
        Check(Function<GetUniqueId>("ncclGetUniqueId")(id), "ncclGetUniqueId");
        return id;
    }

    /// <summary>Replaces floats on the GPU by their sums over all ranks.</summary>
    public void SumFloats(nint floats, long count) =>
        Check(_allReduce(floats, floats, (nuint)count, Float, Sum, _world, 0), "ncclAllReduce");

    /// <summary>Puts the bytes of all ranks one after the other, on the GPU.</summary>
    public void Gather(nint send, nint receive, long bytesEach) =>
        Check(_allGather(send, receive, (nuint)bytesEach, Byte, _world, 0), "ncclAllGather");

    /// <summary>libtorch has NCCL inside, or beside it.</summary>
    private static nint Load()
    {
        if (NativeLibrary.TryLoad("libtorch_cuda.so", out nint torch)
            && NativeLibrary.TryGetExport(torch, "ncclAllReduce", out _)) return torch;
        if (NativeLibrary.TryLoad("libnccl.so.2", out nint library)) return library;
        throw new InvalidOperationException(
            "Several processes on GPUs need NCCL: install libnccl.so.2 where the loader finds it (LD_LIBRARY_PATH).");
    }

    private static T Function<T>(string name) where T : Delegate =>
        Marshal.GetDelegateForFunctionPointer<T>(NativeLibrary.GetExport(Library.Value, name));

    private static void Check(int error, string function)
    {
        if (error == 0) return;
        string? text = Marshal.PtrToStringUTF8(Function<GetErrorString>("ncclGetErrorString")(error));
        throw new InvalidOperationException(
            $"{function} failed: {text}. Every process needs a GPU of its own; NCCL_DEBUG=INFO tells more.");
    }

    [StructLayout(LayoutKind.Sequential, Size = Bytes)]
    private readonly struct UniqueId
    {
        public const int Bytes = 128;
    }
}
