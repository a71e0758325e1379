using MLNet.Ssl.Data;
using MLNet.Ssl.Methods;
using MLNet.Ssl.Optimization;
using MLNet.Ssl.Options;
using static TorchSharp.torch;

namespace MLNet.Ssl;

/// <summary>Options of DINO, self-distillation with no labels (Caron et al., arXiv 2104.14294). Defaults are the official code's.</summary>
public sealed record DinoOptions : PretrainOptions
{
    /// <summary>K, width of the head's output.</summary>
    /// <value>Auto: 1 024 below 20 000 rows, 2 048 below 50 000, 4 096 below 100 000, else 65 536 (the official default).</value>
    public int? OutputDimension { get; init; }

    /// <summary>Hidden width of the head.</summary>
    /// <value>Default 2 048.</value>
    public int HeadHiddenDimension { get; init; } = 2048;

    /// <summary>Bottleneck width of the head.</summary>
    /// <value>Default 256.</value>
    public int HeadBottleneckDimension { get; init; } = 256;

    /// <summary>Batch normalisation in the head.</summary>
    /// <value>Default false.</value>
    public bool BatchNormInHead { get; init; }

    /// <summary>Keeps the norms of the last layer's rows at 1, which steadies training; false can help small networks.</summary>
    /// <value>Default true.</value>
    public bool NormLastLayer { get; init; } = true;

    /// <summary>Small crops per image, seen by the student alone.</summary>
    /// <value>Default 8, range 0 and up.</value>
    public int LocalCrops { get; init; } = 8;

    /// <summary>Side of a local crop in pixels.</summary>
    /// <value>Auto: half the image size up to 64 pixels, else 96 for 224 in proportion; a multiple of the ViT's patch.</value>
    public int? LocalSize { get; init; }

    /// <summary>Area share of a global crop.</summary>
    /// <value>Default (0.4, 1).</value>
    public (double Min, double Max) GlobalScale { get; init; } = (0.4, 1);

    /// <summary>Area share of a local crop.</summary>
    /// <value>Default (0.05, 0.4).</value>
    public (double Min, double Max) LocalScale { get; init; } = (0.05, 0.4);

    /// <summary>τs.</summary>
    /// <value>Default 0.1, range above 0.</value>
    public double StudentTemperature { get; init; } = 0.1;

    /// <summary>τt after its warm-up.</summary>
    /// <value>Default 0.04, range above 0; the paper's longer runs use 0.07.</value>
    public double TeacherTemperature { get; init; } = 0.04;

    /// <summary>τt at the start of its warm-up.</summary>
    /// <value>Default 0.04, range above 0.</value>
    public double WarmupTeacherTemperature { get; init; } = 0.04;

    /// <summary>Epochs over which τt rises.</summary>
    /// <value>Default 0; the paper's longer runs use 30.</value>
    public int WarmupTeacherTemperatureEpochs { get; init; }

    /// <summary>Share of the centre that a step keeps.</summary>
    /// <value>Default 0.9, range 0 to 1.</value>
    public double CenterMomentum { get; init; } = 0.9;

    /// <summary>Momentum of the teacher's moving average at the start; a cosine takes it to 1.</summary>
    /// <value>Auto: 0.99 below 100 000 rows, else 0.996 (the official default). Range 0 to 1.</value>
    public double? TeacherMomentum { get; init; }

    /// <summary>Learning rate that the cosine approaches; not scaled by the batch.</summary>
    /// <value>Default 1e-6, range 0 and up.</value>
    public double MinLearningRate { get; init; } = 1e-6;

    /// <summary>Weight decay at the start.</summary>
    /// <value>Default 0.04, range 0 and up.</value>
    public double WeightDecay { get; init; } = 0.04;

    /// <summary>Weight decay that the cosine approaches.</summary>
    /// <value>Default 0.4, range 0 and up.</value>
    public double WeightDecayEnd { get; init; } = 0.4;

    /// <summary>L2 norm that every parameter's gradient is clipped to on its own; 0 turns clipping off.</summary>
    /// <value>Default 3.</value>
    public double ClipGradient { get; init; } = 3;

    /// <summary>Epochs in which the head's last layer stays as initialised.</summary>
    /// <value>Default 1, range 0 and up.</value>
    public int FreezeLastLayerEpochs { get; init; } = 1;

    /// <summary>Stochastic depth of the student's transformer, in place of the backbone's own; the teacher has none. A ResNet has none either.</summary>
    /// <value>Default 0.1, range 0 to below 1.</value>
    public double DropPathRate { get; init; } = 0.1;

    /// <inheritdoc/>
    public override string MethodName => "DINO";

    internal override bool TakesTables => false;

    internal override IReadOnlyList<ViewRecipe> ImageViews =>
    [
        ViewRecipes.DinoGlobal1(ImageSize!.Value) with { Scale = GlobalScale },
        ViewRecipes.DinoGlobal2(ImageSize!.Value) with { Scale = GlobalScale },
        .. Enumerable.Repeat(ViewRecipes.DinoLocal(LocalSize!.Value) with { Scale = LocalScale }, LocalCrops),
    ];

