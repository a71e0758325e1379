using TorchSharp;
using static TorchSharp.torch;

namespace MLNet.Ssl.Tests;

/// <summary>The first steps of a small run, on drawn images or rows of a table, wherever they are computed.</summary>
internal static class FirstSteps
{
    private const int Batch = 16;

    /// <summary>The losses, and the gradients of the last step by parameter.</summary>
    /// <param name="options">The run.</param>
    /// <param name="count">Steps.</param>
    /// <param name="device">Where; null for the processor.</param>
    /// <param name="around">Receives each step, to do it.</param>
    public static (double[] Losses, Dictionary<string, float[]> Gradients) Of(PretrainOptions options, int count,
        Device? device = null, Action<Action>? around = null)
    {
        using var scope = NewDisposeScope();
        options = options with { BatchSize = Batch };
        bool table = options.Backbone is TabularMlpOptions;
        using var rows =
            new TableStore(Enumerable.Range(0, 64 * 6).Select(i => new Random(i).NextSingle()).ToArray(), 6);
        var images = Patterns.Draw(64, 1).Images;
        var plan = options.For(table ? DataFacts.Of(rows) : DataFacts.Of(images));
        device ??= CPU;
        using var generator = new Generator(1, CPU);
        using var tf32 = TensorFloat32.Use(plan.Settings.Precision != Precision.Float32);
        using var method = plan.CreateMethod(generator, device, 1);
        using var step = new TrainingStep(method, plan.Method.Optimization, 1, 1, 7);
        using var tableViews = table
            ? new TableViews(rows, TablePreprocessing.None(6), plan.Settings.Table!, plan.Method.TableViews,
                plan.ViewSeed, plan.Method.WholeTableViews)
            : null;
        IViewSource views = tableViews
            ?? (IViewSource)new ImageViews(images, new ViewPipeline(plan.Method.Views, plan.ViewSeed, 1));
        var losses = new double[count];
        var clock = new StepClock(0, 4, 3);
        for (int i = 0; i < count; i++, clock = clock.Next)
        {
            using var inner = NewDisposeScope();
            var batch = views.Render([.. Enumerable.Range(i % 4 * Batch, Batch)], i / 4);
            CurrentDisposeScope!.Attach(batch);
            var there = batch.Select(view => view.to(device)).ToList();
            MethodOutput? output = null;
            void Run() => output = step.Run(there, clock);
            if (around is null) Run();
            else around(Run);
            losses[i] = output!.Loss.ToSingle();
        }
        var slots = step.Gradients.Groups.SelectMany(group => group.Slots);
        return (losses, slots.Zip(step.Gradients.Views).ToDictionary(
            pair => pair.First.Name, pair => pair.Second.cpu().flatten().data<float>().ToArray()));
    }
}
