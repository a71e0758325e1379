using MLNet.Ssl.Methods;
using MLNet.Ssl.Optimization;
using MLNet.Ssl.Options;

namespace MLNet.Ssl;

/// <summary>Options of BYOL, bootstrap your own latent (Grill et al., arXiv 2006.07733). Defaults
/// are the official code's.</summary>
public sealed record ByolOptions : PretrainOptions
{
    /// <summary>τ, momentum of the target network at the start; a cosine takes it to 1.</summary>
    /// <value>Auto: 0.97 up to 40 epochs, 0.99 up to 300, else 0.996, as published. Range 0 to 1.</value>
    public double? TargetMomentum { get; init; }

    /// <summary>Keeps the target's momentum as it is at the start, as i-Mix does.</summary>
    /// <value>Default false.</value>
    public bool ConstantMomentum { get; init; }

    /// <summary>Width of the projection.</summary>
    /// <value>Default 256, range 1 and up.</value>
    public int ProjectionDimension { get; init; } = 256;

    /// <summary>Hidden width of projector and predictor.</summary>
    /// <value>Auto: 4 096; for tables the features' width (i-Mix). Range 1 and up.</value>
    public int? HeadHiddenDimension { get; init; }

    /// <summary>Where projector and predictor have batch norm.</summary>
    /// <value>Auto: behind hidden layers, as official; everywhere for tables (i-Mix).</value>
    public HeadNormalization? HeadBatchNorm { get; init; }

    /// <summary>Predicts either view from the other, and not the second from the first alone.</summary>
    /// <value>Default true; i-Mix's published runs have false.</value>
    public bool Symmetric { get; init; } = true;

    /// <summary>Parts of the batch that are normalised on their own, as in
    /// <see cref="MoCoOptions.BatchNormGroups"/>.</summary>
    /// <value>Default 1: all of the batch together.</value>
    public int BatchNormGroups { get; init; } = 1;

    /// <summary>The recipe of the first view, at any size.</summary>
    /// <value>Auto: <see cref="ViewRecipes.ByolView1"/>; without blur up to 64 pixels.</value>
    public ViewRecipe? View1 { get; init; }

    /// <summary>The recipe of the second view, at any size.</summary>
    /// <value>Auto: <see cref="ViewRecipes.ByolView2"/>; without blur up to 64 pixels.</value>
    public ViewRecipe? View2 { get; init; }

    /// <summary>Weight decay; biases and normalisation weights have none, but for SGD, with
    /// which i-Mix trains BYOL.</summary>
    /// <value>Auto: 1e-6 for LARS (1.5e-6 from 1 000 epochs on), else 1e-4. Range 0 and up.</value>
    public double? WeightDecay { get; init; }

    /// <inheritdoc/>
    public override string MethodName => "BYOL";

    internal override bool CanMixWith(MixingOptions mixing) => mixing is IMixOptions;

    /// <inheritdoc/>
    public override MethodPlan Plan(PlanContext context)
    {
        bool table = context.Columns is not null;
        var settings = context.Resolve(new() { BFloat16 = true, MaskProbability = Mixing is IMixOptions ? 0 : 0.2 });
        string kind = table ? "i-Mix's for tables" : "as published";
        var optimizer = context.ChooseOptimizer(table ? OptimizerKind.Sgd : OptimizerKind.Lars, kind);
        // 2.0 is the official rate for little data and batches of 256.
        double rate = context.ChooseLearningRate(optimizer switch
        {
            OptimizerKind.AdamW => 0.0005,
            OptimizerKind.Sgd => table ? 0.125 : 0.06,
            _ => context.Rows < 100_000 ? 2 : Epochs <= 100 ? 0.45 : Epochs <= 300 ? 0.3 : 0.2,
        }, $"for {optimizer}, {context.Rows} rows and {Epochs} epochs");
        double momentum = context.Choose(
            TargetMomentum, Epochs <= 40 ? 0.97 : Epochs <= 300 ? 0.99 : 0.996, $"for {Epochs} epochs");
        int hidden = context.Choose(HeadHiddenDimension, table ? settings.Backbone.EmbeddingDimension : 4096, kind);
        var norm = context.Choose(HeadBatchNorm, table ? HeadNormalization.All : HeadNormalization.Hidden, kind);
        double decay = context.Choose(
            WeightDecay, optimizer != OptimizerKind.Lars ? 1e-4 : Epochs >= 1000 ? 1.5e-6 : 1e-6, $"for {optimizer}");
        Check.InRange(momentum, 0, 1, nameof(TargetMomentum));
        Check.AtLeast(ProjectionDimension, 1);
        Check.AtLeast(hidden, 1, nameof(HeadHiddenDimension));
        Check.Defined(norm, nameof(HeadBatchNorm));
        Check.BatchNormGroups(BatchNormGroups, settings.BatchSize, World.Size);
        Check.AtLeast(decay, 0, nameof(WeightDecay));

        double peak = settings.PeakRate(rate);
        var projector = Projector(settings.Backbone, hidden, norm);
        var method = new ByolSettings(
            settings.Backbone, projector, projector with { InputDimension = ProjectionDimension }, optimizer, momentum);
        var optimization = new OptimizationPlan(
            optimizer,
            t => optimizer == OptimizerKind.Sgd
                ? Schedules.IMix(t.Step, t.StepsPerEpoch, t.Epochs, settings.WarmupEpochs, peak)
                : Schedules.SimClr(t.Step, t.TotalSteps, settings.WarmupEpochs * t.StepsPerEpoch, peak),
            _ => decay);
        return new(optimization, where =>
            new Byol(this, method, where))
        { Views = table ? [] : Views(context, settings) };
    }

    internal MlpHeadOptions Projector(BackboneOptions backbone, int hidden, HeadNormalization norm) =>
        new(backbone.EmbeddingDimension)
        {
            HiddenDimension = hidden,
            OutputDimension = ProjectionDimension,
            BatchNorm = norm != HeadNormalization.None,
            OutputNorm = norm == HeadNormalization.All ? HeadOutputNorm.Affine : HeadOutputNorm.None,
            OutputBias = false,
        };

    private ViewRecipe[] Views(PlanContext context, PretrainSettings settings)
    {
        ViewRecipe Usual(ViewRecipe published) => settings.IsSmall ? published with { BlurProbability = 0 } : published;
        string reason = settings.IsSmall ? "for small images" : "as published";
        var first = context.Choose(View1, Usual(ViewRecipes.ByolView1()), reason);
        var second = context.Choose(View2, Usual(ViewRecipes.ByolView2()), reason);
        return [first with { Size = settings.ImageSize }, second with { Size = settings.ImageSize }];
    }
}

/// <summary>What BYOL's Auto options became.</summary>
internal sealed record ByolSettings(
    BackboneOptions Backbone, MlpHeadOptions Projector, MlpHeadOptions Predictor, OptimizerKind Optimizer,
    double TargetMomentum);
