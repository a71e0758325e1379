using System.CommandLine;
using System.Text.Json;

namespace MLNet.Ssl.Benchmarks;

/// <summary>The commands <c>results</c>, which makes the table, and <c>result</c>, which
/// it starts for every run.</summary>
internal static class ResultsCommands
{
    private static readonly Option<int> Images = AtLeast("--images", "training images", 10_000, ResultCase.Batch);
    private static readonly Option<int> Epochs = AtLeast("--epochs", "passes over them", 15, 1);
    private static readonly Option<int> Threads =
        AtLeast("--threads", "processor threads", Math.Min(2, Environment.ProcessorCount), 1);
    private static readonly Option<string?> Train =
        new("--train") { Description = "a CIFAR-10 binary file", DefaultValueFactory = _ => Cifar10File.Find() };
    private static readonly Option<string?> Test =
        new("--test") { Description = "one to measure on", DefaultValueFactory = _ => Cifar10File.FindTest() };

    public static Command Results()
    {
        var set = new Argument<string>("set") { Description = "cifar10" };
        set.AcceptOnlyFromAmong("cifar10");
        var only = new Option<string[]>("--only")
        {
            Description = "rows whose name begins so, say \"BYOL\"",
            DefaultValueFactory = _ => [],
            AllowMultipleArgumentsPerToken = true
        };
        var seeds = AtLeast("--seeds", "runs per row", 1, 1);
        var rows = new Option<string>("--rows")
        {
            Description = "where finished runs are kept",
            DefaultValueFactory = _ => "artifacts/results/cifar10.jsonl"
        };
        var report = new Option<string>("--report")
        {
            Description = "where the table goes",
            DefaultValueFactory = _ => "artifacts/results/cifar10.md"
        };
        var command = new Command("results",
            "Accuracy of every method, alone and mixed, on frozen features; finished runs are not run again.")
        {
            set, Images, Epochs, seeds, only, Threads, Train, Test, rows, report,
        };
        command.SetAction(parsed =>
        {
            foreach (var c in ResultCase.All)
                c.Validate(parsed.GetValue(Images), parsed.GetValue(Epochs), parsed.GetValue(Threads));
            string[] names = parsed.GetValue(only)!;
            var cases = ResultCase.All.Where(c =>
                names.Length == 0 || names.Any(n => c.Name.StartsWith(n, StringComparison.OrdinalIgnoreCase))).ToList();
            if (cases.Count == 0) return Fail($"--only {string.Join(' ', names)} fits no row; there are: "
                + $"{string.Join("; ", ResultCase.All.Select(c => c.Name))}");
            foreach (string? file in new[] { parsed.GetValue(Train), parsed.GetValue(Test) })
                if (!File.Exists(file)) return Fail(file is null ? "there is no CIFAR-10: set MLNETSSL_DATA, or give "
                    + "--train and --test" : $"there is no file {file}");
            new ResultsTable(parsed.GetValue(Train)!, parsed.GetValue(Test)!, parsed.GetValue(Images),
                parsed.GetValue(Epochs), parsed.GetValue(seeds), parsed.GetValue(Threads), parsed.GetValue(rows)!)
                .Run(cases, parsed.GetValue(report)!);
            return 0;
        });
        return command;
    }

    public static Command Result()
    {
        var name = new Option<string>("--case") { Required = true };
        var seed = new Option<int>("--seed") { DefaultValueFactory = _ => 1 };
        var device = new Option<string>("--device") { Description = "cpu or cuda", DefaultValueFactory = _ => "cpu" };
        var command = new Command("result", "One run of a row in this process.") { name, Images, Epochs, seed, Threads,
            Train, Test, device };
        command.SetAction(parsed => Console.WriteLine(JsonSerializer.Serialize(ResultRun.Run(
            ResultCase.Named(parsed.GetValue(name)!), parsed.GetValue(Train)!, parsed.GetValue(Test)!,
            parsed.GetValue(Images), parsed.GetValue(Epochs), parsed.GetValue(seed), parsed.GetValue(Threads),
            TorchSharp.torch.device(parsed.GetValue(device)!)))));
        return command;
    }

    private static Option<int> AtLeast(string name, string description, int usual, int least)
    {
        var option = new Option<int>(name) { Description = description, DefaultValueFactory = _ => usual };
        option.Validators.Add(result =>
        {
            if (result.GetValueOrDefault<int>() < least) result.AddError($"{name} must be {least} or more.");
        });
        return option;
    }

    private static int Fail(string message)
    {
        Console.Error.WriteLine(message);
        return 1;
    }
}
