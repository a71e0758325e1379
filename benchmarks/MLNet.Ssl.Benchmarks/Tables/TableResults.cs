using System.CommandLine;
using System.Diagnostics;
using System.Text.Json;

namespace MLNet.Ssl.Benchmarks.Tables;

/// <summary>One figure: what a classifier on some features reaches with some labels.</summary>
internal sealed record TableResult(
    string data, string method, int epochs, int pool, int seed, string features, string classifier, double share, int draw, int labels,
    double accuracy, double macro_f1, double seconds);

/// <summary>Few labels: raw features, embeddings, and both, under linear, kNN and boosted trees.</summary>
internal sealed class TableResults(TableData all, string record, int epochs, int seed, int threads, double[] shares, int draws, string[] classifiers)
{
    private TableData data = all;

    private const string Raw = "raw", Embedding = "embedding", Both = "both";

    /// <summary>The subcommand <c>few-labels</c>.</summary>
    public static Command Command()
    {
        var set = new Option<string>("--set") { Description = "covtype or adult", DefaultValueFactory = _ => "covtype" };
        var folder = new Option<string>("--data") { Description = "folder of data sets", DefaultValueFactory = _ => Environment.GetEnvironmentVariable("MLNETSSL_DATA") ?? "." };
        var record = new Option<string>("--record") { Description = "where figures are kept; what is there is not measured again", DefaultValueFactory = _ => "artifacts/few-labels.jsonl" };
        var epochs = new Option<int>("--epochs") { Description = "passes over the rows", DefaultValueFactory = _ => 60 };
        var seed = new Option<int>("--seed") { Description = "seed of pretraining", DefaultValueFactory = _ => 1 };
        var draws = new Option<int>("--draws") { Description = "draws of the labels", DefaultValueFactory = _ => 5 };
        var threads = new Option<int>("--threads") { Description = "processor threads", DefaultValueFactory = _ => Math.Min(2, Environment.ProcessorCount) };
        var shares = new Option<double[]>("--shares") { Description = "shares of the labels", DefaultValueFactory = _ => [0.001, 0.01, 0.1, 1], AllowMultipleArgumentsPerToken = true };
        var methods = new Option<string[]>("--methods") { Description = "methods to run", DefaultValueFactory = _ => [TableMethods.Raw, .. TableMethods.All.Keys], AllowMultipleArgumentsPerToken = true };
        var classifiers = new Option<string[]>("--classifiers") { Description = "classifiers", DefaultValueFactory = _ => TableClassifiers.All, AllowMultipleArgumentsPerToken = true };
        var test = new Option<int>("--test-rows") { Description = "test rows, at most", DefaultValueFactory = _ => 20_000 };
        var unlabelled = new Option<int>("--unlabelled") { Description = "further rows without classes, at most", DefaultValueFactory = _ => 0 };
        var command = new Command("few-labels", "Accuracy with few labels on raw features, embeddings and both.")
        {
            set, folder, record, epochs, seed, draws, threads, shares, methods, classifiers, test, unlabelled,
        };
        command.SetAction(parsed =>
        {
            var data = TableData.Read(parsed.GetValue(set)!, parsed.GetValue(folder)!, parsed.GetValue(test), parsed.GetValue(unlabelled));
            new TableResults(data, parsed.GetValue(record)!, parsed.GetValue(epochs), parsed.GetValue(seed), parsed.GetValue(threads),
                parsed.GetValue(shares)!, parsed.GetValue(draws), parsed.GetValue(classifiers)!).Run(parsed.GetValue(methods)!);
            return 0;
        });
        return command;
    }

    public void Run(string[] methods)
    {
        Directory.CreateDirectory(Path.GetDirectoryName(Path.GetFullPath(record))!);
        foreach (string method in methods) Run(method);
    }

    private void Run(string method)
    {
        double seconds = 0;
        data = all;
        var (train, test) = (Normalize(data.Train, data.Pool), Normalize(data.Test, data.Pool));
        if (method == TableMethods.Raw)
        {
            Evaluate(method, Raw, train, test, 0);
            return;
        }
        var clock = Stopwatch.StartNew();
        if (method.Contains("q=1", StringComparison.Ordinal)) data = Quantiles(data);
        var (trainEmbeddings, testEmbeddings) = Embed(TableMethods.Parse(method));
        seconds = clock.Elapsed.TotalSeconds;
        Evaluate(method, Embedding, trainEmbeddings, testEmbeddings, seconds);
        Evaluate(method, Both, Join(train, trainEmbeddings), Join(test, testEmbeddings), seconds);
    }

    private void Evaluate(string method, string features, float[][] train, float[][] test, double seconds)
    {
        var measure = new TableClassifiers(data.Classes);
        foreach (double share in shares)
        {
            foreach (string classifier in classifiers)
            {
                var results = new List<TableResult>();
                for (int draw = 1; draw <= (share < 1 ? draws : 1); draw++)
                {
                    var rows = data.Draw(share, draw);
                    var score = measure.Measure(classifier, rows.Select(i => (train[i], data.TrainLabels[i])), test.Zip(data.TestLabels));
                    results.Add(new(data.Name, method, epochs, data.Pool.Length, seed, features, classifier, share, draw, rows.Length,
                        score.Accuracy, score.MacroF1, seconds));
                }
                File.AppendAllLines(record, results.Select(r => JsonSerializer.Serialize(r)));
                Console.WriteLine(FormattableString.Invariant(
                    $"{method,-24} {features,-10} {classifier,-9} {share,6:p1} accuracy {results.Average(r => r.accuracy):0.000} F1 {results.Average(r => r.macro_f1):0.000}  {seconds:0} s"));
            }
        }
    }

    private (float[][] Train, float[][] Test) Embed(PretrainOptions options)
    {
        using var table = new TableStore(data.Pool.SelectMany(row => row).ToArray(), data.Columns);
        options = options with { Epochs = options.Epochs == 0 ? 0 : epochs, Seed = seed, Threads = threads };
        using var encoder = Pretrainer.Fit(table, options, log: null);
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

    private static TableData Quantiles(TableData data)
    {
        var pool = data.Pool;
        int columns = data.Columns;
        float[][] Copy(float[][] rows) => [.. rows.Select(r => (float[])r.Clone())];
        var (train, un, test) = (Copy(data.Train), Copy(data.Unlabelled), Copy(data.Test));
        for (int j = 0; j < columns; j++)
        {
            float[] sorted = [.. pool.Select(r => r[j]).Order()];
            if (sorted.Distinct().Take(3).Count() < 3) continue;
            foreach (var row in train.Concat(un).Concat(test))
            {
                int at = Array.BinarySearch(sorted, row[j]);
                if (at < 0) at = ~at;
                int low = at, high = at;
                while (low > 0 && sorted[low - 1] >= row[j]) low--;
                while (high < sorted.Length && sorted[high] <= row[j]) high++;
                row[j] = (low + high) / 2f / sorted.Length;
            }
        }
        return data with { Train = train, Unlabelled = un, Test = test };
    }

    /// <summary>Side by side, either side with the same share of the squared length.</summary>
    private static float[][] Join(float[][] first, float[][] second)
    {
        float factor = MathF.Sqrt((float)first[0].Length / second[0].Length);
        return [.. first.Zip(second, (a, b) => a.Concat(b.Select(v => factor * v)).ToArray())];
    }
}
