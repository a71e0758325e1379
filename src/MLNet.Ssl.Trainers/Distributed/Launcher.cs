using System.Globalization;

namespace MLNet.Ssl.Distributed;

/// <summary>Who started this process as one of several, by the environment that it left.</summary>
/// <param name="Name">What the log calls it.</param>
/// <param name="Size">Number of processes; null where MPI alone knows.</param>
/// <param name="Libraries">Names of the MPI libraries that can join it, the likeliest first.</param>
internal sealed record Launcher(string Name, int? Size, IReadOnlyList<string> Libraries)
{
    /// <summary>Names a library of MPI in the place of the usual ones.</summary>
    public const string LibraryVariable = "MLNETSSL_MPI_LIBRARY";

    private static readonly string[] OpenMpi = ["libmpi.so.40", "libmpi.40.dylib"];
    private static readonly string[] Mpich = ["libmpich.so.12", "libmpi.so.12", "libmpi.12.dylib"];
    private static readonly string[] StandardAbi =
        ["libmpi_abi.so.1", "libmpi_abi.so.0", "libmpi_abi.so", "libmpi_abi.dylib"];

    /// <summary>The launcher of several processes; null for a process that was started alone.</summary>
    /// <param name="environment">A variable by its name; null or empty where it is not set.</param>
    /// <exception cref="InvalidOperationException">There are several processes, and the launcher
    /// gives them no way to meet.</exception>
    public static Launcher? Find(Func<string, string?> environment)
    {
        int? Number(string name) =>
            int.TryParse(environment(name), CultureInfo.InvariantCulture, out int value) ? value : null;
        string[] Libraries(params IEnumerable<string> usual) =>
            environment(LibraryVariable) is { Length: > 0 } path ? [path] : [.. usual];

        bool slurm = Number("SLURM_STEP_NUM_TASKS") > 1;
        if (Number("OMPI_COMM_WORLD_SIZE") is { } ranks)
            return ranks > 1 ? new("mpirun", ranks, Libraries([.. OpenMpi, .. StandardAbi])) : null;
        if (Number("PMI_SIZE") is { } tasks)
            return tasks > 1 ? new(slurm ? "srun"
                : "mpiexec", tasks, Libraries([.. Mpich, .. StandardAbi, .. slurm ? OpenMpi : []])) : null;
        if (Number("PMIX_RANK") is not null)
            return new(slurm ? "srun"
                : "PMIx", Number("SLURM_STEP_NUM_TASKS"), Libraries([.. OpenMpi, .. StandardAbi, .. Mpich]));
        if (slurm)
        {
            throw new InvalidOperationException(
                $"srun started {Number("SLURM_STEP_NUM_TASKS")} tasks without MPI: start them by srun --mpi=pmix (srun "
                + "--mpi=list shows what there is).");
        }
        if (Number("WORLD_SIZE") > 1)
        {
            throw new InvalidOperationException($"WORLD_SIZE is {Number("WORLD_SIZE")}, as torchrun sets it; processes "
                + "of this library meet through MPI: start them by mpirun, srun --mpi=pmix or an MPIJob.");
        }
        return null;
    }
}
