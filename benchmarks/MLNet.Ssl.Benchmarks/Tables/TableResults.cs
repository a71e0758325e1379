using System.CommandLine;
using System.Diagnostics;
using System.Text.Json;
using static TorchSharp.torch;

namespace MLNet.Ssl.Benchmarks.Tables;

/// <summary>One figure: what a classifier on some features reaches with some labels.</summary>
internal sealed record TableResult(
    string data, string method, int epochs, int pool, int seed, string features, string classifier, double share,
    int draw, int labels,
    double accuracy, double macro_f1, double seconds);

/// <summary>Few labels: raw features, embeddings, and both, under linear, kNN and boosted trees.</summary>
internal sealed class TableResults(TableData data, string record, int epochs, int seed, int threads, double[] shares,
    int draws, string[] classifiers)
{
    private const string Raw = "raw", Embedding = "embedding", Both = "both";

    private readonly List<TableResult> _done = [];

    /// <summary>The subcommand <c>few-labels</c>.</summary>
    public static Command Command()
    {
        var set =
            new Option<string>("--set") { Description = "covtype or adult", DefaultValueFactory = _ => "covtype" };
        var folder = new Option<string>("--data")
        {
            Description = "folder of data sets",
            DefaultValueFactory = _ => Environment.GetEnvironmentVariable("MLNETSSL_DATA") ?? "."
        };
        var record = new Option<string>("--record")
        {
            Description = "where figures are kept; what is there is not measured again",
            DefaultValueFactory = _ => "artifacts/few-labels.jsonl"
        };
        var epochs =
            new Option<int>("--epochs") { Description = "passes over the rows", DefaultValueFactory = _ => 60 };
        var seed = new Option<int>("--seed") { Description = "seed of pretraining", DefaultValueFactory = _ => 1 };
        var draws = new Option<int>("--draws") { Description = "draws of the labels", DefaultValueFactory = _ => 5 };
        var threads = new Option<int>("--threads")
        {
            Description = "processor threads",
            DefaultValueFactory = _ => Math.Min(2, Environment.ProcessorCount)
        };
        var shares = new Option<double[]>("--shares")
        {
            Description = "shares of the labels",
            DefaultValueFactory = _ => [0.001, 0.01, 0.1, 1],
            AllowMultipleArgumentsPerToken = true
        };
        var methods = new Option<string[]>("--methods")
        {
            Description = "methods to run",
            DefaultValueFactory = _ =>
            [TableMethods.Raw, TableMethods.RawByQuantiles, .. TableMethods.All.Keys],
            AllowMultipleArgumentsPerToken = true
        };
        var classifiers = new Option<string[]>("--classifiers")
        {
            Description = "classifiers",
            DefaultValueFactory = _ => TableClassifiers.All,
            AllowMultipleArgumentsPerToken = true
        };
        var test =
            new Option<int>("--test-rows") { Description = "test rows, at most", DefaultValueFactory = _ => 20_000 };
        var unlabelled = new Option<int>("--unlabelled")
        {
            Description = "further rows without classes, at most",
            DefaultValueFactory = _ => 0
        };
        var train = new Option<int>("--train-rows")
        {
            Description = "training rows, at most",
            DefaultValueFactory = _ => int.MaxValue
        };
        var command = new Command("few-labels", "Accuracy with few labels on raw features, embeddings and both.")
        {
            set, folder, record, epochs, seed, draws, threads, shares, methods, classifiers, test, unlabelled, train,
        };
        command.SetAction(parsed =>
        {
            var data = TableData.Read(parsed.GetValue(set)!, parsed.GetValue(folder)!, parsed.GetValue(test),
                parsed.GetValue(unlabelled)).Part(parsed.GetValue(train));
            new TableResults(data, parsed.GetValue(record)!, parsed.GetValue(epochs), parsed.GetValue(seed),
                parsed.GetValue(threads),
                parsed.GetValue(shares)!, parsed.GetValue(draws), parsed.GetValue(classifiers)!)
                    .Run(parsed.GetValue(methods)!);
            return 0;
        });
        return command;
    }

    public void Run(string[] methods)
    {
        Directory.CreateDirectory(Path.GetDirectoryName(Path.GetFullPath(record))!);
        if (File.Exists(record))
            _done.AddRange(File.ReadLines(record).Select(line => JsonSerializer.Deserialize<TableResult>(line)!));
        foreach (string method in methods) Run(method);
        Print(methods);
    }

    private void Run(string method)
    {
        string[] kinds = TableMethods.IsRaw(method) ? [Raw] : [Embedding, Both];
        var missing = (from features in kinds
                       from share in shares
                       from classifier in classifiers
                       where !Done(method, features, classifier, share).Any()
                       select (features, share, classifier)).ToList();
        if (missing.Count == 0) return;
        var rows = new Dictionary<string, (float[][] Train, float[][] Test)>
        {
            [Raw] = Values(TableMethods.TakesQuantiles(method)),
        };
        var clock = Stopwatch.StartNew();
        if (!TableMethods.IsRaw(method))
        {
            rows[Embedding] = Embed(TableMethods.All[method]);
            rows[Both] = (Join(rows[Raw].Train, rows[Embedding].Train), Join(rows[Raw].Test, rows[Embedding].Test));
        }
        double seconds = clock.Elapsed.TotalSeconds;
        foreach (var (features, share, classifier) in missing)
            Evaluate(method, features, share, classifier, rows[features], seconds);
    }

    private IEnumerable<TableResult> Done(string method, string features, string classifier, double share) =>
        _done.Where(r =>
        (r.data, r.method, r.features, r.classifier, r.share, r.epochs, r.pool, r.seed)
        == (data.Name, method, features, classifier, share, TableMethods.IsRaw(method) ? 0
            : epochs, data.Pool.Length, seed));

    private void Evaluate(
        string method, string features, double share, string classifier, (float[][] Train, float[][] Test) rows,
        double seconds)
    {
        var measure = new TableClassifiers(data.Classes);
        var results = new List<TableResult>();
        for (int draw = 1; draw <= (share < 1 ? draws : 1); draw++)
        {
            int[] known = data.Draw(share, draw);
            var score = measure.Measure(classifier, known.Select(i => (rows.Train[i], data.TrainLabels[i])),
                rows.Test.Zip(data.TestLabels));
            results.Add(new(data.Name, method, TableMethods.IsRaw(method) ? 0
                : epochs, data.Pool.Length, seed, features, classifier, share, draw,
                known.Length, score.Accuracy, score.MacroF1, seconds));
        }
        _done.AddRange(results);
        File.AppendAllLines(record, results.Select(r => JsonSerializer.Serialize(r)));
        Console.Error.WriteLine(FormattableString.Invariant(
            $"{method}, {features}, {classifier}, {share:p1}: {results.Average(r => r.accuracy):0.000}"));
    }

    /// <summary>Accuracy and macro F1, the mean over the draws.</summary>
    private void Print(string[] methods)
    {
        Console.WriteLine($"| {data.Name} | | "
            + $"{string.Join(" | ", shares.Select(s => FormattableString.Invariant($"{s:p1} of the labels")))} |");
        Console.WriteLine($"|---|---|{string.Concat(shares.Select(_ => "---|"))}");
        foreach (string method in methods)
        {
            foreach (string features in new[] { Raw, Embedding, Both })
            {
                foreach (string classifier in classifiers)
                {
                    var cells = shares.Select(share => Done(method, features, classifier, share).ToList()).ToList();
                    if (cells.All(cell => cell.Count == 0)) continue;
                    string name = features == Raw ? method : $"{method}: {features}";
                    Console.WriteLine($"| {name} | {classifier} | {string.Join(" | ", cells.Select(Cell))} |");
                }
            }
        }

        static string Cell(List<TableResult> runs) => runs.Count == 0
            ? "–" : FormattableString.Invariant(
                $"{runs.Average(r => r.accuracy):0.000} / {runs.Average(r => r.macro_f1):0.000}");
    }

    /// <summary>The values themselves, standardised, or by quantiles first.</summary>
    private (float[][] Train, float[][] Test) Values(bool byQuantiles)
    {
        if (!byQuantiles) return (Normalize(data.Train, data.Pool), Normalize(data.Test, data.Pool));
        using var table = Table();
        var facts = TableFacts.Of(table);
        var preprocessing =
            TablePreprocessing.Standardize(table, facts, facts.Continuous, TableMethods.Quantiles);
        float[][] Prepare(float[][] rows)
        {
            using var scope = NewDisposeScope();
            var values = NativeTensor.Of(rows.SelectMany(row => row).ToArray(), rows.Length, data.Columns);
            return [.. preprocessing.Apply(values).data<float>().ToArray().Chunk(data.Columns)];
        }
        var pool = Prepare(data.Pool);
        return (Normalize(pool[..data.Train.Length], pool), Normalize(Prepare(data.Test), pool));
    }

    private TableStore Table() => new(data.Pool.SelectMany(row => row).ToArray(), data.Columns);

    private (float[][] Train, float[][] Test) Embed(PretrainOptions options)
    {
        using var table = Table();
        options = options with { Epochs = options.Epochs == 0 ? 0 : epochs, Seed = seed, Threads = threads };
        using var encoder = Pretrainer.Fit(table, options, log: message => Console.Error.WriteLine(message.Text));
        float[][] Rows(float[][] rows)
        {
            var result = new float[rows.Length * encoder.EmbeddingDimension];
            encoder.Embed(rows, result);
            return [.. result.Chunk(encoder.EmbeddingDimension)];
        }
        var pool = Rows(data.Pool);
        return (Normalize(pool[..data.Train.Length], pool), Normalize(Rows(data.Test), pool));
    }

    /// <summary>Mean 0 and deviation 1 of the rows that need no class, slot by slot.</summary>
    private static float[][] Normalize(float[][] rows, float[][] by)
    {
        int columns = by[0].Length;
        var (mean, scale) = (new double[columns], new double[columns]);
        for (int j = 0; j < columns; j++)
        {
            mean[j] = by.Average(row => row[j]);
            double deviation = Math.Sqrt(by.Average(row => (row[j] - mean[j]) * (row[j] - mean[j])));
            scale[j] = deviation > 0 ? 1 / deviation : 0;
        }
        return [.. rows.Select(row => row.Select((v, j) => (float)((v - mean[j]) * scale[j])).ToArray())];
    }

    /// <summary>Side by side, either side with the same share of the squared length.</summary>
    private static float[][] Join(float[][] first, float[][] second)
    {
        float factor = MathF.Sqrt((float)first[0].Length / second[0].Length);
        return [.. first.Zip(second, (a, b) => a.Concat(b.Select(v => factor * v)).ToArray())];
    }
}
