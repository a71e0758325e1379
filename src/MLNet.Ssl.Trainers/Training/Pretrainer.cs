using MLNet.Ssl.Augmentation;
using MLNet.Ssl.Checkpoints;
using MLNet.Ssl.Data;
using MLNet.Ssl.Distributed;
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

/// <summary>Learns an encoder from unlabelled images or rows of a table: data → views → method →
/// optimiser → schedules → progress.</summary>
/// <remarks>Knows no method: a method brings its views, its loss and its plan.</remarks>
public static class Pretrainer
{
    /// <summary>Trains on images and returns the encoder, on <paramref name="device"/>, in evaluation mode.</summary>
    /// <param name="images">The training set.</param>
    /// <param name="options">The method and its options; what is left at Auto is chosen from the data.</param>
    /// <param name="device">Where to train; the processor by default.</param>
    /// <param name="log">Receives what was chosen, and warnings.</param>
    /// <exception cref="ArgumentException">An option is out of its range, or there are too few images;
    /// thrown before training.</exception>
    /// <exception cref="ArithmeticException">The loss is not finite.</exception>
    /// <exception cref="InvalidOperationException">libtorch is not there; the message names the packages.</exception>
    /// <exception cref="OperationCanceledException">The options' token was cancelled; the message says
    /// where the run is saved.</exception>
    /// <exception cref="IOException">The folder of checkpoints cannot be written or is in use, or its disk is full:
    /// thrown before training, or when a checkpoint is written; earlier checkpoints stay as they are.</exception>
    /// <exception cref="InvalidDataException">All checkpoints of the run to resume are damaged.</exception>
    public static ImageEncoder Fit(ImageStore images, PretrainOptions options, Device? device = null,
        Action<TrainingMessage>? log = null) =>
        Fit((IImageSource)images, options, device, log);

    /// <inheritdoc cref="Fit(ImageStore, PretrainOptions, Device?, Action{TrainingMessage}?)"/>
    internal static ImageEncoder Fit(IImageSource images, PretrainOptions options, Device? device,
        Action<TrainingMessage>? log)
    {
        ArgumentNullException.ThrowIfNull(images);
        ArgumentNullException.ThrowIfNull(options);
        if (images.Count < 2) throw new ArgumentException(
            $"there are {images.Count} training images; expected 2 or more.", nameof(images));
        NativeTorch.Require();
        (options, log) = (RunLog.OfThisRank(options), RunLog.Of(options, log));
        using var checkpoints = RunCheckpoints.Open(options, log);
        var facts = DataFacts.Of(images) with { IsOnProcessor = (device ?? CPU).type == DeviceType.CPU };
        var told = checkpoints.Continue(options);
        var plan = Communicator.Current.Together(() => Plan(told, facts, device ?? CPU, log));
        var views = new ImageViews(images, new ViewPipeline(plan.Method.Views, plan.ViewSeed, plan.Settings.Threads));
        var (backbone, head) = Train(plan, views, b => EncoderOf(b, null), checkpoints, device ?? CPU, log);
        return EncoderOf(backbone, head);

        ImageEncoder EncoderOf(Backbone backbone, ProjectionHead? head)
        {
            var preprocessing = ImagePreprocessing.For(plan.Settings.ImageSize);
            return new(backbone, preprocessing with { Normalization = plan.Method.Views[0].Normalization }, device)
            {
                Method = plan.Options.MethodName,
                TrainingOptions = OptionsToKeep(plan),
                Precision = plan.Settings.Precision,
                ProjectionHead = head,
            };
        }
    }

