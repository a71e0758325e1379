using MLNet.Ssl.Augmentation;
using MLNet.Ssl.Checkpoints;
using MLNet.Ssl.Data;
using MLNet.Ssl.Distributed;
using MLNet.Ssl.Methods;
using MLNet.Ssl.Networks;
using MLNet.Ssl.Optimization;
using MLNet.Ssl.Options;
using MLNet.Ssl.Runs;
using MLNet.Ssl.Tensors;
using MLNet.Ssl.Training;
using static TorchSharp.torch;

namespace MLNet.Ssl.FineTuning;

/// <summary>A run of fine-tuning or distillation: what it was told, what it will do, and from
/// which network it starts.</summary>
internal sealed class SupervisedRun : IDisposable
{
    private readonly SupervisedOptions _options;
    private readonly ImagePreprocessing _preprocessing;
    private readonly RunCheckpoints _checkpoints;
    private readonly SortedDictionary<string, string> _identity;
    private readonly Action<TrainingMessage>? _log;
    private readonly ViewRecipe _recipe;

    private SupervisedRun(
        SupervisedOptions options, SupervisedSettings settings, IReadOnlyList<Choice> choices,
        ImagePreprocessing preprocessing, int rows, RunCheckpoints checkpoints, Action<TrainingMessage>? log)
    {
        (_options, Settings, _preprocessing, _checkpoints, _log) = (options, settings, preprocessing, checkpoints, log);
        var chosen = choices.ToDictionary(choice => choice.Option, choice => choice.Value);
        _identity = OptionText.Of(options, chosen);
        _recipe = ViewRecipes.CropAndFlip(FineTuner.SizeOf(preprocessing), settings.MinCropScale) with
        {
            Interpolation = preprocessing.Interpolation,
            Normalization = preprocessing.Normalization,
        };
        RunLog.Start(options, new(options.Name, OptionText.Of(options, chosen, forReaders: true), choices, [_recipe],
            ViewSeed, settings.Threads)
        {
            Rows = rows,
        }, options.Name, log);
    }

    public SupervisedSettings Settings { get; }

    /// <summary>Source of the initial weights.</summary>
    public ulong WeightSeed => SplitMix64.Hash((ulong)Settings.Seed, 1);

    private ulong Seed => SplitMix64.Hash((ulong)Settings.Seed, 5);

    private ulong ViewSeed => SplitMix64.Hash(Seed, 3);

    /// <summary>Takes hold of the folder of checkpoints, and plans the run.</summary>
    /// <param name="options">What it was told.</param>
    /// <param name="plan">Resolves the options, adding to the choices.</param>
    /// <param name="preprocessing">That of the network.</param>
    /// <param name="rows">Images that are learned from.</param>
    /// <param name="device">Where it will train.</param>
    /// <param name="log">Receives what was chosen, and warnings.</param>
    public static SupervisedRun Open<T>(
        T options, Func<T, Choices, SupervisedSettings> plan, ImagePreprocessing preprocessing, int rows,
        Device device, Action<TrainingMessage>? log)
        where T : SupervisedOptions
    {
        (options, log) = (RunLog.OfThisRank(options), RunLog.Of(options, log));
        var checkpoints = RunCheckpoints.Open(options, log);
        try
        {
            options = checkpoints.Continue(options);
            return Communicator.Current.Together(() =>
            {
                var choices = new Choices { HasBFloat16 = CudaDriver.HasBFloat16(device) };
                return new SupervisedRun(options, plan(options, choices), choices.Made, preprocessing, rows,
                    checkpoints, log);
            });
        }
        catch
        {
            checkpoints.Dispose();
            throw;
        }
    }

    /// <summary>Trains the method.</summary>
    /// <param name="method">The network with its loss.</param>
    /// <param name="network">The network.</param>
    /// <param name="another">Makes a network of its architecture.</param>
    /// <param name="plan">How it is moved.</param>
    /// <param name="images">The training images.</param>
    /// <param name="labels">Class of every image.</param>
    /// <param name="start">The network that it starts from or learns from, by name: another one is another run.</param>
    /// <param name="device">Where the method is.</param>
    public void Train(
        Method method, ClassifierNetwork network, Func<ClassifierNetwork> another, OptimizationPlan plan,
        IImageSource images, IReadOnlyList<int> labels, (string Name, nn.Module Network) start, Device device)
    {
        using var threads = IntraOpThreads.Use(Settings.Threads);
        // Rank 0 measures, and the others wait for it at the next step.
        var validation = World.Rank == 0 ? _options.Validation : null;
        using var copy = validation is null
            ? null : new ImageEncoder(another(), _preprocessing, device) { Precision = Settings.Precision };
        using var evaluator = validation is null ? null
            : new ValidationEvaluator(validation, method, network, copy!, _log);
        if (_options.Progress is IRunObserver { WantsBaseline: true } observer)
            evaluator?.TellBaseline(observer, _options.CancellationToken);
        if (_checkpoints.AreWritten || World.Size > 1) _identity[start.Name] = Fingerprint(start.Network);
        new TrainingRun
        {
            Options = _options,
            Settings = Settings,
            Method = method,
            Plan = plan,
            Views = new LabeledViews(images, labels, new ViewPipeline([_recipe], ViewSeed, Settings.Threads)),
            Device = device,
            Seed = Seed,
            Checkpoints = _checkpoints,
            Identity = _identity,
            Log = _log,
            Evaluator = evaluator,
        }.Run();
    }

    public void Dispose() => _checkpoints.Dispose();

    private static string Fingerprint(nn.Module network) => Checksum.Of(stream =>
    {
        using var scope = NewDisposeScope();
        foreach (var (_, value) in network.state_dict().OrderBy(entry => entry.Key, StringComparer.Ordinal))
            value.WriteTo(stream);
    });
}
