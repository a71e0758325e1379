using System.Globalization;
using Microsoft.ML;
using Microsoft.ML.Data;
using static TorchSharp.torch;

namespace MLNet.Ssl.Benchmarks;

/// <summary>What one process measured on tables, as either side prints it.</summary>
internal sealed record TableMeasurement(double rows_per_second, double cpu_us_per_row);

/// <summary>This library's side of the benchmark on tables: MoCo with i-Mix on rows like CovType's,
/// one mode in this process.</summary>
internal static class TableSide
{
    public const int Rows = 15_120;

    private const int LossSteps = 10;

    /// <summary>The published settings, with a network whose narrowest hidden layer has this width.</summary>
    public static MoCoOptions Options(int width, int threads, bool compareLosses = false)
    {
        var facts = Facts(threads);
        var options = Presets.CovTypeMoCoIMix with
        {
            Backbone = TabularMlpOptions.CovType with
            {
                HiddenWidths = [width, width, 2 * width, 2 * width],
                OutputWidth = 4 * width
            },
            Threads = threads,
            Seed = 1,
        };
        // At its usual rate training is chaotic in single precision, and the draws of mixing are each side's own.
        if (compareLosses) options = options with { Mixing = null, LearningRate = 1e-3, WarmupEpochs = 0 };
        return options.Resolve(facts, []);
    }

    private static DataFacts Facts(int threads) =>
        new(Rows, 0, threads) { Table = new(54, [.. Enumerable.Range(0, 10)], []) };

    private static InnerLoop Loop(MoCoOptions options, int threads) =>
        new(options, Rows / options.BatchSize!.Value, threads, CPU);

    public static TableMeasurement Train(int width, bool endToEnd, int steps, int warmup, int threads)
    {
        using var scope = NewDisposeScope();
        set_num_threads(threads);
        using var table = Draw();
        using var run = Loop(Options(width, threads), threads);
        using var views = new TableViews(table, TablePreprocessing.None(table.Columns),
            run.Options.For(Facts(threads)).Settings.Table!, 2, 3);
        using var loader = endToEnd
            ? new ViewLoader(views, EpochBatches.Of(views.Count, run.Batch, null), run.Options.Epochs, 4, CPU) : null;
        var still = views.Render([.. Enumerable.Range(0, run.Batch)], 0);
        return Time(steps, warmup, run.Batch, () => run.Step(loader?.Next() ?? still));
    }

    /// <summary>The matrix products of a training step and nothing else, a part of the batch to each thread: no step is
    /// faster.</summary>
    public static TableMeasurement Products(int width, int steps, int warmup, int threads)
    {
        using var scope = NewDisposeScope();
        using var run = Loop(Options(width, threads), threads);
        using var parts = new ShardThreads(threads, threads);
        long rows = run.Batch / threads;
        var queue = ((MoCo)run.Method).Queue.Columns;
        var columns = cat([randn(queue.size(0), run.Batch), queue], 1);
        var (queries, p) = (randn(rows, columns.size(0)), randn(rows, columns.size(1)));
        var layers = run.Method.Parameters.Groups.SelectMany(group => group.Slots)
            .Where(slot => slot.Parameter.ndim == 2)
            .Select(slot => (
                Weight: slot.Parameter.detach(), Input: randn(rows, slot.Parameter.size(1)),
                Gradient: randn(rows, slot.Parameter.size(0)),
                IsFirst: slot.Name.StartsWith("backbone.input.", StringComparison.Ordinal))).ToList();
        return Time(steps, warmup, run.Batch, () =>
        {
            parts.Run(_ =>
            {
                using var part = NewDisposeScope();
                foreach (var (weight, input, gradient, isFirst) in layers)
                {
                    // The query's and the key's pass, and what goes back to the weights and to the layer before.
                    for (int pass = 0; pass < 2; pass++) input.mm(weight.t());
                    gradient.t().mm(input);
                    if (!isFirst) gradient.mm(weight);
                }
                queries.mm(columns);
                p.mm(columns.t());
            });
            return null;
        });
    }

