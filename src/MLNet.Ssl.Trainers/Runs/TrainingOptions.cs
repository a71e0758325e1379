using MLNet.Ssl.Options;

namespace MLNet.Ssl;

/// <summary>
/// Options that every run has: pretraining, fine-tuning and distillation. A null stands for Auto: chosen from the data
/// when training begins, and reported.
/// </summary>
public abstract record TrainingOptions
{
    /// <summary>Passes over the data. For pretraining 0 gives the untrained encoder, the
    /// baseline of every comparison.</summary>
    /// <value>Default 100 for pretraining, range 0 and up; 30 for fine-tuning and distillation, as SimCLR v2 fine-tunes
    /// on 10 % of the labels, range 1 and up.</value>
    public int Epochs { get; init; } = 100;

    /// <summary>
    /// Rows of one optimiser step. What is left at the end of an epoch makes a step too where it is a quarter of a
    /// batch or more and the method takes it (<see cref="Methods.Method.PartialBatchMultiple"/>); else it is
    /// dropped, other rows in every epoch.
    /// </summary>
    /// <value>Auto: 256 for pretraining on images, 64 for DINO, fine-tuning and distillation, 512 on tables, but at
    /// most a quarter of the rows. Range 2 to the number of rows.</value>
    public int? BatchSize { get; init; }

    /// <summary>Peak learning rate for a batch of 256; it is scaled by batch / 256.</summary>
    /// <value>Auto: the method's published value. To fine-tune 0.00025 for AdamW (DeiT's), 0.05 for SGD, 0.04 for LARS;
    /// of a distilled network see <see cref="DistillOptions"/>. Range above 0.</value>
    public double? LearningRate { get; init; }

    /// <summary>The optimiser.</summary>
    /// <value>Auto: the method's published one. For fine-tuning and distillation AdamW for a transformer, SGD with
    /// momentum for a ResNet; SimCLR v2 has LARS, for batches of thousands.</value>
    public OptimizerKind? Optimizer { get; init; }

    /// <summary>Epochs over which the learning rate rises.</summary>
    /// <value>Auto: 10, at most a tenth of the epochs, or what the method published. For fine-tuning and distillation 5
    /// for a transformer, at most a tenth of the epochs, and 0 for a ResNet. Range 0 and up.</value>
    public int? WarmupEpochs { get; init; }

    /// <summary>Seed of everything random: the same seed, data and thread count give the same weights.</summary>
    /// <value>Auto: drawn from the MLContext, or from the clock outside a pipeline.</value>
    public int? Seed { get; init; }

    /// <summary>Processor threads.</summary>
    /// <value>Auto: the processor's, or a process's share of them where several train together. Range 1 and up.</value>
    public int? Threads { get; init; }

    /// <summary>What the networks compute in; weights, optimiser, losses and files are in single precision.</summary>
    /// <value>Auto: <see cref="Precision.BFloat16"/> on a GPU that has it (compute capability 8.0), for
    /// the methods of this library; else <see cref="Precision.Float32"/>. On a processor it may be asked
    /// for, and is faster on few.</value>
    public Precision? Precision { get; init; }

    /// <summary>What is done with an image that cannot be read, in an ML.NET pipeline: on <c>Fit</c>, in the rows of
    /// its evaluation, and by the transformer that it gives.</summary>
    /// <value>Default <see cref="OnUnreadableImage.Throw"/>.</value>
    [OutsideOfTheRun]
    public OnUnreadableImage OnUnreadableImage { get; init; }

    /// <summary>
    /// Turns image files as the orientation in their EXIF data says, in an ML.NET pipeline whose column holds paths or
    /// encoded bytes: on <c>Fit</c>, in the rows of its evaluation, and by the transformer that it gives. An
    /// <c>MLImage</c> has no such data any more.
    /// </summary>
    /// <value>Default false: images as they are stored, as torchvision reads them; a warning in the log says
    /// where orientations are mixed.</value>
    public bool ApplyExifOrientation { get; init; }

    /// <summary>
    /// Images whose shorter side has more pixels are shrunk to it before views are cut from them, in an ML.NET pipeline
    /// (bicubic, antialiased). Smaller is faster and takes less memory; larger keeps what small crops can show: a crop
    /// of a share s of the area has √s of the side.
    /// </summary>
    /// <value>Auto: 8/7 of the image size, at least 256, as images of 224 pixels are
    /// usually prepared. Range 1 and up.</value>
    public int? MaxShorterSide { get; init; }

