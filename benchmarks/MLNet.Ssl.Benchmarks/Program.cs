using System.CommandLine;
using System.Diagnostics;
using System.Text.Json;
using MLNet.Ssl;
using MLNet.Ssl.Benchmarks;
using MLNet.Ssl.Benchmarks.Gpu;
using MLNet.Ssl.Benchmarks.Plain;
using MLNet.Ssl.Benchmarks.Tables;
using TorchSharp;

var cases = new Option<string[]>("--case")
{
    Description = "cases to run",
    DefaultValueFactory = _ => [.. BenchmarkCase.All.Select(c => c.Name)],
    AllowMultipleArgumentsPerToken = true
};
var runs = new Option<int>("--runs") { Description = "pairs of runs per figure", DefaultValueFactory = _ => 5 };
var seconds = new Option<double>("--seconds") { Description = "length of a run", DefaultValueFactory = _ => 20 };
var threads = new Option<int>("--threads")
{
    Description = "processor threads of either side",
    DefaultValueFactory = _ => Math.Min(2, Environment.ProcessorCount)
};
var device = new Option<string>("--device") { Description = "cpu or cuda", DefaultValueFactory = _ => "cpu" };
var data = new Option<string?>("--data")
{
    Description = "a CIFAR-10 binary file",
    DefaultValueFactory = _ => Cifar10File.Find()
};
var python = new Option<string>("--python")
{
    Description = "an interpreter that has torch and torchvision",
    DefaultValueFactory = _ => "/usr/bin/python3"
};
var against = new Option<string>("--against")
{
    Description = "the other side: pytorch, or plain, a loop in TorchSharp without this library",
    DefaultValueFactory = _ => "pytorch"
};
against.AcceptOnlyFromAmong("pytorch", OtherSide.Plain);
var report = new Option<string>("--report")
{
    Description = "where the table goes",
    DefaultValueFactory = _ => "artifacts/bench.md"
};

var root = new RootCommand("Training speed of this library and of PyTorch or a plain loop in TorchSharp, by turns.")
{
    cases, runs, seconds, threads, device, data, against, python, report,
};
root.SetAction(parsed =>
{
    string interpreter = parsed.GetValue(python)!;
    var other = parsed.GetValue(against) == OtherSide.Plain ? OtherSide.PlainLoop("plain-run")
        : OtherSide.PyTorch(interpreter, "pytorch_twin.py");
    if (parsed.GetValue(against) != OtherSide.Plain && !Has(interpreter, "torch, torchvision"))
    {
        Console.Error.WriteLine(
            $"{interpreter} has no torch and torchvision, so only this side is timed; --against plain needs neither");
        other = null;
    }
    var comparison = new Comparison(parsed.GetValue(runs), parsed.GetValue(seconds), parsed.GetValue(threads),
        parsed.GetValue(device)!, other, parsed.GetValue(data));
    return comparison.Run([.. parsed.GetValue(cases)!.Select(BenchmarkCase.Named)], parsed.GetValue(report)!) ? 0 : 1;
});

// One run of this side in a process of its own; the comparison starts these.
var mode = new Argument<string>("mode");
var one = new Option<string>("--case") { Required = true };
var steps = new Option<int>("--steps") { DefaultValueFactory = _ => 20 };
var warmup = new Option<int>("--warmup") { DefaultValueFactory = _ => 3 };
var file = new Option<string>("--file") { DefaultValueFactory = _ => "losses.safetensors" };
var run = new Command("run", "One run of this side: step, end-to-end or losses.") { mode, one, steps, warmup, file,
    threads, device, data };
run.SetAction(parsed =>
{
    var benchmark = BenchmarkCase.Named(parsed.GetValue(one)!);
    var on = torch.device(parsed.GetValue(device)!);
    string result = parsed.GetValue(mode) switch
    {
        "losses" => JsonSerializer.Serialize(OwnSide.FirstLosses(benchmark, parsed.GetValue(file)!,
            parsed.GetValue(threads), parsed.GetValue(data), on)),
        "step" or "end-to-end" => JsonSerializer.Serialize(OwnSide.Measure(
            benchmark, parsed.GetValue(mode) == "end-to-end", parsed.GetValue(steps), parsed.GetValue(warmup),
            parsed.GetValue(threads), parsed.GetValue(data), on)),
        var other => throw new ArgumentException($"there is no mode '{other}'; expected step, end-to-end or losses"),
    };
    if (World.Rank == 0) Console.WriteLine(result);
});
root.Subcommands.Add(run);
root.Subcommands.Add(RanksComparison.Command(cases, runs, seconds, data));
root.Subcommands.Add(GpuSide.Command());
root.Subcommands.Add(LearnRun.Command());
root.Subcommands.Add(EmbeddingPrecision.Command());
root.Subcommands.Add(PlainSide.Command());
root.Subcommands.Add(PlainTableSide.Command());

// The nearest-neighbour classifier, against scikit-learn.
var bank = new Option<int>("--bank") { Description = "training rows", DefaultValueFactory = _ => 100_000 };
var queries = new Option<int>("--queries") { Description = "rows to classify", DefaultValueFactory = _ => 10_000 };
var width = new Option<int>("--width") { Description = "floats of a row", DefaultValueFactory = _ => 384 };
var neighbors = new Option<int>("--k") { Description = "neighbours", DefaultValueFactory = _ => 20 };
var knn = new Command("knn", "Weighted kNN of this library and of scikit-learn, by turns on the same features.") { bank,
    queries, width, neighbors, runs, threads, python };
knn.SetAction(parsed =>
{
    string? interpreter = parsed.GetValue(python);
    if (!Has(interpreter!, "sklearn"))
    {
        Console.Error.WriteLine($"{interpreter} has no sklearn, so only this side is timed; for both: sudo apt-get "
            + "install -y python3-sklearn");
        interpreter = null;
    }
    return new KnnComparison(parsed.GetValue(bank), parsed.GetValue(queries), parsed.GetValue(width),
        parsed.GetValue(neighbors),
        parsed.GetValue(runs), parsed.GetValue(threads), interpreter).Run() ? 0 : 1;
});
root.Subcommands.Add(knn);
var folder = new Argument<string>("folder");
var knnRun = new Command("knn-run", "One run of this side's kNN; knn starts it.") { folder, neighbors, threads };
knnRun.SetAction(parsed =>
    Console.WriteLine(JsonSerializer.Serialize(
        KnnComparison.Measure(parsed.GetValue(folder)!, parsed.GetValue(neighbors), parsed.GetValue(threads)))));
root.Subcommands.Add(knnRun);
root.Subcommands.Add(ResultsCommands.Results());
root.Subcommands.Add(ResultsCommands.Result());
foreach (var table in TableComparison.Commands(against)) root.Subcommands.Add(table);
root.Subcommands.Add(CovTypeResults.Command());
root.Subcommands.Add(ServingLatency.Command());
foreach (var images in ImageLoading.Commands()) root.Subcommands.Add(images);
root.Subcommands.Add(Extractors.Speed());
root.Subcommands.Add(Extractors.Load());
root.Subcommands.Add(Extractors.LoadRun());
root.Subcommands.Add(TableResults.Command());
root.Subcommands.Add(TableMemory.Command());
return root.Parse(args).Invoke();

static bool Has(string python, string modules)
{
    if (!File.Exists(python)) return false;
    using var process =
        Process.Start(new ProcessStartInfo(python, ["-c", $"import {modules}"]) { RedirectStandardError = true })!;
    process.WaitForExit();
    return process.ExitCode == 0;
}
