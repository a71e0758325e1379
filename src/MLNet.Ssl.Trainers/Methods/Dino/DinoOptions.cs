using MLNet.Ssl.Methods;
using MLNet.Ssl.Optimization;
using MLNet.Ssl.Options;

namespace MLNet.Ssl;

/// <summary>Options of DINO, self-distillation with no labels (Caron et al., arXiv 2104.14294). Defaults
/// are the official code's; Auto departs from them below 100 000 rows, where its settings, made for runs of
/// hundreds of thousands of steps, learn next to nothing.</summary>
public sealed record DinoOptions : PretrainOptions
{
    private const int FewRows = 100_000;

    /// <summary>K, width of the head's output.</summary>
    /// <value>Auto: 1 024 below 20 000 rows, 2 048 below 50 000, 4 096 below 100 000, else 65 536 (the official
    /// default). Range 2 and up.</value>
    public int? OutputDimension { get; init; }

    /// <summary>Hidden width of the head.</summary>
    /// <value>Default 2 048, range 1 and up.</value>
    public int HeadHiddenDimension { get; init; } = 2048;

    /// <summary>Bottleneck width of the head.</summary>
    /// <value>Default 256, range 1 and up.</value>
    public int HeadBottleneckDimension { get; init; } = 256;

    /// <summary>Batch normalisation in the head.</summary>
    /// <value>Default false.</value>
    public bool BatchNormInHead { get; init; }

    /// <summary>Keeps the norms of the last layer's rows at 1, which steadies training; false
    /// can help small networks.</summary>
    /// <value>Default true.</value>
    public bool NormLastLayer { get; init; } = true;

    /// <summary>Small crops per image, seen by the student alone.</summary>
    /// <value>Default 8, range 0 and up.</value>
    public int LocalCrops { get; init; } = 8;

    /// <summary>Side of a local crop in pixels.</summary>
    /// <value>Auto: half the image size up to 64 pixels, else 96 for 224 in proportion; a
    /// multiple of the ViT's patch.</value>
    public int? LocalSize { get; init; }

    /// <summary>Area share of a global crop.</summary>
    /// <value>Default (0.4, 1), range above 0 to 1.</value>
    public (double Min, double Max) GlobalScale { get; init; } = (0.4, 1);

    /// <summary>Area share of a local crop.</summary>
    /// <value>Default (0.05, 0.4), range above 0 to 1.</value>
    public (double Min, double Max) LocalScale { get; init; } = (0.05, 0.4);

    /// <summary>Whether crops are blurred, and those of the second global view solarised, as published.</summary>
    /// <value>Auto: not up to 64 pixels, where a blur of up to two pixels leaves
    /// little of what there is to see.</value>
    public bool? Blur { get; init; }

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
    /// <value>Default 0, range 0 and up; the paper's longer runs use 30.</value>
    public int WarmupTeacherTemperatureEpochs { get; init; }

    /// <summary>What keeps the teacher from giving all images the same prototypes.</summary>
    /// <value>Auto: <see cref="DinoCentering.SinkhornKnopp"/> below 100 000 rows, else
    /// <see cref="DinoCentering.Mean"/> (the official code's).</value>
    public DinoCentering? Centering { get; init; }

    /// <summary>Share of the centre that a step keeps.</summary>
    /// <value>Default 0.9, range 0 to 1.</value>
    public double CenterMomentum { get; init; } = 0.9;

    /// <summary>Momentum of the teacher's moving average at the start; a cosine takes it to 1.</summary>
    /// <value>Auto: below 100 000 rows a mean over about a hundredth of the run's steps, 0.9 to 0.99; else 0.996 (the
    /// official default). Range 0 to 1.</value>
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
    /// <value>Default 3, range 0 and up.</value>
    public double ClipGradient { get; init; } = 3;

    /// <summary>Epochs in which the head's last layer stays as initialised.</summary>
    /// <value>Auto: 1 (the official default), 0 in runs of fewer than 10 epochs. Range 0 and up.</value>
    public int? FreezeLastLayerEpochs { get; init; }

    /// <summary>Stochastic depth of the student's transformer, in place of the backbone's own; the teacher has none.
    /// A ResNet has none either.</summary>
    /// <value>Default 0.1, range 0 to below 1.</value>
    public double DropPathRate { get; init; } = 0.1;

    /// <summary>
    /// Weight of the KoLeo regulariser (<see cref="KoLeo"/>), which DINOv2 adds for each of the student's two global
    /// crops: it spreads the features, that neighbours may be told apart. With it the samples of a batch meet.
    /// </summary>
    /// <value>Default 0: none. DINOv2 has 0.1. Range 0 and up.</value>
    public double KoLeoWeight { get; init; }

    /// <inheritdoc/>
    public override string MethodName => "DINO";

    /// <inheritdoc/>
    protected internal override bool TakesTables => false;

    internal override bool CanMixWith(MixingOptions mixing) => mixing is SdmpOptions;

