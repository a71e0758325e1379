using System.Runtime.ExceptionServices;
using System.Runtime.InteropServices;
using System.Text;
using MLNet.Ssl.Tensors;
using TorchSharp;
using static TorchSharp.torch;

namespace MLNet.Ssl.Distributed;

/// <summary>
/// What the processes of a run tell each other: MPI between processors, NCCL between GPUs. Every rank makes the same
/// calls in the same order. A process that is alone gets back what it gave.
/// </summary>
internal sealed class Communicator
{
    private static readonly Lazy<Communicator> Started = new(Start);
    private static readonly TimeSpan OthersFail = TimeSpan.FromSeconds(5);

    private readonly Mpi? _mpi;
    private readonly Lazy<Nccl> _nccl;
    private volatile bool _isTraining;

    private Communicator(Mpi? mpi)
    {
        _mpi = mpi;
        (Rank, Count) = (mpi?.Rank ?? 0, mpi?.Count ?? 1);
        _nccl = new(() => new(Exchange(Rank == 0 ? Nccl.NewId() : [])[0], Rank, Count));
    }

    /// <summary>The processes that this one was started with.</summary>
    public static Communicator Current => Started.Value;

    public int Rank { get; }

    /// <summary>Number of processes; 1 for one that was started alone.</summary>
    public int Count { get; }

    /// <summary>Processor threads that every rank can have for itself.</summary>
    public int Processors { get; private set; } = Environment.ProcessorCount;

    /// <summary>For the log, such as "2 processes on 1 host, started by mpirun (Open MPI v4.1.4)".</summary>
    public string Description { get; private set; } = "";

    /// <summary>x ← mean of x over the ranks; x is contiguous, of float32.</summary>
    public Tensor Mean_(Tensor x) => Count == 1 ? x : Sum_(x).Mul_(1.0 / Count);

    /// <summary>x ← sum of x over the ranks; x is contiguous, of float32.</summary>
    public Tensor Sum_(Tensor x)
    {
        if (Count == 1) return x;
        if (x.dtype != ScalarType.Float32 || !x.is_contiguous())
            throw new ArgumentException($"{x} is no contiguous tensor of float32.", nameof(x));
        if (x.device_type == DeviceType.CPU) _mpi!.Sum(AddressOf(x), x.numel());
        else _nccl.Value.SumFloats(AddressOf(x), x.numel());
        return x;
    }

    /// <summary>The rows of all ranks, (Count · N, …) from (N, …), without gradient.</summary>
    public Tensor Gather(Tensor rows)
    {
        if (Count == 1) return rows;
        using var scope = NewDisposeScope();
        var own = rows.detach().contiguous();
        var all = empty([Count * own.size(0), .. own.shape[1..]], own.dtype, own.device);
        long bytes = own.numel() * own.ElementSize;
        if (own.device_type == DeviceType.CPU) _mpi!.Gather(AddressOf(own), AddressOf(all), bytes);
        else _nccl.Value.Gather(AddressOf(own), AddressOf(all), bytes);
        return all.MoveToOuterDisposeScope();
    }

    /// <summary>x ← that of rank 0, of any type and device. Not for every step: a GPU's
    /// goes over the processor.</summary>
    public void Broadcast_(Tensor x)
    {
        if (Count == 1) return;
        using var noGrad = no_grad();
        using var scope = NewDisposeScope();
        var host = x.detach().cpu().contiguous();
        _mpi!.Broadcast(AddressOf(host), host.numel() * host.ElementSize);
        // The processor's own tensor was filled in place.
        if (x.device_type != DeviceType.CPU || !x.is_contiguous()) x.copy_(host);
    }

    /// <summary>Rank 0's numbers, on every rank; all pass as many.</summary>
    public long[] Broadcast(params long[] values)
    {
        if (Count > 1) Pinned(values, address => _mpi!.Broadcast(address, values.Length * sizeof(long)));
        return values;
    }

    /// <summary>Whether it is so on any rank.</summary>
    public bool Any(bool here)
    {
        if (Count == 1) return here;
        float[] votes = [here ? 1 : 0];
        Pinned(votes, address => _mpi!.Sum(address, 1));
        return votes[0] > 0;
    }

    /// <summary>What every rank says, by its number.</summary>
    public string[] Exchange(string text) =>
        Count == 1 ? [text] : Array.ConvertAll(Exchange(Encoding.UTF8.GetBytes(text)), Encoding.UTF8.GetString);

    /// <summary>Does what may fail on one rank alone, such as opening its files: then all
    /// ranks fail, and say why.</summary>
    /// <exception cref="InvalidOperationException">It failed on another rank.</exception>
    public T Together<T>(Func<T> action)
    {
        if (Count == 1) return action();
        var (result, error) = (default(T), default(Exception));
        try
        {
            result = action();
        }
        catch (Exception e)
        {
            error = e;
        }
        var errors = Exchange(error is null ? "" : $"{error.GetType().Name}: {error.Message}");
        if (error is not null) ExceptionDispatchInfo.Throw(error);
        int failed = Array.FindIndex(errors, text => text.Length > 0);
        if (failed < 0) return result!;
        (result as IDisposable)?.Dispose();
        throw new InvalidOperationException($"Rank {failed} of {Count} failed before training: {errors[failed]}");
    }

