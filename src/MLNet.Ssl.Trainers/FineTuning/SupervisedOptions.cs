using MLNet.Ssl.Optimization;
using MLNet.Ssl.Options;

namespace MLNet.Ssl;

/// <summary>Options that fine-tuning and distillation share. A null stands for Auto.</summary>
public abstract record SupervisedOptions
{
    /// <summary>Passes over the images.</summary>
    /// <value>Default 30, as SimCLR v2 fine-tunes on 10 % of the labels. Range 1 and up.</value>
    public int Epochs { get; init; } = 30;

    /// <summary>Images of one optimiser step; the last partial batch of an epoch is dropped.</summary>
    /// <value>Auto: 64, or all images where there are fewer. Range 2 to the number of images.</value>
    public int? BatchSize { get; init; }

    /// <summary>The optimiser.</summary>
    /// <value>Auto: AdamW for a transformer, SGD with momentum for a ResNet; SimCLR v2 has LARS, for batches of thousands.</value>
    public OptimizerKind? Optimizer { get; init; }

    /// <summary>Peak learning rate for a batch of 256; it is scaled by batch / 256.</summary>
    /// <value>Auto: 0.00025 for AdamW (DeiT's), 0.05 for SGD, 0.04 for LARS; of a distilled network see <see cref="DistillOptions"/>. Range above 0.</value>
    public double? LearningRate { get; init; }

    /// <summary>Weight decay; biases, normalisation weights, positions and class token have none.</summary>
    /// <value>Auto: 0.05 for AdamW, else 0. Range 0 and up.</value>
    public double? WeightDecay { get; init; }

    /// <summary>Epochs over which the learning rate rises; a cosine takes it to 0 after them.</summary>
    /// <value>Auto: 5 for a transformer, at most a tenth of the epochs; 0 for a ResNet. Range 0 and up.</value>
    public int? WarmupEpochs { get; init; }

    /// <summary>Smallest area share of a crop; images are cropped and flipped, nothing else.</summary>
    /// <value>Auto: 0.5 up to 64 pixels, else 0.08. Range above 0 to 1.</value>
    public double? MinCropScale { get; init; }

    /// <summary>What is done with an image that cannot be read, in an ML.NET pipeline: on <c>Fit</c> and by the transformer that it gives.</summary>
    /// <value>Default <see cref="OnUnreadableImage.Throw"/>.</value>
    public OnUnreadableImage OnUnreadableImage { get; init; }

    /// <summary>Seed of everything random.</summary>
    /// <value>Auto: drawn from the MLContext, or from the clock outside a pipeline.</value>
    public int? Seed { get; init; }

    /// <summary>Processor threads.</summary>
    /// <value>Auto: the processor's. Range 1 and up.</value>
    public int? Threads { get; init; }

    /// <summary>Receives the state of the run about twice a second, from the training thread.</summary>
    public IProgress<FineTuneProgress>? Progress { get; init; }

    /// <summary>Stops the run after the current step, and in a pipeline while images are read at the next one, with an
    /// <see cref="OperationCanceledException"/>.</summary>
    public CancellationToken CancellationToken { get; init; }

    /// <summary>Fills what was left at Auto for training this backbone on so many images of that size.</summary>
    internal abstract SupervisedOptions Resolve(BackboneOptions backbone, int rows, int imageSize);

    private protected SupervisedOptions ResolveShared(BackboneOptions backbone, int rows, int imageSize)
    {
        bool transformer = backbone.PrefersAdamW;
        var optimizer = Optimizer ?? (transformer ? OptimizerKind.AdamW : OptimizerKind.Sgd);
        return this with
        {
            BatchSize = BatchSize ?? Math.Min(64, rows),
            Optimizer = optimizer,
            LearningRate = LearningRate ?? UsualRate(optimizer),
            WeightDecay = WeightDecay ?? (optimizer == OptimizerKind.AdamW ? 0.05 : 0),
            WarmupEpochs = WarmupEpochs ?? (transformer ? Math.Min(5, Epochs / 10) : 0),
            MinCropScale = MinCropScale ?? (imageSize <= 64 ? 0.5 : 0.08),
            Seed = Seed ?? Environment.TickCount,
            Threads = Threads ?? Environment.ProcessorCount,
        };
    }

    private protected virtual double UsualRate(OptimizerKind optimizer) =>
        optimizer switch { OptimizerKind.AdamW => 0.00025, OptimizerKind.Lars => 0.04, _ => 0.05 };

    internal virtual void Validate(int rows)
    {
        Check.AtLeast(Epochs, 1, nameof(Epochs));
        Check.InRange(BatchSize!.Value, 2, rows, nameof(BatchSize));
        Check.Defined(Optimizer!.Value, nameof(Optimizer));
        Check.Positive(LearningRate!.Value, nameof(LearningRate));
        Check.AtLeast(WeightDecay!.Value, 0, nameof(WeightDecay));
        Check.AtLeast(WarmupEpochs!.Value, 0, nameof(WarmupEpochs));
        Check.Positive(MinCropScale!.Value, nameof(MinCropScale));
        Check.InRange(MinCropScale.Value, 0, 1, nameof(MinCropScale));
        Check.AtLeast(Threads!.Value, 1, nameof(Threads));
    }

    internal OptimizationPlan CreatePlan(Func<string, double>? rateScale = null) => new(
        () => Optimizer switch { OptimizerKind.Lars => new Lars(LarsMomentum.RateInside), OptimizerKind.AdamW => new AdamW(), _ => new Sgd() },
        t => Schedules.SimClr(t.Step, t.TotalSteps, WarmupEpochs!.Value * t.StepsPerEpoch, LearningRate!.Value * BatchSize!.Value / 256),
        _ => WeightDecay!.Value,
        RateScale: rateScale);
}