    /// <summary>Trains on rows of a table and returns the encoder, on
    /// <paramref name="device"/>, in evaluation mode.</summary>
    /// <param name="table">The training set.</param>
    /// <inheritdoc cref="Fit(ImageStore, PretrainOptions, Device?, Action{TrainingMessage}?)"/>
    public static TableEncoder Fit(TableStore table, PretrainOptions options, Device? device = null,
        Action<TrainingMessage>? log = null)
    {
        ArgumentNullException.ThrowIfNull(table);
        ArgumentNullException.ThrowIfNull(options);
        if (table.Count < 2)
            throw new ArgumentException($"there is {table.Count} training row; expected 2 or more.", nameof(table));
        var facts = DataFacts.Of(table) with { IsOnProcessor = (device ?? CPU).type == DeviceType.CPU };
        (options, log) = (RunLog.OfThisRank(options), RunLog.Of(options, log));
        using var checkpoints = RunCheckpoints.Open(options, log);
        var told = checkpoints.Continue(options);
        var plan = Communicator.Current.Together(() => Plan(told, facts, device ?? CPU, log));
        var settings = plan.Settings.Table!;
        var preprocessing = Preprocessing(table, facts.Table!, settings, log);
        using var scope = NewDisposeScope();
        using var views = new TableViews(table, preprocessing, settings, plan.Method.TableViews, plan.ViewSeed,
            plan.Method.WholeTableViews);
        var (backbone, head) = Train(plan, views, EncoderOf, checkpoints, device ?? CPU, log);
        head?.Dispose();
        return EncoderOf(backbone);

        TableEncoder EncoderOf(Backbone backbone) =>
            new(backbone, preprocessing, device)
            {
                Method = plan.Options.MethodName,
                TrainingOptions = OptionsToKeep(plan),
                Precision = plan.Settings.Precision,
            };
    }

    /// <summary>What can be said of the files that the options name before the data is read.</summary>
    internal static void CheckFiles(PretrainOptions options)
    {
        RunCheckpoints.CheckFolder(options);
        options.CheckLimits();
        if (options is { InitialWeights: not null, ContinueFrom: not null })
        {
            throw new ArgumentException(
                "InitialWeights and ContinueFrom are both given: a run goes on from all that another one kept, or "
                + "starts from weights.",
                nameof(options.InitialWeights));
        }
        if (options.InitialWeights is { } told) Checkpoint.Open(PretrainedModels.FileOf(told)).Dispose();
    }

    private static PretrainPlan Plan(PretrainOptions options, DataFacts facts, Device device,
        Action<TrainingMessage>? log)
    {
        if (options is { InitialWeights: null, InitialWeightsOptions: not null })
        {
            throw new ArgumentException(
                $"{nameof(options.InitialWeightsOptions)} is given without {nameof(options.InitialWeights)}; set both "
                + "or none.",
                nameof(options.InitialWeightsOptions));
        }
        var choices = new Choices { HasBFloat16 = CudaDriver.HasBFloat16(device) };
        if (options is { InitialWeights: { } told, Backbone: null } && facts.Table is null)
        {
            using var weights = PretrainedWeights.Open(PretrainedModels.FileOf(told), options.InitialWeightsOptions);
            options = options with
            {
                Backbone =
                choices.Note(weights.Backbone, "that of InitialWeights", nameof(options.Backbone))
            };
        }
        var plan = PretrainPlan.Of(options, facts, choices);
        RunLog.Start(options, plan.Description with { Rows = facts.Rows }, options.MethodName, log);
        if (MeasuredGains.Warning(options, facts) is { } warning) log?.Invoke(new(true, warning));
        return plan;
    }

    private static TablePreprocessing Preprocessing(
        TableStore table, TableFacts facts, TableSettings settings, Action<TrainingMessage>? log)
    {
        if (facts.Constant is { Length: > 0 } constant)
        {
            log?.Invoke(new(true, $"{constant.Length} of {table.Columns} slots are constant and tell nothing "
                + $"(was every value missing?): {TableFacts.Describe(constant)}."));
        }
        if (settings.Standardize)
            return TablePreprocessing.Standardize(table, facts, settings.ContinuousSlots, settings.Quantiles);
        if (SlotMoments.StandardizationWarning(SlotMoments.Of(table, settings.ContinuousSlots)) is { } warning)
            log?.Invoke(new(true, warning));
        return TablePreprocessing.None(table.Columns);
    }

