using System.Globalization;
using TorchSharp;

namespace MLNet.Ssl.Tensors;

/// <summary>The number of threads that libtorch splits an operator over, on the calling thread.</summary>
/// <remarks>
/// Every thread has its own number, and a new one takes over what was set last on any: without a word a result's last
/// bits would depend on the thread that happens to ask for it.
/// </remarks>
internal static class IntraOpThreads
{
    /// <summary>What predictions take: every processor, or as many as <c>OMP_NUM_THREADS</c> allows.</summary>
    public static int ForPredictions { get; } =
        int.TryParse(Environment.GetEnvironmentVariable("OMP_NUM_THREADS"), CultureInfo.InvariantCulture,
        out int allowed) && allowed > 0
            ? Math.Min(allowed, Environment.ProcessorCount)
            : Environment.ProcessorCount;

    /// <summary>Sets the number until the result is disposed, on the same thread.</summary>
    public static IDisposable Use(int count)
    {
        // The first question may still overwrite the number.
        int before = torch.get_num_threads();
        if (before != count) torch.set_num_threads(count);
        return new Scope(before, count);
    }

    private sealed class Scope(int before, int count) : IDisposable
    {
        public void Dispose()
        {
            if (before != count) torch.set_num_threads(before);
        }
    }
}