    /// <summary>
    /// Marks the steps of a run, in the midst of which a rank that ends leaves the others waiting: it does not take
    /// leave, by which the launcher knows and ends them.
    /// </summary>
    public void IsTraining(bool value) => _isTraining = value;

    private byte[][] Exchange(byte[] own)
    {
        var (length, lengths) = (new int[] { own.Length }, new int[Count]);
        Pinned(length, send => Pinned(lengths, receive => _mpi!.Gather(send, receive, sizeof(int))));
        int longest = lengths.Max();
        var (padded, all) = (new byte[longest], new byte[longest * Count]);
        own.CopyTo(padded, 0);
        Pinned(padded, send => Pinned(all, receive => _mpi!.Gather(send, receive, longest)));
        return [.. lengths.Select((bytes, rank) => all.AsSpan(rank * longest, bytes).ToArray())];
    }

    private static Communicator Start()
    {
        if (Launcher.Find(Environment.GetEnvironmentVariable) is not { } launcher) return new(null);
        var mpi = Mpi.Join(launcher);
        var world = new Communicator(mpi);
        if (world.Count == 1) return world;
        AppDomain.CurrentDomain.ProcessExit += (_, _) =>
        {
            if (!world._isTraining) Leave(mpi);
        };
        // Ranks of a host that may run on the same processors share them; a launcher that
        // binds each to its own tells by that.
        string host = Environment.MachineName, processors = $"{host} {AllowedProcessors()}";
        var hosts = world.Exchange(host);
        var shared = world.Exchange(processors);
        var counts = Array.ConvertAll(world.Exchange($"{Environment.ProcessorCount}"), int.Parse);
        world.Processors = Enumerable.Range(0, world.Count)
            .Min(rank => Math.Max(1, counts[rank] / shared.Count(other => other == shared[rank])));
        int hostCount = hosts.Distinct().Count();
        world.Description = $"{world.Count} processes on {hostCount} host{(hostCount == 1 ? "" : "s")}, started by "
            + $"{launcher.Name} ({mpi.Version})";
        TakeGpu(hosts.Take(world.Rank).Count(other => other == host), hosts.Count(other => other == host));
        return world;
    }

    /// <summary>
    /// Takes leave, for which every rank waits for the others. One that failed alone would wait for ever: after a while
    /// it goes without, and the launcher ends those that still wait for it.
    /// </summary>
    private static void Leave(Mpi mpi)
    {
        if (Environment.ExitCode == 0)
        {
            mpi.Leave();
            return;
        }
        var leaving = new Thread(mpi.Leave) { IsBackground = true };
        leaving.Start();
        leaving.Join(OthersFail);
    }

    /// <summary>
    /// Leaves this rank the GPU of its number on the host, before CUDA looks which there are. Whoever let
    /// it see one alone has chosen already.
    /// </summary>
    private static void TakeGpu(int localRank, int localCount)
    {
        const string Variable = "CUDA_VISIBLE_DEVICES";
        var visible = (Environment.GetEnvironmentVariable(Variable) ?? "")
            .Split(',', StringSplitOptions.RemoveEmptyEntries);
        if (!OperatingSystem.IsLinux() || localCount == 1 || visible.Length == 1) return;
        string own = localRank < visible.Length ? visible[localRank] : $"{localRank}";
        Environment.SetEnvironmentVariable(Variable, own);
        // .NET's environment is a copy of the one that CUDA reads.
        _ = SetNativeVariable(Variable, own, 1);
    }

    private static string AllowedProcessors()
    {
        const string Status = "/proc/self/status", Line = "Cpus_allowed_list:";
        return File.Exists(Status)
            ? File.ReadLines(Status).FirstOrDefault(line => line.StartsWith(Line, StringComparison.Ordinal)) ?? "" : "";
    }

    private static void Pinned<T>(T[] values, Action<nint> action)
    {
        var handle = GCHandle.Alloc(values, GCHandleType.Pinned);
        try
        {
            action(handle.AddrOfPinnedObject());
        }
        finally
        {
            handle.Free();
        }
    }

    private static nint AddressOf(Tensor x) => THSTensor_data(x.Handle);

    /// <summary>The first element's address: of TorchSharp's own functions, as its public
    /// ones know some types only.</summary>
    [DllImport("LibTorchSharp")]
    private static extern nint THSTensor_data(nint tensor);

    [DllImport("libc", EntryPoint = "setenv")]
    private static extern int SetNativeVariable(string name, string value, int overwrite);
}
