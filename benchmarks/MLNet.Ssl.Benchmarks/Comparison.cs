using System.Globalization;
using System.Text;

namespace MLNet.Ssl.Benchmarks;

/// <summary>Runs both sides by turns, each run a process of its own, and writes down how they compare.</summary>
/// <remarks>A machine's speed drifts: the ratio is taken pair by pair, of runs that follow each other.</remarks>
internal sealed class Comparison(int runs, double seconds, int threads, string device, OtherSide? other, string? data)
{
    private const double LossTolerance = 1e-4;

    private static readonly string[] Modes = ["step", "end-to-end"];

    private readonly StringBuilder _markdown = new();

    /// <summary>False if the two sides do not compute the same, so that their speeds mean nothing.</summary>
    public bool Run(IEnumerable<BenchmarkCase> cases, string reportPath)
    {
        bool agree = true;
        var rows = new List<string>();
        Say($"{threads} threads, batch {BenchmarkCase.Batch}, {device}, OMP_WAIT_POLICY=PASSIVE, "
            + $"{(data is null ? "noise images" : "CIFAR-10 images")}, {runs} alternating pairs of about {seconds:0} "
            + $"s, {Environment.ProcessorCount} processors, {DateTime.UtcNow:yyyy-MM-dd}");
        Say("");
        foreach (var benchmark in cases)
        {
            if (other is not null)
            {
                double difference = LossDifference(benchmark);
                agree &= difference <= LossTolerance;
                Say($"{benchmark.Name}: the first 10 losses differ by at most {difference:0.0e+0} "
                    + $"({(difference <= LossTolerance ? "agree" : $"DISAGREE, expected {LossTolerance:0.0e+0}")})");
            }
            foreach (string mode in Modes) rows.Add(Compare(benchmark, mode));
        }
        Say("");
        Say($"| case | mode | {other?.Name ?? "other side"}, images/s: median (min–max) | here | ratio | peak memory, "
            + "MiB: there | here |");
        Say("|---|---|---|---|---|---|---|");
        foreach (string row in rows) Say(row);
        Say("");
        if (other?.Name == OtherSide.PyTorchName) Say("PyTorch's memory is the training process's alone; its loader's "
            + "worker processes come on top in the end-to-end runs.");
        Directory.CreateDirectory(Path.GetDirectoryName(Path.GetFullPath(reportPath))!);
        File.WriteAllText(reportPath, _markdown.ToString());
        return agree;
    }

    private string Compare(BenchmarkCase benchmark, string mode)
    {
        // The loader's workers share the processor with training: take the number that suits the other side best.
        int workers = other is null || mode == "step" ? 1
            : new[] { 1, 2 }.MaxBy(w => Twin(benchmark, mode, StepsFor(benchmark, mode, w), w).images_per_second);
        int steps = StepsFor(benchmark, mode, workers);
        var pairs = new List<(Measurement? Twin, Measurement Own)>();
        for (int i = 0; i < runs; i++)
        {
            pairs.Add((other is null ? null : Twin(benchmark, mode, steps, workers), Own(benchmark, mode, steps)));
            var (twin, own) = pairs[^1];
            Console.Error.WriteLine($"  {benchmark.Name} {mode} {i + 1}/{runs}: {other?.Name} "
                + $"{twin?.images_per_second:0.0}, here {own.images_per_second:0.0} images/s");
        }
        string ours = Spread(pairs.Select(p => p.Own.images_per_second), "0.0"),
            ourMemory = $"{pairs.Max(p => p.Own.peak_mib):0}";
        if (other is null) return $"| {benchmark.Name} | {mode} | – | {ours} | – | – | {ourMemory} |";
        string label = mode == "step" ? mode : $"{mode}, {workers} worker{(workers == 1 ? "" : "s")}";
        return $"| {benchmark.Name} | {label} | {Spread(pairs.Select(p => p.Twin!.images_per_second), "0.0")} | {ours} "
            + "| "
            + $"**{Spread(pairs.Select(p => p.Own.images_per_second / p.Twin!.images_per_second), "0.00")}** | "
            + $"{pairs.Max(p => p.Twin!.peak_mib):0} | {ourMemory} |";
    }

    private readonly Dictionary<(string, string), int> _steps = [];

    /// <summary>As many steps as the slower side does in the given time; both sides then do that many.</summary>
    private int StepsFor(BenchmarkCase benchmark, string mode, int workers)
    {
        if (_steps.TryGetValue((benchmark.Name, mode), out int steps)) return steps;
        double rate = Own(benchmark, mode, 2).images_per_second;
        if (other is not null) rate = Math.Min(rate, Twin(benchmark, mode, 2, workers).images_per_second);
        return _steps[(benchmark.Name, mode)] = Math.Max(3, (int)(seconds * rate / BenchmarkCase.Batch));
    }

    private double LossDifference(BenchmarkCase benchmark)
    {
        string file = Path.GetTempFileName();
        try
        {
            var own = ChildProcess.Own<Losses>(["run", "losses", .. OwnArguments(benchmark), "--file", file], threads)
                .losses;
            var twin = ChildProcess.Run<Losses>(other!.Program,
                [.. other.Arguments, "losses", file, "--threads", $"{threads}", "--device", device], threads).losses;
            return own.Zip(twin, (a, b) => Math.Abs(a - b)).Max();
        }
        finally
        {
            File.Delete(file);
        }
    }

    private Measurement Own(BenchmarkCase benchmark, string mode, int steps) =>
        ChildProcess.Own<Measurement>(["run", mode, .. OwnArguments(benchmark), "--steps", $"{steps}"], threads);

    private string[] OwnArguments(BenchmarkCase benchmark) =>
        ["--case", benchmark.Name, "--threads", $"{threads}", "--device", device, .. DataArgument];

    private Measurement Twin(BenchmarkCase benchmark, string mode, int steps, int workers) =>
        ChildProcess.Run<Measurement>(other!.Program,
        [.. other.Arguments, mode, "--case", benchmark.Name, "--steps", $"{steps}", "--threads", $"{threads}",
            "--workers", $"{workers}", "--device", device, .. DataArgument], threads);

    private string[] DataArgument => data is null ? [] : ["--data", data];

    private void Say(string line)
    {
        Console.WriteLine(line);
        _markdown.AppendLine(line);
    }

    internal static string Spread(IEnumerable<double> values, string format)
    {
        double[] sorted = [.. values.Order()];
        double median = (sorted[(sorted.Length - 1) / 2] + sorted[sorted.Length / 2]) / 2;
        string Text(double value) => value.ToString(format, CultureInfo.InvariantCulture);
        return $"{Text(median)} ({Text(sorted[0])}–{Text(sorted[^1])})";
    }
}
