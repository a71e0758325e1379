using System.CommandLine;
using System.Diagnostics;
using System.Text.Json;
using Microsoft.ML;

namespace MLNet.Ssl.Benchmarks;

/// <summary>What one encoder of CovType's rows is worth: accuracies on test rows, of a linear classifier and of a
/// weighted kNN on frozen embeddings.</summary>
internal sealed record CovTypeResult(string method, int seed, int epochs, int width, int test_rows, double linear,
    double? knn, double cpu_seconds);

/// <summary>The table of i-Mix on CovType (Lee et al., arXiv 2010.08887, Table 4) at a width and a
/// number of epochs of one's own.</summary>
internal sealed class CovTypeResults(string data, string record, int epochs, int width, int testRows)
{
    private static readonly (string Method, string Published, PretrainOptions? Options)[] Cases =
    [
        ("standardised features", "–", null),
        ("untrained encoder", "–", Presets.CovTypeMoCo),
        ("N-pair", "68.5", Presets.CovTypeNPair),
        ("N-pair, i-Mix", "72.1", Presets.CovTypeNPairIMix),
        ("MoCo", "70.5", Presets.CovTypeMoCo),
        ("MoCo, i-Mix", "73.1", Presets.CovTypeMoCoIMix),
        ("BYOL", "72.1", Presets.CovTypeByol),
        ("BYOL, i-Mix", "74.1", Presets.CovTypeByolIMix),
        ("supervised MLP", "–", null),
    ];

    private readonly MLContext _ml = new(seed: 1);
    private readonly (CovTypeRow[] Train, CovTypeRow[] Test) _rows = CovTypeFile.Read(data, testRows);

    /// <summary>The subcommand <c>covtype</c>.</summary>
    public static Command Command()
    {
        var data = new Option<string?>("--data")
        {
            Description = "covtype.data, plain or .gz",
            DefaultValueFactory = _ => CovTypeFile.Find()
        };
        var record = new Option<string>("--record")
        {
            Description = "where finished runs are kept; what is there is not run again",
            DefaultValueFactory = _ => "artifacts/covtype.jsonl"
        };
        var epochs = new Option<int>("--epochs")
        {
            Description = "passes over the training rows; published: 500",
            DefaultValueFactory = _ => 60
        };
        var width = new Option<int>("--width")
        {
            Description = "narrowest hidden layer; published: 2048",
            DefaultValueFactory = _ => 256
        };
        var seeds = new Option<int>("--seeds") { Description = "runs of every method", DefaultValueFactory = _ => 3 };
        var only = new Option<string?>("--only") { Description = "runs only methods whose name begins so" };
        var test = new Option<int>("--test-rows")
        {
            Description = "test rows, from the first on",
            DefaultValueFactory = _ => 20_000
        };
        var command = new Command("covtype", "MoCo, N-pair and BYOL without and with i-Mix on CovType.") { data, record,
            epochs, width, seeds, only, test };
        command.SetAction(parsed =>
        {
            if (parsed.GetValue(data) is not { } path)
            {
                Console.Error.WriteLine(
                    "There is no CovType: name the file by --data, or its folder by MLNETSSL_DATA.");
                return 1;
            }
            new CovTypeResults(path, parsed.GetValue(record)!, parsed.GetValue(epochs), parsed.GetValue(width),
                parsed.GetValue(test)).Run(parsed.GetValue(seeds), parsed.GetValue(only));
            return 0;
        });
        return command;
    }

