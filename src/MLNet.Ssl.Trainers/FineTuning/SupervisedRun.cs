using System.Diagnostics;
using MLNet.Ssl.Augmentation;
using MLNet.Ssl.Methods;
using MLNet.Ssl.Optimization;
using MLNet.Ssl.Runs;
using MLNet.Ssl.Tensors;
using MLNet.Ssl.Training;
using TorchSharp;
using static TorchSharp.torch;

namespace MLNet.Ssl.FineTuning;

/// <summary>The loop of fine-tuning and distillation: labelled views → method → optimiser → progress.</summary>
internal static class SupervisedRun
{
    private static readonly TimeSpan ReportInterval = TimeSpan.FromSeconds(0.5);

    public static void Train(Method method, ImageStore images, IReadOnlyList<int> labels, ViewRecipe recipe, SupervisedOptions options, OptimizationPlan plan, Device device)
    {
        int batch = options.BatchSize!.Value, threads = options.Threads!.Value;
        ulong seed = SplitMix64.Hash((ulong)options.Seed!.Value, 5);
        var views = new LabeledViews(images, labels, new ViewPipeline([recipe], SplitMix64.Hash(seed, 3), threads));
        int threadsBefore = get_num_threads();
        set_num_threads(threads);
        try
        {
            using var step = new TrainingStep(method, plan, TrainingStep.ShardsFor(method, batch, threads, device.type), threads, SplitMix64.Hash(seed, 2));
            using var loader = new ViewLoader(views, batch, options.Epochs, SplitMix64.Hash(seed, 4), device);
            using var losses = zeros([], device: device);
            Loop(step, loader, plan, options, images.Count / batch, losses);
        }
        finally
        {
            set_num_threads(threadsBefore);
        }
    }

    private static void Loop(TrainingStep step, ViewLoader loader, OptimizationPlan plan, SupervisedOptions options, long stepsPerEpoch, Tensor losses)
    {
        bool onCpu = losses.device_type == DeviceType.CPU;
        var clock = new StepClock(0, stepsPerEpoch, options.Epochs);
        long reported = 0, start = Stopwatch.GetTimestamp();
        for (; clock.Step < clock.TotalSteps; clock = clock with { Step = clock.Step + 1 })
        {
            options.CancellationToken.ThrowIfCancellationRequested();
            using var scope = NewDisposeScope();
            losses.Add_(step.Run(loader.Next(), clock).Loss);
            var elapsed = Stopwatch.GetElapsedTime(start);
            long done = clock.Step + 1, steps = done - reported;
            bool reports = elapsed >= ReportInterval || done == clock.TotalSteps;
            // Reading a loss waits for a device, so there it is read for reports only.
            if (!reports && !onCpu) continue;
            double sum = losses.ToNumber();
            if (!double.IsFinite(sum))
                throw new ArithmeticException($"the loss is not finite at step {clock.Step} (epoch {clock.Epoch + 1}): lower LearningRate.");
            if (!reports) continue;
            options.Progress?.Report(new(done, clock.TotalSteps, clock.Epoch + 1, clock.Epochs, sum / steps, plan.LearningRate(clock),
                steps * options.BatchSize!.Value / elapsed.TotalSeconds));
            losses.zero_();
            (reported, start) = (done, Stopwatch.GetTimestamp());
        }
    }
}
