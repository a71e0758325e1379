using MLNet.Ssl.Data;
using MLNet.Ssl.Methods;
using MLNet.Ssl.Networks;
using MLNet.Ssl.Optimization;
using MLNet.Ssl.Options;
using static TorchSharp.torch;

namespace MLNet.Ssl;

/// <summary>Options that every self-supervised method has. A null stands for Auto: chosen from the data when training begins, and reported.</summary>
public abstract record PretrainOptions
{
    /// <summary>The encoder's network.</summary>
    /// <value>Auto: a ResNet-18 with the small-image stem up to 64 pixels, above that the method's usual one; for tables a <see cref="TabularMlp"/>.</value>
    public BackboneOptions? Backbone { get; init; }

    /// <summary>
    /// File of weights that the backbone starts from: an official checkpoint or what <see cref="Encoder.SaveSafeTensors"/> wrote (<see cref="PretrainedWeights"/>).
    /// Heads start at random.
    /// </summary>
    /// <value>Default null: random weights. With it, a <see cref="Backbone"/> left at Auto is the file's.</value>
    public string? InitialWeights { get; init; }

    /// <summary>Passes over the data. 0 gives the untrained encoder, the baseline of every comparison.</summary>
    /// <value>Default 100, range 0 and up.</value>
    public int Epochs { get; init; } = 100;

    /// <summary>Rows of one optimiser step; the last partial batch of an epoch is dropped.</summary>
    /// <value>Auto: the method's usual batch, or all rows where there are fewer. Range 2 to the number of rows.</value>
    public int? BatchSize { get; init; }

    /// <summary>Side of the square view that the encoder sees whole, in pixels; also the size that rows are embedded at. For images only.</summary>
    /// <value>Auto: the median shorter side of the images, at most 224, rounded down to a multiple of 16 (of 8 below 32).</value>
    public int? ImageSize { get; init; }

    /// <summary>Peak learning rate for a batch of 256; it is scaled by batch / 256.</summary>
    /// <value>Auto: the method's published value. Range above 0.</value>
    public double? LearningRate { get; init; }

    /// <summary>The optimiser.</summary>
    /// <value>Auto: the method's published one.</value>
    public OptimizerKind? Optimizer { get; init; }

    /// <summary>Epochs over which the learning rate rises.</summary>
    /// <value>Auto: 10, at most a tenth of the epochs. Range 0 and up.</value>
    public int? WarmupEpochs { get; init; }

    /// <summary>Seed of everything random: the same seed, data and thread count give the same weights.</summary>
    /// <value>Auto: drawn from the MLContext, or from the clock outside a pipeline.</value>
    public int? Seed { get; init; }

    /// <summary>Processor threads.</summary>
    /// <value>Auto: the processor's. Range 1 and up.</value>
    public int? Threads { get; init; }

    /// <summary>Mixes samples and their targets; which methods can is said where one cannot.</summary>
    /// <value>Default null: no mixing.</value>
    public MixingOptions? Mixing { get; init; }

    /// <summary>What is done with an image that cannot be read, in an ML.NET pipeline: on <c>Fit</c>, in the rows of its evaluation, and by the transformer that it gives.</summary>
    /// <value>Default <see cref="OnUnreadableImage.Throw"/>.</value>
    [OutsideOfTheRun]
    public OnUnreadableImage OnUnreadableImage { get; init; }

    /// <summary>How rows of a table become views.</summary>
    public TableOptions Table { get; init; } = new();

    /// <summary>Measures the encoder on labelled rows while it learns; the labels do not reach the training.</summary>
    /// <value>Default null: no evaluation.</value>
    [OutsideOfTheRun]
    public OnlineEvaluation? Evaluation { get; init; }

    /// <summary>
    /// Folder of the run's checkpoints, one run at a time; it is made if it is missing. A checkpoint is written every <see cref="CheckpointEvery"/>, at the end,
    /// and when the run is cancelled. A file is written whole or not at all.
    /// </summary>
    /// <value>Default null: no checkpoints.</value>
    [OutsideOfTheRun]
    public string? CheckpointFolder { get; init; }

    /// <summary>How often a checkpoint is written, between two steps.</summary>
    /// <value>Default every 10 minutes.</value>
    [OutsideOfTheRun]
    public CheckpointInterval CheckpointEvery { get; init; } = CheckpointInterval.Time(TimeSpan.FromMinutes(10));

    /// <summary>How many of the newest checkpoints stay; older ones are deleted, but for the one with the best score.</summary>
    /// <value>Default 3, range 1 and up.</value>
    [OutsideOfTheRun]
    public int CheckpointsKept { get; init; } = 3;

    /// <summary>
    /// Continues the run whose checkpoints are in <see cref="CheckpointFolder"/>, to the very weights of a run that was never interrupted; without a checkpoint
    /// there, starts anew. All other options and the data must be those of that run, or it is refused by the option's name; <see cref="Seed"/> and
    /// <see cref="Threads"/> left at Auto are that run's. A damaged checkpoint is passed over with a warning for the one before it.
    /// </summary>
    /// <value>Default false: a folder with checkpoints is refused.</value>
    [OutsideOfTheRun]
    public bool Resume { get; init; }

    /// <summary>Receives the state of the run about twice a second, from the training thread.</summary>
    [OutsideOfTheRun]
    public IProgress<PretrainProgress>? Progress { get; init; }

    /// <summary>
    /// Stops the run after the current step with an <see cref="OperationCanceledException"/>; with a <see cref="CheckpointFolder"/>, after writing a checkpoint.
    /// While the data is read, at the next row.
    /// </summary>
    [OutsideOfTheRun]
    public CancellationToken CancellationToken { get; init; }

