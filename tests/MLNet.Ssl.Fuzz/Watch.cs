using System.Diagnostics;

namespace MLNet.Ssl.Fuzz;

/// <summary>Watches a <see cref="Feeder"/> from outside: its memory, and its time for a file.</summary>
internal sealed class Watch
{
    /// <summary>Far above what a process takes that reads small files, and below what would harm the machine.</summary>
    private const long MostBytes = 1L << 30;

    /// <summary>Fewer tell nothing, however long the process takes to start and to read them.</summary>
    private const int LeastFiles = 50;

    private static readonly TimeSpan MostTime = TimeSpan.FromSeconds(10), MostStart = TimeSpan.FromSeconds(60),
        Look = TimeSpan.FromMilliseconds(20);

    private readonly Lock _lock = new();
    private readonly Stopwatch _sinceLine = Stopwatch.StartNew();
    private int _seed, _files, _refused;
    private bool _isReading, _hasBegun;
    private TimeSpan _slowest;
    private string? _failure;

    private Watch(int seed) => _seed = seed;

    internal sealed record Result(int Files, int Refused, long PeakBytes, TimeSpan Slowest, string? Failure);

    /// <summary>Feeds a reader from a seed on, until the time (after some files at least) or the files are over, or
    /// something goes wrong; then the file is kept.</summary>
    public static Result Over(Reader reader, int seed, TimeSpan time, int files = int.MaxValue)
    {
        string folder = Directory.CreateTempSubdirectory("mlnet-ssl-fuzz-").FullName;
        try
        {
            return new Watch(seed).Run(reader, folder, time, files);
        }
        finally
        {
            Directory.Delete(folder, recursive: true);
        }
    }

    private Result Run(Reader reader, string folder, TimeSpan time, int files)
    {
        var clock = Stopwatch.StartNew();
        long peak = 0;
        string? failure = null;
        using var process = Start(reader, folder);
        var errors = process.StandardError.ReadToEndAsync();
        process.OutputDataReceived += (_, line) => Take(line.Data);
        process.BeginOutputReadLine();
        while (failure is null)
        {
            bool hasEnded = process.WaitForExit(Look);
            if (!hasEnded) peak = Math.Max(peak, Memory(process));
            else process.WaitForExit();
            lock (_lock)
            {
                failure = _failure;
                if (failure is not null) break;
                if (hasEnded) failure = $"the process ended with {process.ExitCode}: {errors.Result}";
                else if (peak > MostBytes) failure = $"the process takes {peak >> 20} MiB";
                else if (_sinceLine.Elapsed > (_hasBegun ? MostTime : MostStart))
                    failure = $"it takes more than {_sinceLine.Elapsed.TotalSeconds:0} s";
                else if (_files >= files || (_files >= LeastFiles && clock.Elapsed > time && !_isReading)) break;
            }
        }
        if (!process.HasExited) process.Kill();
        process.WaitForExit();
        if (failure is not null) failure = $"seed {_seed}, kept as {Keep(reader, folder)}: {failure}";
        return new(_files, _refused, peak, _slowest, failure);
    }

    private void Take(string? line)
    {
        if (line is null) return;
        lock (_lock)
        {
            string[] parts = line.Split(' ', 2);
            if (_isReading && _sinceLine.Elapsed > _slowest) _slowest = _sinceLine.Elapsed;
            _sinceLine.Restart();
            (_isReading, _hasBegun) = (parts[0] == Feeder.Begin, true);
            if (parts[0] == Feeder.Begin) _seed = int.Parse(parts[1]);
            if (parts[0] is Feeder.Read or Feeder.Refused) _files++;
            if (parts[0] == Feeder.Refused) _refused++;
            if (parts[0] == Feeder.Failed) _failure = parts[1];
        }
    }

    private Process Start(Reader reader, string folder)
    {
        var start = new ProcessStartInfo(Environment.GetEnvironmentVariable("DOTNET_HOST_PATH") ?? "dotnet",
            ["exec", typeof(Watch).Assembly.Location, "read", reader.Name, $"{_seed}", folder])
        {
            RedirectStandardOutput = true,
            RedirectStandardError = true,
            // So that the memory is what the reader holds, not what the collector has put off.
            Environment = { ["DOTNET_GCgen0size"] = "1000000", ["OMP_WAIT_POLICY"] = "PASSIVE" },
        };
        return Process.Start(start)!;
    }

    private static long Memory(Process process)
    {
        try
        {
            process.Refresh();
            return process.WorkingSet64;
        }
        catch (InvalidOperationException)
        {
            return 0;
        }
    }

    private string Keep(Reader reader, string folder)
    {
        string kept = Path.Combine(Directory.CreateDirectory(Path.Combine(Tests.Golden.RepositoryRoot, "artifacts",
            "fuzz")).FullName, $"{reader.Name}-{_seed}-{reader.FileName}");
        if (File.Exists(Path.Combine(folder, reader.FileName)))
            File.Copy(Path.Combine(folder, reader.FileName), kept, overwrite: true);
        return kept;
    }
}
