using System.Diagnostics;
using TorchSharp;
using static TorchSharp.torch;

namespace MLNet.Ssl;

/// <summary>Learns an encoder from unlabelled images or rows of a table: data → views → method → optimiser → schedules → progress.</summary>
/// <remarks>Knows no method: a method brings its views, its loss and its plan.</remarks>
public static class Pretrainer
{
    private static readonly TimeSpan ReportInterval = TimeSpan.FromSeconds(0.5);

    /// <summary>Trains on images and returns the encoder, on <paramref name="device"/>, in evaluation mode.</summary>
    /// <param name="images">The training set.</param>
    /// <param name="options">The method and its options; what is left at Auto is chosen from the data.</param>
    /// <param name="device">Where to train; the processor by default.</param>
    /// <param name="log">Receives what was chosen, and warnings.</param>
    /// <exception cref="ArgumentException">An option is out of its range, or there are too few images; thrown before training.</exception>
    /// <exception cref="ArithmeticException">The loss is not finite.</exception>
    /// <exception cref="OperationCanceledException">The options' token was cancelled.</exception>
    public static ImageEncoder Fit(ImageStore images, PretrainOptions options, Device? device = null, Action<PretrainMessage>? log = null)
    {
        ArgumentNullException.ThrowIfNull(images);
        ArgumentNullException.ThrowIfNull(options);
        if (images.Count < 2) throw new ArgumentException($"there are {images.Count} training images; expected 2 or more.", nameof(images));
        options = Resolve(DataFacts.Of(images), options, log);
        var recipes = options.ImageViews;
        var backbone = Fit(seed => new ImageViews(images, new ViewPipeline(recipes, seed, options.Threads!.Value)), options, device ?? CPU, log);
        return new(backbone, ImagePreprocessing.For(options.ImageSize!.Value) with { Normalization = recipes[0].Normalization }, device)
        {
            Method = options.MethodName,
            TrainingOptions = OptionText.Of(options),
        };
    }

    /// <summary>Trains on rows of a table and returns the encoder, on <paramref name="device"/>, in evaluation mode.</summary>
    /// <param name="table">The training set.</param>
    /// <inheritdoc cref="Fit(ImageStore, PretrainOptions, Device?, Action{PretrainMessage}?)"/>
    public static TableEncoder Fit(TableStore table, PretrainOptions options, Device? device = null, Action<PretrainMessage>? log = null)
    {
        ArgumentNullException.ThrowIfNull(table);
        ArgumentNullException.ThrowIfNull(options);
        if (table.Count < 2) throw new ArgumentException($"there is {table.Count} training row; expected 2 or more.", nameof(table));
        var facts = DataFacts.Of(table);
        options = Resolve(facts, options, log);
        if (facts.Table!.Constant is { Length: > 0 } constant)
            log?.Invoke(new(true, $"{constant.Length} of {table.Columns} slots are constant and tell nothing: {TableFacts.Describe(constant)}."));
        var preprocessing = options.Table.Standardize
            ? TablePreprocessing.Standardize(table, options.Table.ContinuousSlots!)
            : TablePreprocessing.None(table.Columns);
        using var scope = NewDisposeScope();
        TableViews? views = null;
        try
        {
            var backbone = Fit(seed => views = new TableViews(table, preprocessing, options.Table, options.TableViews, seed), options, device ?? CPU, log);
            return new(backbone, preprocessing, device) { Method = options.MethodName, TrainingOptions = OptionText.Of(options) };
        }
        finally
        {
            views?.Dispose();
        }
    }

    private static PretrainOptions Resolve(DataFacts facts, PretrainOptions options, Action<PretrainMessage>? log)
    {
        options.CheckInput(facts);
        var reasons = new List<string>();
        options = options.Resolve(facts, reasons);
        options.Validate(facts);
        foreach (var reason in reasons) log?.Invoke(new(false, $"{options.MethodName}: {reason}"));
        return options;
    }

