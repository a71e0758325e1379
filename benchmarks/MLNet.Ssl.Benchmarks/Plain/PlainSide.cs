using System.CommandLine;
using System.Text.Json;
using static TorchSharp.torch;

namespace MLNet.Ssl.Benchmarks.Plain;

/// <summary>The plain loop's side of the benchmark, with the arguments and the output of the PyTorch twin.</summary>
internal static class PlainSide
{
    public static Command Command()
    {
        var mode = new Argument<string>("mode");
        var file = new Argument<string?>("file") { Arity = ArgumentArity.ZeroOrOne };
        var name = new Option<string>("--case") { DefaultValueFactory = _ => BenchmarkCase.All[0].Name };
        var steps = new Option<int>("--steps") { DefaultValueFactory = _ => 20 };
        var warmup = new Option<int>("--warmup") { DefaultValueFactory = _ => 3 };
        var threads =
            new Option<int>("--threads") { DefaultValueFactory = _ => Math.Min(2, Environment.ProcessorCount) };
        var workers = new Option<int>("--workers") { DefaultValueFactory = _ => 2 };
        var device = new Option<string>("--device") { DefaultValueFactory = _ => "cpu" };
        var data = new Option<string?>("--data");
        var command = new Command("plain-run", "One run of the plain TorchSharp loop: step, end-to-end or losses FILE.")
        {
            mode, file, name, steps, warmup, threads, workers, device, data,
        };
        command.SetAction(parsed =>
        {
            if (parsed.GetValue(device) != "cpu") throw new ArgumentException("the plain loop runs on the processor");
            set_num_threads(parsed.GetValue(threads));
            Console.WriteLine(parsed.GetValue(mode) switch
            {
                "losses" => JsonSerializer.Serialize(FirstLosses(parsed.GetValue(file)!, parsed.GetValue(threads))),
                "step" or "end-to-end" => JsonSerializer.Serialize(Measure(
                    BenchmarkCase.Named(parsed.GetValue(name)!)
                        .Resolved(parsed.GetValue(threads), compareLosses: false),
                    parsed.GetValue(mode) == "end-to-end", parsed.GetValue(steps), parsed.GetValue(warmup),
                    parsed.GetValue(workers), parsed.GetValue(data))),
                var other =>
                    throw new ArgumentException($"there is no mode '{other}'; expected step, end-to-end or losses"),
            });
        });
        return command;
    }

    private static Measurement Measure(PretrainOptions options, bool endToEnd, int steps, int warmup, int workers,
        string? data)
    {
        using var training = PlainTraining.Of(options);
        var clock = new StepClock(0, BenchmarkCase.StepsPerEpoch, options.Epochs);
        using var images = Images(data);
        using var loader = endToEnd ? new PlainLoader(images, options.ImageViews(), BenchmarkCase.Batch, workers)
            : null;
        Tensor[]? still = endToEnd ? null
            : [.. options.ImageViews().Select(view => randn(BenchmarkCase.Batch, 3, view.Size, view.Size))];
        var (seconds, processor) = Timing.Run(steps, warmup, () =>
        {
            double loss = training.Step(loader?.Next() ?? still!, clock);
            clock = clock.Next;
            return loss;
        });
        int count = BenchmarkCase.Batch * steps;
        return new(count / seconds, processor.TotalMilliseconds / count, ChildProcess.PeakMemory());
    }

    /// <summary>The losses of the weights and views that the other side wrote down.</summary>
    private static Losses FirstLosses(string file, int threads)
    {
        using var scope = NewDisposeScope();
        string name;
        using (var checkpoint = Checkpoint.Open(file)) name = checkpoint.Metadata["case"];
        var tensors = SafeTensors.Read(file);
        var options = BenchmarkCase.Named(name).Resolved(threads, compareLosses: true);
        using var training = PlainTraining.Of(options);
        training.Load(tensors);
        var batches = Enumerable.Range(0, int.MaxValue).Select(step => Views(tensors, step))
            .TakeWhile(views => views.Length > 0);
        return new([.. batches.Select((views, step) =>
            training.Step(views, new(step, BenchmarkCase.StepsPerEpoch, options.Epochs)))]);
    }

    private static Tensor[] Views(Dictionary<string, Tensor> tensors, int step) =>
        [.. Enumerable.Range(0, int.MaxValue).Select(view => tensors.GetValueOrDefault($"view.{step}.{view}"))
            .TakeWhile(view => view is not null)!];

    /// <summary>The images as one tensor (N, 3, 32, 32) of bytes.</summary>
    private static Tensor Images(string? data)
    {
        using var scope = NewDisposeScope();
        var store = Cifar10File.Load(data);
        byte[] pixels = [.. Enumerable.Range(0, store.Count).SelectMany(i => store[i].Pixels.ToArray())];
        var images = tensor(pixels, [store.Count, BenchmarkCase.ImageSize, BenchmarkCase.ImageSize, 3]);
        return images.permute(0, 3, 1, 2).contiguous().MoveToOuterDisposeScope();
    }
}
