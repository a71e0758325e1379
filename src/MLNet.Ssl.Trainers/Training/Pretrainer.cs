using System.Diagnostics;
using MLNet.Ssl.Augmentation;
using MLNet.Ssl.Checkpoints;
using MLNet.Ssl.Data;
using MLNet.Ssl.Methods;
using MLNet.Ssl.Networks;
using MLNet.Ssl.Options;
using MLNet.Ssl.Runs;
using MLNet.Ssl.Tensors;
using MLNet.Ssl.Training;
using MLNet.Ssl.Weights;
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
    /// <exception cref="OperationCanceledException">The options' token was cancelled; the message says where the run is saved.</exception>
    /// <exception cref="IOException">The folder of checkpoints cannot be written or is in use, or its disk is full: thrown before training, or when a checkpoint
    /// is written; earlier checkpoints stay as they are.</exception>
    /// <exception cref="InvalidDataException">All checkpoints of the run to resume are damaged.</exception>
    public static ImageEncoder Fit(ImageStore images, PretrainOptions options, Device? device = null, Action<PretrainMessage>? log = null)
    {
        ArgumentNullException.ThrowIfNull(images);
        ArgumentNullException.ThrowIfNull(options);
        if (images.Count < 2) throw new ArgumentException($"there are {images.Count} training images; expected 2 or more.", nameof(images));
        log = Overheard(options, log);
        using var checkpoints = RunCheckpoints.Open(options, log);
        options = Resolve(DataFacts.Of(images), checkpoints.TakeOver(options), log);
        var recipes = options.ImageViews;
        var (backbone, head) = Fit(
            seed => new ImageViews(images, new ViewPipeline(recipes, seed, options.Threads!.Value)), b => EncoderOf(b, null), options, checkpoints, device ?? CPU, log);
        return EncoderOf(backbone, head);

        ImageEncoder EncoderOf(Backbone backbone, ProjectionHead? head) =>
            new(backbone, ImagePreprocessing.For(options.ImageSize!.Value) with { Normalization = recipes[0].Normalization }, device)
            {
                Method = options.MethodName,
                TrainingOptions = OptionText.Of(options),
                ProjectionHead = head,
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
        log = Overheard(options, log);
        using var checkpoints = RunCheckpoints.Open(options, log);
        options = Resolve(facts, checkpoints.TakeOver(options), log);
        if (facts.Table!.Constant is { Length: > 0 } constant)
            log?.Invoke(new(true, $"{constant.Length} of {table.Columns} slots are constant and tell nothing (was every value missing?): {TableFacts.Describe(constant)}."));
        var preprocessing = options.Table.Standardize
            ? TablePreprocessing.Standardize(table, facts.Table, options.Table.ContinuousSlots!)
            : TablePreprocessing.None(table.Columns);
        if (!options.Table.Standardize && SlotMoments.Complaint(SlotMoments.Of(table, options.Table.ContinuousSlots!)) is { } complaint)
            log?.Invoke(new(true, complaint));
        using var scope = NewDisposeScope();
        TableViews? views = null;
        try
        {
            var (backbone, head) = Fit(
                seed => views = new TableViews(table, preprocessing, options.Table, options.TableViews, seed), EncoderOf, options, checkpoints, device ?? CPU, log);
            head?.Dispose();
            return EncoderOf(backbone);

            TableEncoder EncoderOf(Backbone backbone) =>
                new(backbone, preprocessing, device) { Method = options.MethodName, TrainingOptions = OptionText.Of(options) };
        }
        finally
        {
            views?.Dispose();
        }
    }

    /// <summary>What can be said of the files that the options name before the data is read.</summary>
    internal static void CheckFiles(PretrainOptions options)
    {
        RunCheckpoints.CheckFolder(options);
        if (options.InitialWeights is { } path) Checkpoint.Open(path).Dispose();
    }

    private static PretrainOptions Resolve(DataFacts facts, PretrainOptions options, Action<PretrainMessage>? log)
    {
        var reasons = new List<string>();
        if (options is { InitialWeights: { } path, Backbone: null } && facts.Table is null)
        {
            using var weights = PretrainedWeights.Open(path);
            options = options with { Backbone = weights.Backbone };
            reasons.Add($"Backbone = {weights.Backbone}: that of InitialWeights");
        }
        options.CheckInput(facts);
        options = options.Resolve(facts, reasons);
        options.Validate(facts);
        foreach (var reason in reasons) log?.Invoke(new(false, $"{options.MethodName}: {reason}"));
        (options.Progress as IRunObserver)?.Begin(options, reasons);
        return options;
    }

    private static Action<PretrainMessage>? Overheard(PretrainOptions options, Action<PretrainMessage>? log) =>
        options.Progress is IRunObserver observer ? log + observer.Say : log;

    private static (Backbone Backbone, ProjectionHead? Head) Fit(Func<ulong, IViewSource> views, Func<Backbone, Encoder> encoderOf, PretrainOptions options,
        RunCheckpoints checkpoints, Device device, Action<PretrainMessage>? log)
    {
        int threadsBefore = get_num_threads();
        set_num_threads(options.Threads!.Value);
        try
        {
            using var scope = NewDisposeScope();
            ulong seed = SplitMix64.Hash((ulong)options.Seed!.Value);
            using var generator = new Generator(SplitMix64.Hash(seed, 1), CPU);
            using var method = options.CreateMethod(generator, device, options.Threads.Value);
            if (options.InitialWeights is { } path) WarmStart(method, options.Backbone!, path, log);
            if (options.Epochs > 0) Train(views(SplitMix64.Hash(seed, 3)), options, method, seed, encoderOf, checkpoints, device, log);
            var encoder = options.Backbone!.Create(generator).to(device);
            encoder.load_state_dict(method.Encoder.state_dict());
            if (method.ProjectionHead is not { } head) return (encoder, null);
            var kept = new ProjectionHead(head.Options, generator).to(device);
            kept.load_state_dict(head.state_dict());
            kept.eval();
            return (encoder, kept);
        }
        finally
        {
            set_num_threads(threadsBefore);
        }
    }

    /// <summary>Every copy of the backbone starts from the file's weights.</summary>
    private static void WarmStart(Method method, BackboneOptions options, string path, Action<PretrainMessage>? log)
    {
        const string Backbone = ".backbone.";
        using var noGrad = no_grad();
        using var generator = new Generator(0, CPU);
        using var backbone = options.Create(generator);
        log?.Invoke(new(false, $"{path}: {PretrainedWeights.LoadInto(backbone, path)}"));
        var weights = backbone.state_dict();
        foreach (var (name, value) in method.State)
            if (name.IndexOf(Backbone, StringComparison.Ordinal) is >= 0 and var at) value.copy_(weights[name[(at + Backbone.Length)..]]);
    }

    private static void Train(IViewSource views, PretrainOptions options, Method method, ulong seed, Func<Backbone, Encoder> encoderOf,
        RunCheckpoints checkpoints, Device device, Action<PretrainMessage>? log)
    {
        int batch = options.BatchSize!.Value, threads = options.Threads!.Value;
        var clock = new StepClock(0, views.Count / batch, options.Epochs);
        var plan = options.CreatePlan();
        using var step = new TrainingStep(method, plan, TrainingStep.ShardsFor(method, batch, threads, device.type), threads, SplitMix64.Hash(seed, 2));
        var alarm = new CollapseAlarm();
        clock = checkpoints.Start(clock, step, alarm, () => RunIdentity.Of(options, views, device.type));
        using var evaluator = options.Evaluation is null ? null : new OnlineEvaluator(options, method, encoderOf, checkpoints.BestScore, device, log);
        using var loader = new ViewLoader(views, batch, options.Epochs, SplitMix64.Hash(seed, 4), device, clock.Step);
        var report = new RunReport(batch, loader, clock.Step);

        for (; clock.Step < clock.TotalSteps; clock = clock.Next)
        {
            if (options.CancellationToken.IsCancellationRequested) checkpoints.Cancel(clock);
            using var scope = NewDisposeScope();
            var output = step.Run(loader.Next(), clock);
            report.Add(output);
            bool measures = evaluator?.IsDueBefore(clock.Next) == true, saves = checkpoints.IsDue(clock.Next);
            bool reports = report.IsDue || measures || clock.Next.Step == clock.TotalSteps;
            // Reading a loss waits for an accelerator; on a processor it is there already.
            if (device.type == DeviceType.CPU || reports || saves) report.CheckFinite(clock);
            double? accuracy = null;
            if (reports)
            {
                var progress = report.Take(output, clock, plan.LearningRate(clock)) with { TeacherMomentum = method.TeacherMomentum(clock) };
                if (measures)
                {
                    accuracy = evaluator!.Measure(progress.Epoch, out bool best);
                    saves |= best && checkpoints.AreWritten;
                    report.Restart();
                }
                progress = progress with { KnnAccuracy = accuracy };
                options.Progress?.Report(progress);
                if (alarm.Check(progress) is { } warning) log?.Invoke(new(true, warning));
            }
            if (saves) checkpoints.Write(clock.Next, accuracy);
        }
    }

    /// <summary>Sums up the steps between two reports.</summary>
    private sealed class RunReport(int batch, ViewLoader loader, long firstStep)
    {
        private readonly long _runStart = Stopwatch.GetTimestamp();
        private long _start = Stopwatch.GetTimestamp();
        private TimeSpan _waitedBefore;
        private long _steps;
        private double _lossSum;
        private readonly List<Tensor> _unread = [];

        /// <summary>What passed since the last report is not training time.</summary>
        public void Restart() => _start = Stopwatch.GetTimestamp();

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
                _lossSum += loss.ToNumber();
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
            double std = embeddings.std(0, true).mean().ToNumber() * Math.Sqrt(embeddings.size(1));
            long done = clock.Step + 1;
            var progress = new PretrainProgress(done, clock.TotalSteps, clock.Epoch + 1, clock.Epochs, _lossSum / _steps, learningRate,
                _steps * batch / elapsed.TotalSeconds, Math.Min(1, (loader.Waited - _waitedBefore) / elapsed),
                run * ((clock.TotalSteps - done) / (double)(done - firstStep)), std, output.TeacherEntropy?.ToNumber());
            (_start, _waitedBefore, _steps, _lossSum) = (Stopwatch.GetTimestamp(), loader.Waited, 0, 0);
            return progress;
        }
    }
}