    private static Backbone Fit(Func<ulong, IViewSource> views, PretrainOptions options, Device device, Action<PretrainMessage>? log)
    {
        int threadsBefore = get_num_threads();
        set_num_threads(options.Threads!.Value);
        try
        {
            using var scope = NewDisposeScope();
            ulong seed = SplitMix64.Hash((ulong)options.Seed!.Value);
            using var generator = new Generator(SplitMix64.Hash(seed, 1), CPU);
            using var method = options.CreateMethod(generator, device, options.Threads.Value);
            if (options.Epochs > 0) Train(views(SplitMix64.Hash(seed, 3)), options, method, seed, device, log);
            var encoder = options.Backbone!.Create(generator).to(device);
            encoder.load_state_dict(method.Encoder.state_dict());
            return encoder;
        }
        finally
        {
            set_num_threads(threadsBefore);
        }
    }

    private static void Train(IViewSource views, PretrainOptions options, Method method, ulong seed, Device device, Action<PretrainMessage>? log)
    {
        int batch = options.BatchSize!.Value, threads = options.Threads!.Value;
        var clock = new StepClock(0, views.Count / batch, options.Epochs);
        var plan = options.CreatePlan();
        using var step = new TrainingStep(method, plan, TrainingStep.ShardsFor(method, batch, threads, device.type), threads, SplitMix64.Hash(seed, 2));
        using var loader = new ViewLoader(views, batch, options.Epochs, SplitMix64.Hash(seed, 4), device);
        var report = new RunReport(batch, loader);
        var alarm = new CollapseAlarm();

        for (; clock.Step < clock.TotalSteps; clock = clock with { Step = clock.Step + 1 })
        {
            options.CancellationToken.ThrowIfCancellationRequested();
            using var scope = NewDisposeScope();
            var output = step.Run(loader.Next(), clock);
            report.Add(output);
            // Reading a loss waits for an accelerator; on a processor it is there already.
            if (device.type != DeviceType.CPU && !report.IsDue && clock.Step + 1 < clock.TotalSteps) continue;
            report.CheckFinite(clock);
            if (!report.IsDue && clock.Step + 1 < clock.TotalSteps) continue;
            var progress = report.Take(output, clock, plan.LearningRate(clock));
            options.Progress?.Report(progress);
            if (alarm.Check(progress) is { } warning) log?.Invoke(new(true, warning));
        }
    }

    /// <summary>Sums up the steps between two reports.</summary>
    private sealed class RunReport(int batch, ViewLoader loader)
    {
        private readonly long _runStart = Stopwatch.GetTimestamp();
        private long _start = Stopwatch.GetTimestamp();
        private TimeSpan _waitedBefore;
        private long _steps;
        private double _lossSum;
        private readonly List<Tensor> _unread = [];

        public bool IsDue => Stopwatch.GetElapsedTime(_start) >= ReportInterval;

        public void Add(MethodOutput output)
        {
            _steps++;
            _unread.Add(output.Loss.DetachFromDisposeScope());
        }

        public void CheckFinite(StepClock clock)
        {
            foreach (var loss in _unread)
            {
                _lossSum += loss.ToSingle();
                loss.Dispose();
            }
            _unread.Clear();
            if (!double.IsFinite(_lossSum))
                throw new ArithmeticException($"the loss is not finite at step {clock.Step} (epoch {clock.Epoch + 1}): lower LearningRate, or clip gradients.");
        }

        public PretrainProgress Take(MethodOutput output, StepClock clock, double learningRate)
        {
            using var scope = NewDisposeScope();
            var elapsed = Stopwatch.GetElapsedTime(_start);
            var run = Stopwatch.GetElapsedTime(_runStart);
            var embeddings = NtXent.Normalize(output.Embeddings);
            double std = embeddings.std(0, true).mean().ToSingle() * Math.Sqrt(embeddings.size(1));
            long done = clock.Step + 1;
            var progress = new PretrainProgress(done, clock.TotalSteps, clock.Epoch + 1, clock.Epochs, _lossSum / _steps, learningRate,
                _steps * batch / elapsed.TotalSeconds, Math.Min(1, (loader.Waited - _waitedBefore) / elapsed),
                run * ((clock.TotalSteps - done) / (double)done), std, output.TeacherEntropy?.ToSingle());
            (_start, _waitedBefore, _steps, _lossSum) = (Stopwatch.GetTimestamp(), loader.Waited, 0, 0);
            return progress;
        }
    }
}
