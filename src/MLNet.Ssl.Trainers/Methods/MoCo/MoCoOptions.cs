using MLNet.Ssl.Methods;
using MLNet.Ssl.Optimization;
using MLNet.Ssl.Options;

namespace MLNet.Ssl;

/// <summary>
/// Options of MoCo, momentum contrast. Defaults are the official code's of MoCo v2 (Chen et al., arXiv
/// 2003.04297); <see cref="V1"/> has v1's.
/// </summary>
public sealed record MoCoOptions : PretrainOptions
{
    /// <summary>K, number of negatives; a multiple of the batch.</summary>
    /// <value>Auto: the largest multiple of the batch up to half the rows and up to 65 536 (ImageNet), or 4 096 up to
    /// 64 pixels (i-Mix on CIFAR).</value>
    public int? QueueLength { get; init; }

    /// <summary>m, momentum of the key network.</summary>
    /// <value>Auto: 0.99 below 100 000 rows, else 0.999 (the official default). Range 0 to 1.</value>
    public double? KeyMomentum { get; init; }

    /// <summary>T.</summary>
    /// <value>Auto: 0.2; 0.1 for tables (i-Mix). Range above 0.</value>
    public double? Temperature { get; init; }

    /// <summary>Layers of the projection head: 2 in v2, 1 in v1.</summary>
    /// <value>Default 2, range 1 and up.</value>
    public int HeadLayers { get; init; } = 2;

    /// <summary>Where the head has batch norm.</summary>
    /// <value>Auto: nowhere, as official; everywhere for tables (i-Mix). i-Mix on CIFAR
    /// has it behind hidden layers.</value>
    public HeadNormalization? HeadBatchNorm { get; init; }

    /// <summary>Width of the projection.</summary>
    /// <value>Default 128, range 1 and up.</value>
    public int ProjectionDimension { get; init; } = 128;

    /// <summary>
    /// Parts of the batch that are normalised on their own, and from which keys are shuffled, as on so many
    /// devices: it keeps a query from finding its key by batch statistics. 1 turns it off. The batch must be a
    /// multiple of it, with two rows or more a part.
    /// </summary>
    /// <value>Auto: 8 (official), or 2 up to 64 pixels (i-Mix on CIFAR), or the next smaller number that divides the
    /// batch and is a multiple of the processes; 1 without batch norm.</value>
    public int? BatchNormGroups { get; init; }

    /// <summary>
    /// Weight of masked reconstruction beside the contrast, for rows of a table
    /// (<see cref="MaskedReconstructionOptions"/>): the encoder also tells of a row, some slots of which have the
    /// values of other rows, which they are and what stood there. Every parameter's gradient is then clipped to a norm
    /// of 1.
    /// </summary>
    /// <value>Default 0: none. Range 0 and up.</value>
    public double ReconstructionWeight { get; init; }

    /// <summary>Adds the loss with the views exchanged. Twice the work.</summary>
    /// <value>Default false.</value>
    public bool Symmetric { get; init; }

    /// <summary>The recipe of both views, at any size.</summary>
    /// <value>Auto: <see cref="ViewRecipes.MoCoV2"/>, or <see cref="ViewRecipes.IMixCifar"/>, which
    /// has no blur, up to 64 pixels.</value>
    public ViewRecipe? View { get; init; }

    /// <summary>Epochs at which the learning rate falls to a tenth, behind a linear warm-up to the whole of it; they do
    /// not move with <see cref="TrainingOptions.Epochs"/>.</summary>
    /// <value>Default null: a cosine by the epoch.</value>
    public IReadOnlyList<int>? DecayEpochs { get; init; }

    /// <summary>Weight decay of every parameter.</summary>
    /// <value>Default 1e-4, range 0 and up.</value>
    public double WeightDecay { get; init; } = 1e-4;

    /// <summary>MoCo v1: a linear head, T = 0.07, the learning rate in steps at epochs 120 and 160
    /// of 200, v1's augmentation. With other epochs give other <see cref="DecayEpochs"/>.</summary>
    public static MoCoOptions V1 { get; } = new()
    {
        HeadLayers = 1,
        Temperature = 0.07,
        View = ViewRecipes.MoCoV1(),
        DecayEpochs = [120, 160],
        Epochs = 200,
    };

    /// <summary>All members, with the contents of lists.</summary>
    public override string ToString() => RecordText.Of(this);

    /// <inheritdoc/>
    public override string MethodName => HeadLayers == 1 ? "MoCo v1" : "MoCo v2";

    internal override bool CanMixWith(MixingOptions mixing) => mixing is IMixOptions;