    /// <summary>The seed where none is given, such as one from a pipeline; null for the clock's.</summary>
    internal int? UsualSeed { get; init; }

    /// <summary>Name of the method, as the literature has it.</summary>
    public abstract string MethodName { get; }

    /// <summary>True if the method is defined with this kind of mixing.</summary>
    internal virtual bool CanMixWith(MixingOptions mixing) => false;

    /// <summary>False for methods whose views are those of images alone.</summary>
    internal virtual bool TakesTables => true;

    /// <summary>Recipes of an image's views, in the order that the method's Forward expects; the options are resolved.</summary>
    internal abstract IReadOnlyList<ViewRecipe> ImageViews { get; }

    /// <summary>Views of a row of a table.</summary>
    internal virtual int TableViews => 2;

    /// <summary>Refuses options that are not for this kind of data, before anything is resolved.</summary>
    internal void CheckInput(DataFacts facts)
    {
        if (facts.Table is null)
        {
            if (Backbone is { TakesTables: true })
                throw new ArgumentException($"Backbone is {Backbone.GetType().Name}, which takes rows of a table; the input is images.", nameof(Backbone));
            return;
        }
        if (!TakesTables)
            throw new ArgumentException($"{MethodName} learns from views of images; for rows of a table take MoCo, SimCLR with Loss = NPair, or BYOL.");
        if (ImageSize is not null) throw new ArgumentException($"ImageSize is {ImageSize}; it is for images, and the input is rows of a table.", nameof(ImageSize));
        if (Backbone is { TakesTables: false })
            throw new ArgumentException($"Backbone is {Backbone.GetType().Name}, which takes images; the input is rows of a table.", nameof(Backbone));
    }

    /// <summary>Fills what was left at Auto; <paramref name="reasons"/> receives a sentence for every choice.</summary>
    internal abstract PretrainOptions Resolve(DataFacts facts, ICollection<string> reasons);

    /// <summary>Builds the method; the options are resolved and valid.</summary>
    internal abstract Method CreateMethod(Generator generator, Device device, int shards);

    /// <summary>How the method's parameters are moved; the options are resolved and valid.</summary>
    internal abstract OptimizationPlan CreatePlan();

    /// <summary>Checks every option against its range; resolved options must have no Auto left.</summary>
    /// <exception cref="ArgumentException">Names the option, its value and the range.</exception>
    internal virtual void Validate(DataFacts facts)
    {
        Check.AtLeast(Epochs, 0, nameof(Epochs));
        Check.InRange(BatchSize!.Value, 2, facts.Rows, nameof(BatchSize));
        if (facts.Table is { } table) Table.Validate(table);
        else Check.AtLeast(ImageSize!.Value, 8, nameof(ImageSize));
        Check.Positive(LearningRate!.Value, nameof(LearningRate));
        Check.Defined(Optimizer!.Value, nameof(Optimizer));
        Check.AtLeast(WarmupEpochs!.Value, 0, nameof(WarmupEpochs));
        Check.AtLeast(Threads!.Value, 1, nameof(Threads));
        Backbone!.Validate();
        if (facts.Table is null) Backbone.ValidateViewSize(ImageSize!.Value);
        else Backbone.ValidateColumns(facts.Table.Columns);
        Evaluation?.Validate(facts);
        if (Mixing is not { } mixing) return;
        if (!CanMixWith(mixing))
            throw new ArgumentException($"Mixing is {mixing.Name}, which {MethodName} has no form of; {MixingOptions.Possible}.", nameof(Mixing));
        mixing.Validate(BatchSize.Value, Backbone);
    }

    /// <summary>p of the masking noise where none is given.</summary>
    private protected virtual double UsualMaskProbability => 0.2;

    /// <summary>Fills the options that all methods share; where the method's residual branches start silent, so do those of a ResNet chosen here.</summary>
    private protected PretrainOptions ResolveShared(
        DataFacts facts, ICollection<string> reasons, int batch, BackboneOptions large, bool zeroInitResidual = false)
    {
        T Choose<T>(T? given, string name, T value, string reason) where T : struct
        {
            if (given is { } explicitly) return explicitly;
            reasons.Add($"{name} = {value}: {reason}");
            return value;
        }

        int? size = null;
        var backbone = Backbone;
        var table = Table;
        if (facts.Table is { } rows)
        {
            backbone = TabularMlpOptions.For(backbone, rows.Columns, reasons);
            table = table.Resolve(rows, UsualMaskProbability, reasons);
            batch = Math.Max(batch, 512);
        }
        else
        {
            size = Choose(ImageSize, nameof(ImageSize), facts.UsualImageSize, $"the images' median shorter side is {facts.MedianShorterSide}");
            if (backbone is null)
            {
                backbone = (size <= 64 ? ResNetOptions.ResNet18(ResNetStem.Small) : large).WithZeroInitResidual(zeroInitResidual);
                reasons.Add($"Backbone = {backbone}: for images of {size} pixels");
            }
        }
        return this with
        {
            Backbone = backbone,
            ImageSize = size,
            Table = table,
            BatchSize = Choose(BatchSize, nameof(BatchSize), Math.Min(batch, facts.Rows), $"of {facts.Rows} rows"),
            WarmupEpochs = Choose(WarmupEpochs, nameof(WarmupEpochs), Math.Min(10, Epochs / 10), $"at most a tenth of {Epochs} epochs"),
            Threads = Choose(Threads, nameof(Threads), facts.Processors, "the processors here"),
            Seed = Seed ?? UsualSeed ?? Environment.TickCount,
        };
    }
}