    internal override bool CanMixWith(MixingOptions mixing) => mixing is SdmpOptions;

    internal override PretrainOptions Resolve(DataFacts facts, ICollection<string> reasons)
    {
        var o = (DinoOptions)ResolveShared(facts, reasons, 64, VisionTransformerOptions.Small(16));
        int width = o.OutputDimension ?? (facts.Rows < 20_000 ? 1024 : facts.Rows < 50_000 ? 2048 : facts.Rows < 100_000 ? 4096 : 65_536);
        if (o.OutputDimension is null) reasons.Add($"OutputDimension = {width}: for {facts.Rows} rows");
        double momentum = o.TeacherMomentum ?? (facts.Rows < 100_000 ? 0.99 : 0.996);
        if (o.TeacherMomentum is null) reasons.Add($"TeacherMomentum = {momentum}: for {facts.Rows} rows");
        int patch = Math.Max(1, o.Backbone!.SizeMultiple), size = o.ImageSize!.Value;
        int local = o.LocalSize ?? Math.Max(patch, (int)Math.Round((size <= 64 ? size / 2.0 : size * 96 / 224.0) / patch) * patch);
        if (o.LocalSize is null && o.LocalCrops > 0) reasons.Add($"LocalSize = {local}: for images of {size} pixels");
        return o with
        {
            OutputDimension = width,
            TeacherMomentum = momentum,
            LocalSize = local,
            Optimizer = o.Optimizer ?? OptimizerKind.AdamW,
            LearningRate = o.LearningRate ?? 0.0005,
        };
    }

    internal override void Validate(DataFacts facts)
    {
        base.Validate(facts);
        Check.AtLeast(OutputDimension!.Value, 2, nameof(OutputDimension));
        Check.AtLeast(HeadHiddenDimension, 1, nameof(HeadHiddenDimension));
        Check.AtLeast(HeadBottleneckDimension, 1, nameof(HeadBottleneckDimension));
        Check.AtLeast(LocalCrops, 0, nameof(LocalCrops));
        if (Mixing is SdmpOptions sdmp)
        {
            if (LocalCrops < 2)
                throw new ArgumentException($"LocalCrops is {LocalCrops}; SDMP mixes half of them, so it must be at least 2.", nameof(LocalCrops));
            if (sdmp.LogMixture || sdmp.ExtraViews)
                throw new ArgumentException("Mixing.LogMixture and Mixing.ExtraViews are for MoCo v3; for DINO both must be false.", nameof(Mixing));
        }
        Check.Ordered(GlobalScale, 0, 1, nameof(GlobalScale));
        Check.Ordered(LocalScale, 0, 1, nameof(LocalScale));
        Check.Positive(StudentTemperature, nameof(StudentTemperature));
        Check.Positive(TeacherTemperature, nameof(TeacherTemperature));
        Check.Positive(WarmupTeacherTemperature, nameof(WarmupTeacherTemperature));
        Check.AtLeast(WarmupTeacherTemperatureEpochs, 0, nameof(WarmupTeacherTemperatureEpochs));
        Check.InRange(CenterMomentum, 0, 1, nameof(CenterMomentum));
        Check.InRange(TeacherMomentum!.Value, 0, 1, nameof(TeacherMomentum));
        Check.AtLeast(MinLearningRate, 0, nameof(MinLearningRate));
        Check.AtLeast(WeightDecay, 0, nameof(WeightDecay));
        Check.AtLeast(WeightDecayEnd, 0, nameof(WeightDecayEnd));
        Check.AtLeast(ClipGradient, 0, nameof(ClipGradient));
        Check.AtLeast(FreezeLastLayerEpochs, 0, nameof(FreezeLastLayerEpochs));
        Check.Below(DropPathRate, 0, 1, nameof(DropPathRate));
        if (LocalCrops > 0) Backbone!.ValidateViewSize(LocalSize!.Value);
    }

    internal override Method CreateMethod(Generator generator, Device device, int shards) => new Dino(this, generator, device, shards);

    internal override OptimizationPlan CreatePlan() => new(
        () => Optimizer switch { OptimizerKind.Sgd => new Sgd(), OptimizerKind.Lars => new Lars(), _ => new AdamW() },
        t => Schedules.WarmupCosine(t.Step, t.TotalSteps, WarmupEpochs!.Value * t.StepsPerEpoch, LearningRate!.Value * BatchSize!.Value / 256, MinLearningRate),
        t => Schedules.WarmupCosine(t.Step, t.TotalSteps, 0, WeightDecay, WeightDecayEnd),
        ClipGradient,
        (t, group) => group == Dino.LastLayer && t.Epoch < FreezeLastLayerEpochs);
}
