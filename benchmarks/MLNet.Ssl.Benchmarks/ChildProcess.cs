using System.Diagnostics;
using System.Globalization;
using System.Text.Json;

namespace MLNet.Ssl.Benchmarks;

/// <summary>Runs a measurement in a process of its own, so that peaks of memory and
/// states of libtorch do not mix.</summary>
internal static class ChildProcess
{
    /// <summary>What a run of this program prints last, read as JSON: an object without others in it.</summary>
    public static T Own<T>(IEnumerable<string> arguments, int threads) =>
        Run<T>(Environment.ProcessPath!, arguments, threads);

    /// <summary>What <paramref name="program"/> prints last, read as JSON: an object without others in it.</summary>
    /// <exception cref="InvalidOperationException">It ended with an error.</exception>
    public static T Run<T>(string program, IEnumerable<string> arguments, int threads)
    {
        var start = new ProcessStartInfo(program, arguments) { RedirectStandardOutput = true };
        start.Environment["OMP_WAIT_POLICY"] = "PASSIVE";
        start.Environment["OMP_NUM_THREADS"] = $"{threads}";
        // Open MPI starts nothing as root otherwise, as which containers run.
        start.Environment["OMPI_ALLOW_RUN_AS_ROOT"] = start.Environment["OMPI_ALLOW_RUN_AS_ROOT_CONFIRM"] = "1";
        using var process = Process.Start(start)!;
        string output = process.StandardOutput.ReadToEnd();
        process.WaitForExit();
        if (process.ExitCode != 0) throw new InvalidOperationException(
            $"{Path.GetFileName(program)} {string.Join(' ', arguments)} ended with {process.ExitCode}");
        // mpirun gives a terminal, to which .NET says more than what is written.
        return JsonSerializer.Deserialize<T>(output[output.LastIndexOf('{')..(output.LastIndexOf('}') + 1)])!;
    }

    /// <summary>Peak resident memory of this process in MiB; Linux keeps it.</summary>
    public static double PeakMemory() => File.Exists("/proc/self/status")
        ? Memory("VmHWM")
        : Process.GetCurrentProcess().PeakWorkingSet64 / 1048576.0;

    /// <summary>What Linux says of this process's memory in a line of its status, in MiB.</summary>
    public static double Memory(string line) =>
        double.Parse(File.ReadLines("/proc/self/status").First(l => l.StartsWith(line, StringComparison.Ordinal))
            .Split(' ', StringSplitOptions.RemoveEmptyEntries)[1], CultureInfo.InvariantCulture) / 1024;
}
