using MLNet.Ssl.Distributed;

namespace MLNet.Ssl;

/// <summary>The processes that train one network together, each started by mpirun, srun or an MPIJob with
/// the same program and data.</summary>
/// <remarks>
/// A program that was started alone is a world of its own, of size 1. Every process calls the same <c>Fit</c> with the
/// same options and reads the same rows; a step's batch is split between them, and all of them get the same encoder.
/// Rank 0 alone logs, reports and writes checkpoints; what the program itself writes is for rank 0 too.
/// </remarks>
/// <example><code>
/// var model = pipeline.Fit(images);
/// if (World.Rank == 0) ssl.Model.Save(model, images.Schema, "model.mlssl");
/// </code></example>
public static class World
{
    /// <summary>This process's number, from 0.</summary>
    /// <exception cref="InvalidOperationException">A launcher started several processes, but they cannot find each
    /// other: no library of MPI is there, or one of another kind than the launcher's.</exception>
    public static int Rank => Communicator.Current.Rank;

    /// <summary>How many processes there are, 1 and up.</summary>
    /// <exception cref="InvalidOperationException">As of <see cref="Rank"/>.</exception>
    public static int Size => Communicator.Current.Count;
}