    /// <summary>Embedding: the network on tensors of 1 024 rows, or the fitted transformer's
    /// column read by a cursor.</summary>
    public static TableMeasurement Embed(int width, bool cursor, int steps, int warmup, int threads)
    {
        const int size = 1024;
        using var scope = NewDisposeScope();
        set_num_threads(threads);
        using var table = Draw();
        var options = Options(width, threads) with { Epochs = 0 };
        if (!cursor)
        {
            using var encoder = Pretrainer.Fit(table, options);
            var batch = table.Values.narrow(0, 0, size);
            return Time(steps, warmup, size, () =>
            {
                using var mode = inference_mode();
                _ = encoder.Backbone.call(batch).data<float>().ToArray();
                return null;
            });
        }
        var ml = new MLContext(1);
        var rows = table.Values.data<float>().ToArray().Chunk(table.Columns)
            .Select(values => new Row { Features = values }).ToArray();
        using var transformer = ml.SelfSupervised().Pretrain("Embedding", "Features", options)
            .Fit(ml.Data.LoadFromEnumerable(rows));
        var repeated = Enumerable.Range(0, size * (warmup + steps + 2)).Select(i => rows[i % rows.Length]);
        var view = transformer.Transform(ml.Data.LoadFromEnumerable(repeated));
        using var reading = view.GetRowCursor([view.Schema["Embedding"]]);
        var get = reading.GetGetter<VBuffer<float>>(view.Schema["Embedding"]);
        VBuffer<float> embedding = default;
        return Time(steps, warmup, size, () =>
        {
            for (int i = 0; i < size && reading.MoveNext(); i++) get(ref embedding);
            return null;
        });
    }

    /// <summary>The losses of the first steps without mixing; <paramref name="file"/> receives the weights, queue and
    /// rows that they start from.</summary>
    public static Losses FirstLosses(int width, string file, int threads)
    {
        using var scope = NewDisposeScope();
        set_num_threads(threads);
        using var table = Draw();
        using var run = Loop(Options(width, threads, compareLosses: true), threads);
        var batches = Enumerable.Range(0, LossSteps).Select(i => table.Values.narrow(0, i * run.Batch, run.Batch))
            .ToList();
        double rate = run.Options.CreatePlan().LearningRate(run.Clock);
        SafeTensors.Write(
            file,
            [
                .. run.Method.Parameters.Groups.SelectMany(g => g.Slots)
                    .Select(s => KeyValuePair.Create($"query.{s.Name}", (Tensor)s.Parameter)),
                KeyValuePair.Create("queue", ((MoCo)run.Method).Queue.Columns),
                .. batches.Select((rows, i) => KeyValuePair.Create($"rows.{i}", rows)),
            ],
            new Dictionary<string, string>
            {
                ["width"] = $"{width}",
                ["lr"] = rate.ToString(CultureInfo.InvariantCulture)
            });
        return new([.. batches.Select(rows => run.Step([rows, rows]))]);
    }

    /// <summary>Times steps of so many rows.</summary>
    public static TableMeasurement Time(int steps, int warmup, int rowsAStep, Func<double?> step)
    {
        var (seconds, processor) = Timing.Run(steps, warmup, step);
        double rows = (double)rowsAStep * steps;
        return new(rows / seconds, processor.TotalMicroseconds / rows);
    }

    /// <summary>Rows as CovType's are: ten continuous slots and 44 indicators.</summary>
    public static TableStore Draw()
    {
        using var scope = NewDisposeScope();
        using var generator = new Generator(1, CPU);
        var rows = cat(
            [randn([Rows, 10], generator: generator), rand([Rows, 44], generator: generator).lt(0.1).to(float32)], 1);
        return new(rows.data<float>().ToArray(), 54);
    }

    private sealed class Row
    {
        [VectorType(54)]
        public float[] Features { get; set; } = [];
    }
}