    /// <inheritdoc/>
    public override MethodPlan Plan(PlanContext context)
    {
        bool mixes = Mixing is IMixOptions, table = context.Columns is not null;
        var settings = context.Resolve(new()
        {
            BFloat16 = true,
            // MoCo has no warm-up; i-Mix has its own, also in its baselines for tables.
            WarmupEpochs = mixes || table ? Math.Min(Epochs > 500 ? 10 : 5, Epochs / 10) : 0,
            MaskProbability = mixes || ReconstructionWeight > 0 ? 0 : 0.2,
            ResampleProbability = ReconstructionWeight > 0 ? MaskedReconstructionOptions.UsualResampleProbability : 0,
        });
        var (rows, batch, small) = (context.Rows, settings.BatchSize, settings.IsSmall);
        int length = context.Choose(
            QueueLength, Math.Max(1, Math.Min(small ? 4096 : 65_536, rows / 2) / batch) * batch,
            $"a multiple of the batch, for {rows} rows");
        double momentum = context.Choose(KeyMomentum, rows < 100_000 ? 0.99 : 0.999, $"for {rows} rows");
        string kind = table ? "i-Mix's for tables" : "as published";
        var norm = context.Choose(HeadBatchNorm, table ? HeadNormalization.All : HeadNormalization.None, kind);
        bool normalizes =
            settings.Backbone.NormalizesBatches || norm != HeadNormalization.None;
        int groups = !normalizes || table ? 1 : Math.Max(small ? 2 : 8, World.Size);
        while (groups > 1 && (batch % groups != 0 || batch / groups < 2 || groups % World.Size != 0)) groups--;
        groups = context.Choose(BatchNormGroups, groups, $"it divides {batch}");
        double temperature = context.Choose(Temperature, table ? 0.1 : 0.2, kind);
        var view = View is null && table ? null : context.Choose(
            View, small ? ViewRecipes.IMixCifar() : ViewRecipes.MoCoV2(), small ? "for small images" : "as published");
        var optimizer = context.ChooseOptimizer(OptimizerKind.Sgd, "as published");
        double rate = context.ChooseLearningRate(table || (mixes && small) ? 0.125 : 0.03, "as published");

        Check.AtLeast(length, 1, nameof(QueueLength));
        if (length % batch != 0)
        {
            throw new ArgumentException(
                $"QueueLength is {length}; it must be a multiple of BatchSize ({batch}).", nameof(QueueLength));
        }
        Check.InRange(momentum, 0, 1, nameof(KeyMomentum));
        Check.Positive(temperature, nameof(Temperature));
        Check.Defined(norm, nameof(HeadBatchNorm));
        Check.AtLeast(HeadLayers, 1);
        Check.AtLeast(ProjectionDimension, 1);
        Check.BatchNormGroups(groups, batch, World.Size);
        Check.AtLeast(WeightDecay, 0);
        Check.AtLeast(ReconstructionWeight, 0);
        ReconstructionTarget? reconstruction = null;
        if (ReconstructionWeight > 0)
        {
            if (settings.Table is null)
                throw new ArgumentException($"ReconstructionWeight is {ReconstructionWeight}; for images it must be 0.",
                    nameof(ReconstructionWeight));
            reconstruction = new MaskedReconstructionOptions().Target(context.Columns!.Value, settings.Table);
        }

        double peak = settings.PeakRate(rate);
        var method = new MoCoSettings(settings.Backbone, Head(settings.Backbone, norm), length, momentum, temperature,
            groups, reconstruction);
        var optimization = new OptimizationPlan(
            optimizer,
            t => Rate(t, settings.WarmupEpochs, peak),
            _ => WeightDecay,
            // Squared errors of rare values are large, and MoCo's rate is made for bounded gradients.
            ClipGradient: reconstruction is null ? 0 : 1);
        return new(optimization, where => new MoCo(this, method, where))
        {
            WholeTableViews = reconstruction is null ? 0 : 1,
            Views = view is null ? []
                : [view with { Size = settings.ImageSize }, view with { Size = settings.ImageSize }],
        };
    }

    internal MlpHeadOptions Head(BackboneOptions backbone, HeadNormalization norm) => new(backbone.EmbeddingDimension)
    {
        OutputDimension = ProjectionDimension,
        Layers = HeadLayers,
        BatchNorm = norm != HeadNormalization.None,
        OutputNorm = norm == HeadNormalization.All ? HeadOutputNorm.Affine : HeadOutputNorm.None,
    };

    /// <summary>MoCo's schedules with i-Mix's warm-up, whose first step is not 0.</summary>
    private double Rate(StepClock t, int warmupEpochs, double peak)
    {
        if (DecayEpochs is null) return Schedules.IMix(t.Step, t.StepsPerEpoch, t.Epochs, warmupEpochs, peak);
        double warmup = Math.Max(1, warmupEpochs * t.StepsPerEpoch);
        return Schedules.StepDecay(t.Epoch, DecayEpochs, peak) * Math.Min(1, (t.Step + 1) / warmup);
    }
}

/// <summary>What MoCo's Auto options became.</summary>
internal sealed record MoCoSettings(
    BackboneOptions Backbone, MlpHeadOptions Head, int QueueLength, double KeyMomentum, double Temperature,
    int BatchNormGroups,
    ReconstructionTarget? Reconstruction);
