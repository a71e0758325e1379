using System.Diagnostics;
using static TorchSharp.torch;

namespace MLNet.Ssl.Benchmarks;

/// <summary>The clock of every side.</summary>
internal static class Timing
{
    /// <summary>Time and processor time of so many steps behind the warm-up, each in a dispose scope.</summary>
    /// <remarks>A step gives its loss, or null; what it was in the first and the last tenth
    /// goes to the error stream.</remarks>
    public static (double Seconds, TimeSpan Processor) Run(int steps, int warmup, Func<double?> step)
    {
        var losses = new List<double>();
        using var process = Process.GetCurrentProcess();
        var stopwatch = new Stopwatch();
        var before = TimeSpan.Zero;
        for (int i = -warmup; i < steps; i++)
        {
            if (i == 0)
            {
                process.Refresh();
                before = process.TotalProcessorTime;
                stopwatch.Start();
            }
            using var scope = NewDisposeScope();
            if (step() is { } loss) losses.Add(loss);
        }
        double seconds = stopwatch.Elapsed.TotalSeconds;
        process.Refresh();
        int tenth = Math.Max(1, losses.Count / 10);
        if (losses.Count > 0) Console.Error.WriteLine(
            $"loss {losses.Take(tenth).Average():0.000} to {losses.TakeLast(tenth).Average():0.000}");
        return (seconds, process.TotalProcessorTime - before);
    }
}