    /// <summary>Where decoded images are kept on disk, for columns of paths and of bytes in an ML.NET pipeline: an
    /// epoch decodes only what is not there.</summary>
    /// <value>Default null: files are decoded whenever views are cut from them.</value>
    [OutsideOfTheRun]
    public ImageCache? ImageCache { get; init; }

    /// <summary>
    /// Most bytes of memory that images are kept in, in an ML.NET pipeline: pixels of <c>MLImage</c> columns and
    /// of vectors, and bytes of image files. The rest goes to the <see cref="ImageCache"/>, or to a temporary
    /// folder that is deleted after the run.
    /// </summary>
    /// <value>Auto: half of the memory there is. Range 1 and up.</value>
    [OutsideOfTheRun]
    public long? MaxImageMemory { get; init; }

    /// <summary>
    /// Folder of the run's checkpoints, one run at a time; it is made if it is missing. A checkpoint is written every
    /// <see cref="CheckpointEvery"/>, at the end, and when the run is cancelled. A file is written whole or not at all.
    /// </summary>
    /// <value>Default null: no checkpoints.</value>
    [OutsideOfTheRun]
    public string? CheckpointFolder { get; init; }

    /// <summary>How often a checkpoint is written, between two steps.</summary>
    /// <value>Default every 10 minutes.</value>
    [OutsideOfTheRun]
    public CheckpointInterval CheckpointEvery { get; init; } = CheckpointInterval.Time(TimeSpan.FromMinutes(10));

    /// <summary>How many of the newest checkpoints stay; older ones are deleted, but for the
    /// one with the best score.</summary>
    /// <value>Default 3, range 1 and up.</value>
    [OutsideOfTheRun]
    public int CheckpointsKept { get; init; } = 3;

    /// <summary>
    /// Continues the run whose checkpoints are in <see cref="CheckpointFolder"/>, to the very weights of a run that was
    /// never interrupted; without a checkpoint there, starts anew. All other options and the data must be those of that
    /// run, or it is refused by the option's name; <see cref="Seed"/> and <see cref="Threads"/> left at Auto are that
    /// run's. A damaged checkpoint is passed over with a warning for the one before it.
    /// </summary>
    /// <value>Default false: a folder with checkpoints is refused.</value>
    [OutsideOfTheRun]
    public bool Resume { get; init; }

    /// <summary>
    /// Goes on from the end of another run, with all that it kept between two steps (networks and slow copies,
    /// optimiser, centre, queue), and a new schedule of <see cref="Epochs"/>: its folder of checkpoints, of which the
    /// newest is taken, or one of the files. Method and network must be those of that run; data and other options may
    /// be others. A <see cref="Seed"/> left at Auto follows from that run's, so that other views are drawn. Checkpoints
    /// of this run need a folder of their own, from which <see cref="Resume"/> continues this run.
    /// </summary>
    /// <value>Default null: the run starts at its beginning.</value>
    public string? ContinueFrom { get; init; }

    /// <summary>
    /// Ends the run after the step at which so much time has passed since its first one, and returns what was learned;
    /// with a <see cref="CheckpointFolder"/>, after writing a checkpoint, from which <see cref="Resume"/> goes on. The
    /// learning rate has not come to its end then.
    /// </summary>
    /// <value>Default null: no limit. Range above 0.</value>
    [OutsideOfTheRun]
    public TimeSpan? MaxDuration { get; init; }

    /// <summary>
    /// Ends the run after the current step, as <see cref="MaxDuration"/> does: what was learned is returned.
    /// <see cref="CancellationToken"/> throws instead.
    /// </summary>
    [OutsideOfTheRun]
    public CancellationToken StopToken { get; init; }

    /// <summary>Receives the state of the run about twice a second and at the ends of epochs,
    /// from the training thread.</summary>
    [OutsideOfTheRun]
    public IProgress<TrainingProgress>? Progress { get; init; }

    /// <summary>
    /// Stops the run after the current step with an <see cref="OperationCanceledException"/>; with a
    /// <see cref="CheckpointFolder"/>, after writing a checkpoint. While the data is read, at the next row; while the
    /// run is measured, at the next image.
    /// </summary>
    [OutsideOfTheRun]
    public CancellationToken CancellationToken { get; init; }

    /// <summary>The seed where none is given, such as one from a pipeline; null for the clock's.</summary>
    internal int? DefaultSeed { get; init; }

    /// <summary>Checks what ends a run before its time.</summary>
    internal void CheckLimits()
    {
        if (MaxDuration is { } most) Check.Positive(most.TotalSeconds, nameof(MaxDuration));
    }
}