    public void Run(int seeds, string? only)
    {
        Directory.CreateDirectory(Path.GetDirectoryName(Path.GetFullPath(record))!);
        var done = File.Exists(record)
            ? File.ReadLines(record).Select(line => JsonSerializer.Deserialize<CovTypeResult>(line)!).ToList() : [];
        CovTypeResult? Done(string method, int seed) =>
            done.Find(r =>
                (r.method, r.seed, r.epochs, r.width, r.test_rows) == (method, seed, epochs, width, testRows));
        for (int seed = 1; seed <= seeds; seed++)
        {
            foreach (var (method, _, options) in Cases)
            {
                if (Done(method, seed) is not null || only is not null && !method.StartsWith(only,
                    StringComparison.OrdinalIgnoreCase) || (method == Cases[0].Method && seed > 1)) continue;
                double before = Process.GetCurrentProcess().TotalProcessorTime.TotalSeconds;
                var (linear, knn) = Measure(method, options, seed);
                var result = new CovTypeResult(method, seed, epochs, width, testRows, linear, knn,
                    Process.GetCurrentProcess().TotalProcessorTime.TotalSeconds - before);
                done.Add(result);
                File.AppendAllText(record, JsonSerializer.Serialize(result) + "\n");
                Console.Error.WriteLine(FormattableString.Invariant($"{method}, seed {seed}: linear {linear:0.000}, ")
                    + FormattableString.Invariant($"knn {knn:0.000}, {result.cpu_seconds:0} s of processor"));
            }
        }
        Console.WriteLine($"| {epochs} epochs, width {width}, {testRows:N0} test rows | linear, %: mean (deviation) of "
            + $"{seeds} seeds | kNN, % | published linear, % |");
        Console.WriteLine("|---|---|---|---|");
        foreach (var (method, published, _) in Cases)
        {
            var runs = Enumerable.Range(1, seeds).Select(seed => Done(method, seed)).OfType<CovTypeResult>().ToList();
            Console.WriteLine($"| {method} | {Mean(runs, r => r.linear)} | {Mean(runs, r => r.knn)} | {published} |");
        }
    }

    private (double Linear, double? Knn) Measure(string method, PretrainOptions? options, int seed)
    {
        IDataView train = _ml.Data.LoadFromEnumerable(_rows.Train), test = _ml.Data.LoadFromEnumerable(_rows.Test);
        if (method == "supervised MLP")
            return (new SupervisedMlp(Backbone, epochs, seed).Accuracy(_rows.Train, _rows.Test), null);
        if (options is null) return Evaluate(train, test, "Features");
        // In a shorter run the slow network moves as far as in the published one of 500 epochs.
        double momentum = Math.Clamp(1 - 0.5 / epochs, 0, 0.999);
        options = options switch
        {
            MoCoOptions moco => moco with { KeyMomentum = momentum },
            ByolOptions byol => byol with { TargetMomentum = momentum },
            _ => options
        };
        options = options with
        {
            Backbone = Backbone,
            Epochs = method == "untrained encoder" ? 0 : epochs,
            WarmupEpochs = Math.Min(5, epochs / 10),
            Seed = seed,
            Table = options.Table with { Standardize = false },
        };
        using var encoder = _ml.SelfSupervised().Pretrain("Embedding", "Features", options).Fit(train);
        return Evaluate(encoder.Transform(train), encoder.Transform(test), "Embedding");
    }

    private TabularMlpOptions Backbone =>
        TabularMlpOptions.CovType with { HiddenWidths = [width, width, 2 * width, 2 * width], OutputWidth = 4 * width };

    private (double Linear, double? Knn) Evaluate(IDataView train, IDataView test, string features)
    {
        var select = _ml.Transforms.SelectColumns("Label", features)
            .Append(_ml.Transforms.Conversion.MapValueToKey("Label")).Fit(train);
        (train, test) = (_ml.Data.Cache(select.Transform(train)), _ml.Data.Cache(select.Transform(test)));
        double Accuracy(IEstimator<ITransformer> classifier) =>
            _ml.MulticlassClassification.Evaluate(classifier.Fit(train).Transform(test)).MicroAccuracy;
        var trainers = _ml.MulticlassClassification.Trainers;
        var linear = _ml.Transforms.NormalizeMeanVariance(features, fixZero: false)
            .Append(trainers.LbfgsMaximumEntropy("Label", features, l1Regularization: 0, l2Regularization: 1,
                optimizationTolerance: 1e-5f));
        return (Accuracy(linear), Accuracy(trainers.NearestNeighbors("Label", features)));
    }

    private static string Mean(IEnumerable<CovTypeResult> runs, Func<CovTypeResult, double?> value)
    {
        double[] values = [.. runs.Select(value).OfType<double>()];
        if (values.Length == 0) return "–";
        double mean = values.Average(),
            deviation = Math.Sqrt(values.Sum(v => (v - mean) * (v - mean)) / Math.Max(1, values.Length - 1));
        return values.Length == 1 ? FormattableString.Invariant($"{100 * mean:0.0}")
            : FormattableString.Invariant($"{100 * mean:0.0} ({100 * deviation:0.0})");
    }
}
