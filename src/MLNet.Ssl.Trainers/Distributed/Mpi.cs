using System.Runtime.InteropServices;
using System.Text;

namespace MLNet.Ssl.Distributed;

/// <summary>
/// A library of MPI, by its C functions: Open MPI, those of MPICH's binary interface, and the standard one of MPI 5.
/// All are over the world of processes and block until every rank has called them.
/// </summary>
internal sealed class Mpi
{
    // A count is an int; pieces of 1 GiB are also what the libraries' own buffers suit.
    private const long PieceElements = 1 << 28;

    private const int VersionBytes = 8192;

    private readonly Handles _handles;
    private readonly AllReduce _allReduce;
    private readonly AllGather _allGather;
    private readonly Bcast _broadcast;
    private readonly Call _finalize;

    private Mpi(nint library, Handles handles)
    {
        _handles = handles;
        Function<InitThread>(library, "MPI_Init_thread")(0, 0, handles.Serialized, out _);
        (_allReduce, _allGather) =
            (Function<AllReduce>(library, "MPI_Allreduce"), Function<AllGather>(library, "MPI_Allgather"));
        (_broadcast, _finalize) = (Function<Bcast>(library, "MPI_Bcast"), Function<Call>(library, "MPI_Finalize"));
        Function<OfWorld>(library, "MPI_Comm_rank")(handles.World, out int rank);
        Function<OfWorld>(library, "MPI_Comm_size")(handles.World, out int count);
        (Rank, Count, Version) = (rank, count, VersionOf(library));
    }

    [UnmanagedFunctionPointer(CallingConvention.Cdecl)]
    private delegate int InitThread(nint argc, nint argv, int required, out int provided);

    [UnmanagedFunctionPointer(CallingConvention.Cdecl)]
    private delegate int OfWorld(nint world, out int value);

    [UnmanagedFunctionPointer(CallingConvention.Cdecl)]
    private delegate int GetVersion(byte[] text, out int length);

    [UnmanagedFunctionPointer(CallingConvention.Cdecl)]
    private delegate int AllReduce(nint send, nint receive, int count, nint type, nint operation, nint world);

    [UnmanagedFunctionPointer(CallingConvention.Cdecl)]
    private delegate int AllGather(nint send, int sent, nint sentType, nint receive, int received, nint receivedType,
        nint world);

    [UnmanagedFunctionPointer(CallingConvention.Cdecl)]
    private delegate int Bcast(nint buffer, int count, nint type, int root, nint world);

    [UnmanagedFunctionPointer(CallingConvention.Cdecl)]
    private delegate int Call();

    public int Rank { get; }

    public int Count { get; }

    /// <summary>Such as "Open MPI v4.1.4".</summary>
    public string Version { get; }

    /// <summary>Loads the launcher's library, and joins the other processes.</summary>
    /// <exception cref="InvalidOperationException">There is none, or it is of another kind than the
    /// launcher and finds nobody.</exception>
    public static Mpi Join(Launcher launcher)
    {
        foreach (string name in launcher.Libraries)
        {
            if (!NativeLibrary.TryLoad(name, out nint library)) continue;
            var mpi = new Mpi(library, Handles.Of(library, name));
            if (launcher.Size is not { } size || size == mpi.Count) return mpi;
            throw new InvalidOperationException($"{launcher.Name} started {size} processes, and {mpi.Version} "
                + $"('{name}') finds {mpi.Count}: it is not the launcher's "
                + $"own library. Name that one in {Launcher.LibraryVariable}.");
        }
        throw new InvalidOperationException($"{launcher.Name} started several processes, but no library of MPI is "
            + $"there (tried {string.Join(", ", launcher.Libraries)}): "
            + $"install it (Debian and Ubuntu: openmpi-bin), or name it in {Launcher.LibraryVariable}.");
    }

    /// <summary>Replaces floats by their sums over all ranks.</summary>
    public void Sum(nint floats, long count)
    {
        for (long start = 0; start < count; start += PieceElements)
        {
            Check(_allReduce(_handles.InPlace, floats + (nint)(start * sizeof(float)),
                (int)Math.Min(PieceElements, count - start),
                _handles.Float, _handles.Sum, _handles.World), "MPI_Allreduce");
        }
    }

    /// <summary>Puts the bytes of all ranks one after the other.</summary>
    public void Gather(nint send, nint receive, long bytesEach)
    {
        int count = checked((int)bytesEach);
        Check(_allGather(send, count, _handles.Byte, receive, count, _handles.Byte, _handles.World), "MPI_Allgather");
    }

    /// <summary>Replaces bytes by those of rank 0.</summary>
    public void Broadcast(nint buffer, long bytes)
    {
        for (long start = 0; start < bytes; start += PieceElements)
            Check(_broadcast(buffer + (nint)start, (int)Math.Min(PieceElements, bytes - start), _handles.Byte, 0,
                _handles.World), "MPI_Bcast");
    }

    /// <summary>Leaves the world; the last call of all.</summary>
    public void Leave() => _finalize();

    private static string VersionOf(nint library)
    {
        var text = new byte[VersionBytes];
        Function<GetVersion>(library, "MPI_Get_library_version")(text, out int length);
        // MPICH tells its version after a tab, and then how it was built.
        return Encoding.UTF8.GetString(text, 0, Math.Clamp(length, 0, text.Length)).Split(',', '\n', '\0')[0]
            .Replace("Version:\t", "").Trim();
    }

    private static T Function<T>(nint library, string name) where T : Delegate =>
        Marshal.GetDelegateForFunctionPointer<T>(NativeLibrary.GetExport(library, name));

    private static void Check(int error, string function)
    {
        // By default MPI itself ends all processes at an error.
        if (error != 0) throw new InvalidOperationException($"{function} failed with error {error}.");
    }

    /// <summary>Constants of mpi.h, which every binary interface has its own of.</summary>
    private sealed record Handles(nint World, nint Float, nint Byte, nint Sum, nint InPlace, int Serialized)
    {
        public static Handles Of(nint library, string name)
        {
            if (name.Contains("mpi_abi", StringComparison.Ordinal)) return new(257, 528, 583, 33, 1, 2048);
            if (!NativeLibrary.TryGetExport(library, "ompi_mpi_comm_world", out nint world))
                return new(0x44000000, 0x4c00040a, 0x4c00010d, 0x58000003, -1, 2);
            nint Export(string symbol) => NativeLibrary.GetExport(library, symbol);
            return new(world, Export("ompi_mpi_float"), Export("ompi_mpi_byte"), Export("ompi_mpi_op_sum"), 1, 2);
        }
    }
}