    /// <inheritdoc/>
    public override MethodPlan Plan(PlanContext context)
    {
        var settings = context.Resolve(new()
        {
            BFloat16 = true,
            BatchSize = 64,
            Backbone = VisionTransformerOptions.Small(16),
            ProcessorBackbone = VisionTransformerOptions.Tiny(16),
        });
        var (rows, size) = (context.Rows, settings.ImageSize);
        int usualWidth = rows < 20_000 ? 1024 : rows < 50_000 ? 2048 : rows < FewRows ? 4096 : 65_536;
        int width = context.Choose(OutputDimension, usualWidth, $"for {rows} rows");
        bool few = rows < FewRows;
        var centering = context.Choose(Centering, few ? DinoCentering.SinkhornKnopp : DinoCentering.Mean,
            few ? $"{rows} rows are too few steps for the centre to balance the prototypes" : "as published");
        long steps = (long)settings.Epochs * (rows / settings.BatchSize);
        double momentum = context.Choose(TeacherMomentum, few ? ShortMomentum(steps) : 0.996,
            few ? $"a mean over about a hundredth of {steps} steps" : "as published");
        int frozen = context.Choose(
            FreezeLastLayerEpochs, settings.Epochs < 10 ? 0 : 1, $"at most a tenth of {settings.Epochs} epochs");
        int patch = Math.Max(1, settings.Backbone.SizeMultiple);
        double half = size <= 64 ? size / 2.0 : size * 96 / 224.0;
        int local = context.Choose(
            LocalSize, Math.Max(patch, (int)Math.Round(half / patch) * patch), $"for images of {size} pixels");
        bool blurs = context.Choose(Blur, size > 64, $"for images of {size} pixels");
        var optimizer = context.ChooseOptimizer(OptimizerKind.AdamW, "as published");
        // Published for batches of 512; a batch of 64 has an eighth of its rate, with which a short run ends too soon.
        double rate = few && settings.BatchSize < 512
            ? context.ChooseLearningRate(
                0.256 / settings.BatchSize, "a peak of 0.001, that of the published batch of 512")
            : context.ChooseLearningRate(0.0005, "as published");
        CheckRanges();
        Check.AtLeast(width, 2, nameof(OutputDimension));
        Check.InRange(momentum, 0, 1, nameof(TeacherMomentum));
        if (LocalCrops > 0) PlanContext.CheckViewSize(settings.Backbone, local, LocalSize);
        Check.Defined(centering, nameof(Centering));
        Check.AtLeast(frozen, 0, nameof(FreezeLastLayerEpochs));
        var method = new DinoSettings(settings.Backbone, width, centering, momentum);
        var optimization = new OptimizationPlan(
            optimizer,
            t => Schedules.WarmupCosine(
                t.Step, t.TotalSteps, settings.WarmupEpochs * t.StepsPerEpoch, settings.PeakRate(rate),
                MinLearningRate),
            t => Schedules.WarmupCosine(t.Step, t.TotalSteps, 0, WeightDecay, WeightDecayEnd),
            ClipGradient,
            (t, group) => group == Dino.LastLayer && t.Epoch < frozen);
        return new(optimization, where => new Dino(this, method, where))
        {
            Views =
            [
                Sharp(ViewRecipes.DinoGlobal1(size) with { Scale = GlobalScale }),
                Sharp(ViewRecipes.DinoGlobal2(size) with { Scale = GlobalScale }),
                .. Enumerable.Repeat(Sharp(ViewRecipes.DinoLocal(local) with { Scale = LocalScale }), LocalCrops),
            ],
        };

        ViewRecipe Sharp(ViewRecipe recipe) =>
            blurs ? recipe : recipe with { BlurProbability = 0, SolarizeProbability = 0 };
    }

    /// <summary>Momentum of a teacher that follows within a hundredth of the run, between what a mean of ten steps and
    /// one of a hundred has.</summary>
    private static double ShortMomentum(long steps) => Math.Round(1 - 100.0 / Math.Clamp(steps, 1000, 10_000), 4);

    private void CheckRanges()
    {
        Check.AtLeast(HeadHiddenDimension, 1);
        Check.AtLeast(HeadBottleneckDimension, 1);
        Check.AtLeast(LocalCrops, 0);
        if (Mixing is SdmpOptions sdmp)
        {
            if (LocalCrops < 2)
            {
                throw new ArgumentException(
                    $"LocalCrops is {LocalCrops}; SDMP mixes half of them, so it must be at least 2.",
                    nameof(LocalCrops));
            }
            if (sdmp.LogMixture || sdmp.ExtraViews)
            {
                throw new ArgumentException(
                    "Mixing.LogMixture and Mixing.ExtraViews are for MoCo v3; for DINO both must be false.",
                    nameof(Mixing));
            }
        }
        Check.Ordered(GlobalScale, 0, 1);
        Check.Ordered(LocalScale, 0, 1);
        Check.Positive(StudentTemperature);
        Check.Positive(TeacherTemperature);
        Check.Positive(WarmupTeacherTemperature);
        Check.AtLeast(WarmupTeacherTemperatureEpochs, 0);
        Check.InRange(CenterMomentum, 0, 1);
        Check.AtLeast(MinLearningRate, 0);
        Check.AtLeast(WeightDecay, 0);
        Check.AtLeast(WeightDecayEnd, 0);
        Check.AtLeast(ClipGradient, 0);
        Check.Below(DropPathRate, 0, 1);
        Check.AtLeast(KoLeoWeight, 0);
    }
}

/// <summary>What DINO's Auto options became.</summary>
internal sealed record DinoSettings(BackboneOptions Backbone, int OutputDimension, DinoCentering Centering,
    double TeacherMomentum);