    // The network and the method's name are kept in places of their own; where weights to
    // start from lay tells nothing elsewhere.
    private static Dictionary<string, string> OptionsToKeep(PretrainPlan plan) => plan.OptionTexts
        .Where(option => option.Value != OptionText.None && option.Key.Split('.')[0]
            is not (nameof(PretrainOptions.Backbone) or nameof(PretrainOptions.InitialWeights)
                or nameof(PretrainOptions.InitialWeightsOptions) or nameof(PretrainOptions.ContinueFrom)
                    or nameof(PretrainOptions.MethodName)))
        .ToDictionary();

    private static (Backbone Backbone, ProjectionHead? Head) Train(
        PretrainPlan plan, IViewSource views, Func<Backbone, Encoder> encoderOf, RunCheckpoints checkpoints,
        Device device,
        Action<TrainingMessage>? log)
    {
        var (options, settings) = (plan.Options, plan.Settings);
        using var threads = IntraOpThreads.Use(settings.Threads);
        using var scope = NewDisposeScope();
        using var generator = new Generator(SplitMix64.Hash(plan.Seed, 1), CPU);
        using var method = plan.CreateMethod(generator, device, settings.Threads);
        if (options.InitialWeights is not null) WarmStart(method, settings.Backbone, options, log);
        if (settings.Epochs > 0)
        {
            // Rank 0 measures, and the others wait for it at the next step.
            bool measures = World.Rank == 0;
            using var copy = encoderOf(Copy(settings.Backbone, device));
            using var evaluator = measures && options.Evaluation is { } evaluation
                ? new OnlineEvaluator(evaluation, method, copy, log) : null;
            if (options.Progress is IRunObserver { WantsBaseline: true } observer)
                evaluator?.TellBaseline(observer, World.Size == 1 ? options.CancellationToken : default);
            new TrainingRun
            {
                Options = options,
                Settings = settings,
                Method = method,
                Plan = plan.Method.Optimization,
                Views = views,
                Device = device,
                Seed = plan.Seed,
                Checkpoints = checkpoints,
                Identity = plan.OptionTexts,
                Log = log,
                Evaluator = evaluator,
                Quality = measures ? new(method, copy.Backbone, views, device, settings.Epochs, plan.Seed) : null,
                WatchesForCollapse = measures,
            }.Run();
        }
        var encoder = Copy(settings.Backbone, device);
        encoder.load_state_dict(method.Encoder.Weights());
        if (method.ProjectionHead is not { } head) return (encoder, null);
        var kept = new ProjectionHead(head.Options, generator).to(device);
        kept.load_state_dict(head.Weights());
        kept.eval();
        return (encoder, kept);
    }

    /// <summary>A network whose weights are overwritten; the run's generator stays as it is.</summary>
    private static Backbone Copy(BackboneOptions options, Device device)
    {
        using var generator = new Generator(0, CPU);
        return options.Create(generator).to(device);
    }

    /// <summary>Every copy of the backbone starts from the file's weights.</summary>
    private static void WarmStart(Method method, BackboneOptions architecture, PretrainOptions options,
        Action<TrainingMessage>? log)
    {
        const string Backbone = "backbone.";
        string path = PretrainedModels.FileOf(options.InitialWeights!);
        using var noGrad = no_grad();
        using var backbone = Copy(architecture, CPU);
        var report = PretrainedWeights.LoadInto(backbone, path, options.InitialWeightsOptions);
        log?.Invoke(new(false, $"{path}: {report}"));
        var weights = backbone.state_dict();
        foreach (var (name, value) in method.State)
        {
            // With a dot in front, a name that begins with the backbone's is found like one behind its network's.
            int at = $".{name}".IndexOf($".{Backbone}", StringComparison.Ordinal);
            if (at >= 0) value.copy_(weights[name[(at + Backbone.Length)..]]);
        }
        MixedPrecision.Refresh(method.State.Select(entry => entry.Value));
    }
}
