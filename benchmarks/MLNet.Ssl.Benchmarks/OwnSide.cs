using System.Text.Json;
using static TorchSharp.torch;

namespace MLNet.Ssl.Benchmarks;

/// <summary>What one process measured, as either side prints it.</summary>
internal sealed record Measurement(double images_per_second, double cpu_ms_per_image, double peak_mib);

/// <summary>The losses of the first steps, as either side prints them.</summary>
internal sealed record Losses(double[] losses);

/// <summary>This library's side of the benchmark: one mode of one case in this process.</summary>
internal static class OwnSide
{
    private const int LossSteps = 10;

    /// <summary>Images per second of <paramref name="steps"/> training steps, with or
    /// without making the views.</summary>
    public static Measurement Measure(BenchmarkCase benchmark, bool endToEnd, int steps, int warmup, int threads,
        string? data, Device device)
    {
        using var scope = NewDisposeScope();
        set_num_threads(threads);
        using var training = new InnerLoop(
            benchmark.Resolved(threads, compareLosses: false), BenchmarkCase.StepsPerEpoch, threads, device);
        var store = Cifar10File.Load(data);
        var pipeline = new ViewPipeline(training.Options.ImageViews(), 3, threads);
        var batches = EpochBatches.Of(store.Count, BenchmarkCase.Batch, null);
        using var loader = endToEnd
            ? new ViewLoader(new ImageViews(store, pipeline), batches, training.Clock.Epochs, 4, device) : null;
        int share = BenchmarkCase.Batch / World.Size;
        Tensor[]? still = endToEnd ? null
            : [.. Batch(pipeline, store, 0).Select(v => v.narrow(0, World.Rank * share, share).to(device))];

        var (seconds, processor) = Timing.Run(steps, warmup, () => training.Step(loader?.Next() ?? still!));
        int images = BenchmarkCase.Batch * steps;
        return new(images / seconds, processor.TotalMilliseconds / images, ChildProcess.PeakMemory());
    }

    /// <summary>The losses of the first steps; <paramref name="file"/> receives the weights
    /// and views they start from.</summary>
    public static Losses FirstLosses(BenchmarkCase benchmark, string file, int threads, string? data, Device device)
    {
        using var scope = NewDisposeScope();
        set_num_threads(threads);
        var options = benchmark.Resolved(threads, compareLosses: true);
        using var training = new InnerLoop(options, BenchmarkCase.StepsPerEpoch, threads, device);
        var images = Cifar10File.Load(data);
        var pipeline = new ViewPipeline(training.Options.ImageViews(), 3, threads);
        var batches = Enumerable.Range(0, LossSteps).Select(i => Batch(pipeline, images, i)).ToList();
        SafeTensors.Write(
            file,
            [
                .. training.Method.Parameters.Groups.SelectMany(g => g.Slots)
                    .Select(s => KeyValuePair.Create($"student.{s.Name}", (Tensor)s.Parameter)),
                .. batches.SelectMany((views, step) =>
                    views.Select((view, v) => KeyValuePair.Create($"view.{step}.{v}", view))),
            ],
            new Dictionary<string, string>
            {
                ["case"] = benchmark.Name,
                ["options"] = JsonSerializer.Serialize(BenchmarkCase.ForTwin(options))
            });
        return new([.. batches.Select(views => training.Step([.. views.Select(v => v.to(device))]))]);
    }

    private static Tensor[] Batch(ViewPipeline pipeline, ImageStore images, int number) =>
        pipeline.Render(images, [.. Enumerable.Range(number * BenchmarkCase.Batch, BenchmarkCase.Batch)], epoch: 0);
}
