using MLNet.Ssl.Data;
using MLNet.Ssl.Methods;
using MLNet.Ssl.Optimization;
using MLNet.Ssl.Options;
using static TorchSharp.torch;

namespace MLNet.Ssl;

/// <summary>
/// Options of MoCo, momentum contrast. Defaults are the official code's of MoCo v2 (Chen et al., arXiv 2003.04297); <see cref="V1"/> has v1's.
/// </summary>
public sealed record MoCoOptions : PretrainOptions
{
    /// <summary>K, number of negatives; a multiple of the batch.</summary>
    /// <value>Auto: the largest multiple of the batch up to half the rows and up to 65 536 (ImageNet), or 4 096 up to 64 pixels (i-Mix on CIFAR).</value>
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
    /// <value>Auto: nowhere, as official; everywhere for tables (i-Mix). i-Mix on CIFAR has it behind hidden layers.</value>
    public HeadNormalization? HeadBatchNorm { get; init; }

    /// <summary>Width of the projection.</summary>
    /// <value>Default 128.</value>
    public int ProjectionDimension { get; init; } = 128;

    /// <summary>
    /// Parts of the batch that are normalised on their own, and from which keys are shuffled, as on so many devices: it keeps a query from finding
    /// its key by batch statistics. 1 turns it off. The batch must be a multiple of it, with two rows or more a part.
    /// </summary>
    /// <value>Auto: 8 (official), or 2 up to 64 pixels (i-Mix on CIFAR), or the next smaller number that divides the batch; 1 without batch norm.</value>
    public int? BatchNormGroups { get; init; }

    /// <summary>Adds the loss with the views exchanged. Twice the work.</summary>
    /// <value>Default false.</value>
    public bool Symmetric { get; init; }

    /// <summary>The recipe of both views, at any size.</summary>
    /// <value>Auto: <see cref="ViewRecipes.MoCoV2"/>, or <see cref="ViewRecipes.IMixCifar"/>, which has no blur, up to 64 pixels.</value>
    public ViewRecipe? View { get; init; }

    /// <summary>Epochs at which the learning rate falls to a tenth; null for a cosine by the epoch.</summary>
    public IReadOnlyList<int>? DecayEpochs { get; init; }

    /// <summary>Weight decay of every parameter.</summary>
    /// <value>Default 1e-4, range 0 and up.</value>
    public double WeightDecay { get; init; } = 1e-4;

    /// <summary>MoCo v1: a linear head, T = 0.07, the learning rate in steps at epochs 120 and 160 of 200, v1's augmentation.</summary>
    public static MoCoOptions V1 { get; } = new()
    {
        HeadLayers = 1,
        Temperature = 0.07,
        View = ViewRecipes.MoCoV1(),
        DecayEpochs = [120, 160],
        Epochs = 200,
    };

    /// <inheritdoc/>
    public override string MethodName => "MoCo v2";

    internal MlpHeadOptions Head => new(Backbone!.EmbeddingDimension)
    {
        OutputDimension = ProjectionDimension,
        Layers = HeadLayers,
        BatchNorm = HeadBatchNorm != HeadNormalization.None,
        OutputNorm = HeadBatchNorm == HeadNormalization.All ? HeadOutputNorm.Affine : HeadOutputNorm.None,
    };

    internal override IReadOnlyList<ViewRecipe> ImageViews => [View! with { Size = ImageSize!.Value }, View! with { Size = ImageSize!.Value }];

    internal override bool CanMixWith(MixingOptions mixing) => mixing is IMixOptions;

    private protected override double UsualMaskProbability => Mixing is IMixOptions ? 0 : 0.2;

    internal override PretrainOptions Resolve(DataFacts facts, ICollection<string> reasons)
    {
        bool mixes = Mixing is IMixOptions;
        // MoCo has no warm-up; i-Mix has its own, also in its baselines for tables.
        int warmup = WarmupEpochs ?? (mixes || facts.Table is not null ? Math.Min(Epochs > 500 ? 10 : 5, Epochs / 10) : 0);
        var o = (MoCoOptions)(this with { WarmupEpochs = warmup }).ResolveShared(facts, reasons, 256, ResNetOptions.ResNet50());
        bool table = facts.Table is not null, small = facts.AreSmall(o.ImageSize);
        int batch = o.BatchSize!.Value;
        int length = o.QueueLength ?? Math.Max(1, Math.Min(small ? 4096 : 65_536, facts.Rows / 2) / batch) * batch;
        if (o.QueueLength is null) reasons.Add($"QueueLength = {length}: a multiple of the batch, for {facts.Rows} rows");
        double momentum = o.KeyMomentum ?? (facts.Rows < 100_000 ? 0.99 : 0.999);
        if (o.KeyMomentum is null) reasons.Add($"KeyMomentum = {momentum}: for {facts.Rows} rows");
        var headNorm = o.HeadBatchNorm ?? (table ? HeadNormalization.All : HeadNormalization.None);
        bool normalizes = o.Backbone!.NormalizesBatches || headNorm != HeadNormalization.None;
        int groups = o.BatchNormGroups ?? (!normalizes || table ? 1 : small ? 2 : 8);
        while (o.BatchNormGroups is null && groups > 1 && (batch % groups != 0 || batch / groups < 2)) groups--;
        return o with
        {
            QueueLength = length,
            KeyMomentum = momentum,
            BatchNormGroups = groups,
            HeadBatchNorm = headNorm,
            Temperature = o.Temperature ?? (table ? 0.1 : 0.2),
            View = o.View ?? (small ? ViewRecipes.IMixCifar() : ViewRecipes.MoCoV2()),
            Optimizer = o.Optimizer ?? OptimizerKind.Sgd,
            LearningRate = o.LearningRate ?? (table || (mixes && small) ? 0.125 : 0.03),
        };
    }

    internal override void Validate(DataFacts facts)
    {
        base.Validate(facts);
        int batch = BatchSize!.Value;
        Check.AtLeast(QueueLength!.Value, 1, nameof(QueueLength));
        if (QueueLength.Value % batch != 0)
            throw new ArgumentException($"QueueLength is {QueueLength}; it must be a multiple of BatchSize ({batch}).", nameof(QueueLength));
        Check.InRange(KeyMomentum!.Value, 0, 1, nameof(KeyMomentum));
        Check.Positive(Temperature!.Value, nameof(Temperature));
        Check.Defined(HeadBatchNorm!.Value, nameof(HeadBatchNorm));
        Check.AtLeast(HeadLayers, 1, nameof(HeadLayers));
        Check.AtLeast(ProjectionDimension, 1, nameof(ProjectionDimension));
        Check.BatchNormGroups(BatchNormGroups!.Value, batch);
        Check.AtLeast(WeightDecay, 0, nameof(WeightDecay));
        if (ImageSize is { } size) (View! with { Size = size }).Validate();
    }

    internal override Method CreateMethod(Generator generator, Device device, int shards) => new MoCo(this, generator, device);

    internal override OptimizationPlan CreatePlan()
    {
        double peak = LearningRate!.Value * BatchSize!.Value / 256;
        return new(
            () => Optimizer switch { OptimizerKind.Lars => new Lars(), OptimizerKind.AdamW => new AdamW(), _ => new Sgd() },
            t => DecayEpochs is null
                ? Schedules.IMix(t.Step, t.StepsPerEpoch, t.Epochs, WarmupEpochs!.Value, peak)
                : Schedules.StepDecay(t.Epoch, DecayEpochs, peak),
            _ => WeightDecay);
    }
}
