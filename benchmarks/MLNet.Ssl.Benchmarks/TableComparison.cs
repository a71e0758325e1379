using System.CommandLine;
using System.Text.Json;

namespace MLNet.Ssl.Benchmarks;

/// <summary>Training and embedding of table rows, of this library and of another side by turns.</summary>
internal sealed class TableComparison(int width, int runs, int steps, int threads, OtherSide other)
{
    private const double LossTolerance = 1e-4;

    /// <summary>The subcommands <c>table</c>, and <c>table-run</c>, which it starts.</summary>
    public static IEnumerable<Command> Commands(Option<string> against)
    {
        var width = new Option<int>("--width")
        {
            Description = "narrowest hidden layer: 2048 is the published network",
            DefaultValueFactory = _ => 256
        };
        var runs = new Option<int>("--runs") { Description = "pairs of runs per figure", DefaultValueFactory = _ => 5 };
        var steps = new Option<int>("--steps") { Description = "steps of a run", DefaultValueFactory = _ => 60 };
        var threads = new Option<int>("--threads")
        {
            Description = "processor threads of either side",
            DefaultValueFactory = _ => Math.Min(2, Environment.ProcessorCount)
        };
        var python = new Option<string>("--python")
        {
            Description = "an interpreter that has torch",
            DefaultValueFactory = _ => "/usr/bin/python3"
        };
        var table = new Command("table",
            "MoCo with i-Mix on rows like CovType's, of this library and of another side by turns.")
        {
            width, runs, steps, threads, against, python,
        };
        table.SetAction(parsed => new TableComparison(parsed.GetValue(width), parsed.GetValue(runs),
            parsed.GetValue(steps), parsed.GetValue(threads),
            parsed.GetValue(against) == OtherSide.Plain
                ? OtherSide.PlainLoop("plain-table-run")
                : OtherSide.PyTorch(parsed.GetValue(python)!, "pytorch_table_twin.py")).Run() ? 0 : 1);
        yield return table;

        var mode = new Argument<string>("mode");
        var warmup = new Option<int>("--warmup") { DefaultValueFactory = _ => 3 };
        var file = new Option<string>("--file") { DefaultValueFactory = _ => "losses.safetensors" };
        var run = new Command("table-run",
            "One run of this side: step, end-to-end, products, forward, cursor or losses.")
        {
            mode, width, steps, warmup, threads, file,
        };
        run.SetAction(parsed =>
        {
            var (w, s, before, t) =
                (parsed.GetValue(width), parsed.GetValue(steps), parsed.GetValue(warmup), parsed.GetValue(threads));
            Console.WriteLine(parsed.GetValue(mode) switch
            {
                "losses" => JsonSerializer.Serialize(TableSide.FirstLosses(w, parsed.GetValue(file)!, t)),
                "step" or "end-to-end" =>
                    JsonSerializer.Serialize(TableSide.Train(w, parsed.GetValue(mode) == "end-to-end", s, before, t)),
                "products" => JsonSerializer.Serialize(TableSide.Products(w, s, before, t)),
                "forward" or "cursor" =>
                    JsonSerializer.Serialize(TableSide.Embed(w, parsed.GetValue(mode) == "cursor", s, before, t)),
                var other => throw new ArgumentException(
                    $"there is no mode '{other}'; expected step, end-to-end, products, forward, cursor or losses"),
            });
        });
        yield return run;
    }

    /// <summary>False if the two sides do not compute the same.</summary>
    public bool Run()
    {
        string file = Path.GetTempFileName();
        double[] own, twin;
        try
        {
            own = ChildProcess.Own<Losses>(["table-run", "losses", "--file", file, .. Size], threads).losses;
            twin = ChildProcess.Run<Losses>(other.Program, [.. other.Arguments, "losses", file, .. Size], threads)
                .losses;
        }
        finally
        {
            File.Delete(file);
        }
        double difference = own.Zip(twin, (a, b) => Math.Abs(a - b)).Max();
        Console.WriteLine($"Width {width}, batch 512, {threads} threads, {runs} alternating pairs of {steps} steps, "
            + $"{DateTime.UtcNow:yyyy-MM-dd}; the first 10 losses differ by at most {difference:0.0e+0}");
        Console.WriteLine(
            "\n| | other, rows/s: median (min–max) | here | ratio | ratio of processor time |\n|---|---|---|---|---|");
        Compare($"training step / {other.Name}'s", () => Other("step"), () => Here("step"));
        Compare("training step / its matrix products alone", () => Here("products"), () => Here("step"));
        // The loader's workers share the processor with training: take the number that suits the other side best.
        int workers = Enumerable.Range(0, other.Name == OtherSide.PyTorchName ? 3 : 1)
            .MaxBy(w => Other("end-to-end", w).rows_per_second);
        Compare($"end to end / {other.Name}'s, {workers} workers", () => Other("end-to-end", workers), () =>
            Here("end-to-end"));
        Compare($"embedding by a cursor / {other.Name}'s forward pass", () => Other("embed"), () => Here("cursor"));
        Compare("embedding by a cursor / the bare forward pass here", () => Here("forward"), () => Here("cursor"));
        return difference <= LossTolerance;
    }

    private string[] Size => ["--width", $"{width}", "--threads", $"{threads}"];

    private TableMeasurement Here(string mode) => ChildProcess.Own<TableMeasurement>(
        ["table-run", mode, "--steps", $"{steps}", .. Size], threads);

    private TableMeasurement Other(string mode, int workers = 0) =>
        ChildProcess.Run<TableMeasurement>(other.Program,
            [.. other.Arguments, mode, "--steps", $"{steps}", "--workers", $"{workers}", .. Size], threads);

    private void Compare(string name, Func<TableMeasurement> other, Func<TableMeasurement> here)
    {
        var pairs = Enumerable.Range(0, runs).Select(_ => (Other: other(), Here: here())).ToList();
        Console.WriteLine($"| {name} | {Comparison.Spread(pairs.Select(p => p.Other.rows_per_second), "0")} | "
            + $"{Comparison.Spread(pairs.Select(p => p.Here.rows_per_second), "0")} | "
            + $"**{Comparison.Spread(pairs.Select(p => p.Here.rows_per_second / p.Other.rows_per_second), "0.00")}** | "
            + $"{Comparison.Spread(pairs.Select(p => p.Other.cpu_us_per_row / p.Here.cpu_us_per_row), "0.00")} |");
    }
}
