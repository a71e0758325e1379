using System.Diagnostics;
using System.Runtime.InteropServices;
using System.Text.Json;
using static TorchSharp.torch;

namespace MLNet.Ssl.Benchmarks;

/// <summary>Seconds and processor seconds to fit and predict, as either side prints them.</summary>
internal sealed record KnnTime(double seconds, double cpu_seconds, double peak_mib);

/// <summary>The weighted kNN classifier and scikit-learn's brute force by turns, on the same features, each
/// run a process of its own.</summary>
internal sealed class KnnComparison(int bank, int queries, int width, int k, int runs, int threads, string? python)
{
    private const int Classes = 10;
    private const float Temperature = 0.07f;

    private static readonly string[] Metrics = ["cosine", "euclidean"];

    /// <summary>False if the predictions differ in more than a thousandth of the
    /// rows, where rounding decides.</summary>
    public bool Run()
    {
        string folder = Directory.CreateTempSubdirectory("knn").FullName;
        try
        {
            WriteFeatures(folder);
            Console.WriteLine($"{queries} queries, {bank} rows of {width} floats, k = {k}, {threads} threads, {runs} "
                + $"alternating runs, {DateTime.UtcNow:yyyy-MM-dd}");
            var own = new List<KnnTime>();
            var twins = Metrics.ToDictionary(metric => metric, _ => new List<KnnTime>());
            bool agree = true;
            for (int i = 0; i < runs; i++)
            {
                own.Add(ChildProcess.Own<KnnTime>(["knn-run", folder, "--k", $"{k}", "--threads", $"{threads}"],
                    threads));
                foreach (string metric in python is null ? [] : Metrics)
                {
                    twins[metric].Add(ChildProcess.Run<KnnTime>(python!,
                        [Path.Combine(AppContext.BaseDirectory, "sklearn_twin.py"), folder, "--k", $"{k}", "--threads",
                            $"{threads}", "--metric", metric], threads));
                    int differ = Read<long>(folder, "own.i64").Zip(Read<long>(folder, "twin.i64"))
                        .Count(pair => pair.First != pair.Second);
                    agree &= differ <= queries / 1000;
                    Console.Error.WriteLine(
                        $"  {i + 1}/{runs}: here {own[^1].seconds:0.00} s ({own[^1].cpu_seconds:0.00} of processor), "
                        + $"scikit-learn ({metric}) {twins[metric][^1].seconds:0.00} s "
                        + $"({twins[metric][^1].cpu_seconds:0.00}), {differ} predictions differ");
                }
            }
            Console.WriteLine();
            Console.WriteLine("| scikit-learn's metric | scikit-learn, s: median (min–max) | here | ratio | ratio of "
                + "processor time | peak memory, MiB: scikit-learn | here |");
            Console.WriteLine("|---|---|---|---|---|---|---|");
            foreach (var (metric, twin) in twins)
            {
                Console.WriteLine(
                    $"| {metric} | {(python is null ? "–" : Comparison.Spread(twin.Select(t => t.seconds), "0.00"))} "
                    + $"| {Comparison.Spread(own.Select(t => t.seconds), "0.00")} "
                    + $"| **{Ratio(t => t.seconds)}** | {Ratio(t => t.cpu_seconds)} "
                    + $"| {(python is null ? "–" : $"{twin.Max(t => t.peak_mib):0}")} "
                    + $"| {own.Max(t => t.peak_mib):0} |");

                string Ratio(Func<KnnTime, double> of) =>
                    python is null ? "–" : Comparison.Spread(twin.Zip(own, (t, o) => of(t) / of(o)), "0.00");
            }
            return agree;
        }
        finally
        {
            Directory.Delete(folder, true);
        }
    }

    /// <summary>One run of this side.</summary>
    public static KnnTime Measure(string folder, int k, int threads)
    {
        set_num_threads(threads);
        using var scope = NewDisposeScope();
        int width = JsonDocument.Parse(File.ReadAllText(Path.Combine(folder, "shape.json")))
            .RootElement.GetProperty("width").GetInt32();
        var (bank, labels, queries) =
            (Read<float>(folder, "bank.f32"), Read<long>(folder, "bank.i64"), Read<float>(folder, "queries.f32"));
        var (features, classes) = (tensor(bank, [bank.Length / width, width]), tensor(labels));
        var asked = tensor(queries, [queries.Length / width, width]);
        using var process = Process.GetCurrentProcess();
        var processor = process.TotalProcessorTime;
        var stopwatch = Stopwatch.StartNew();
        using var knn = new WeightedKnn(features, classes, Classes, k, Temperature);
        var predicted = knn.Probabilities(asked).argmax(1);
        double seconds = stopwatch.Elapsed.TotalSeconds;
        process.Refresh();
        double busy = (process.TotalProcessorTime - processor).TotalSeconds;
        File.WriteAllBytes(Path.Combine(folder, "own.i64"), predicted.bytes.ToArray());
        return new(seconds, busy, ChildProcess.PeakMemory());
    }

    /// <summary>Classes around centres so close that neighbours of all of them meet.</summary>
    private void WriteFeatures(string folder)
    {
        using var scope = NewDisposeScope();
        using var generator = new Generator(1, CPU);
        var centres = randn(Classes, width, generator: generator);
        Tensor Draw(int count, Tensor classes) =>
            randn(count, width, generator: generator).add_(centres.index_select(0, classes), 0.15);
        var labels = randint(0L, Classes, new long[] { bank }, dtype: ScalarType.Int64, generator: generator);
        File.WriteAllBytes(Path.Combine(folder, "bank.i64"), labels.bytes.ToArray());
        File.WriteAllBytes(Path.Combine(folder, "bank.f32"), Draw(bank, labels).bytes.ToArray());
        var others = randint(0L, Classes, new long[] { queries }, dtype: ScalarType.Int64, generator: generator);
        File.WriteAllBytes(Path.Combine(folder, "queries.f32"), Draw(queries, others).bytes.ToArray());
        File.WriteAllText(Path.Combine(folder, "shape.json"), JsonSerializer.Serialize(new { width }));
    }

    private static T[] Read<T>(string folder, string file) where T : struct =>
        MemoryMarshal.Cast<byte, T>(File.ReadAllBytes(Path.Combine(folder, file))).ToArray();
}
