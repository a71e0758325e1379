using MLNet.Ssl.Data;
using MLNet.Ssl.Methods;
using MLNet.Ssl.Optimization;
using MLNet.Ssl.Options;
using static TorchSharp.torch;

namespace MLNet.Ssl;

/// <summary>Options of BYOL, bootstrap your own latent (Grill et al., arXiv 2006.07733). Defaults are the official code's.</summary>
public sealed record ByolOptions : PretrainOptions
{
    /// <summary>τ, momentum of the target network at the start; a cosine takes it to 1.</summary>
    /// <value>Auto: 0.97 up to 40 epochs, 0.99 up to 300, else 0.996, as published. Range 0 to 1.</value>
    public double? TargetMomentum { get; init; }

    /// <summary>Keeps the target's momentum as it is at the start, as i-Mix does.</summary>
    /// <value>Default false.</value>
    public bool ConstantMomentum { get; init; }

    /// <summary>Width of the projection.</summary>
    /// <value>Default 256.</value>
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

    /// <summary>Parts of the batch that are normalised on their own, as in <see cref="MoCoOptions.BatchNormGroups"/>.</summary>
    /// <value>Default 1: one.</value>
    public int BatchNormGroups { get; init; } = 1;

    /// <summary>The recipe of the first view, at any size.</summary>
    /// <value>Auto: <see cref="ViewRecipes.ByolView1"/>; without blur up to 64 pixels.</value>
    public ViewRecipe? View1 { get; init; }

    /// <summary>The recipe of the second view, at any size.</summary>
    /// <value>Auto: <see cref="ViewRecipes.ByolView2"/>; without blur up to 64 pixels.</value>
    public ViewRecipe? View2 { get; init; }

    /// <summary>Weight decay; biases and normalisation weights have none, but for SGD, with which i-Mix trains BYOL.</summary>
    /// <value>Auto: 1e-6 for LARS (1.5e-6 from 1 000 epochs on), else 1e-4. Range 0 and up.</value>
    public double? WeightDecay { get; init; }

    /// <inheritdoc/>
    public override string MethodName => "BYOL";

    internal MlpHeadOptions Projector => new(Backbone!.EmbeddingDimension)
    {
        HiddenDimension = HeadHiddenDimension!.Value,
        OutputDimension = ProjectionDimension,
        BatchNorm = HeadBatchNorm != HeadNormalization.None,
        OutputNorm = HeadBatchNorm == HeadNormalization.All ? HeadOutputNorm.Affine : HeadOutputNorm.None,
        OutputBias = false,
    };

    internal MlpHeadOptions Predictor => Projector with { InputDimension = ProjectionDimension };

    internal override IReadOnlyList<ViewRecipe> ImageViews => [View1! with { Size = ImageSize!.Value }, View2! with { Size = ImageSize!.Value }];

    internal override bool CanMixWith(MixingOptions mixing) => mixing is IMixOptions;

    private protected override double UsualMaskProbability => Mixing is IMixOptions ? 0 : 0.2;

    internal override PretrainOptions Resolve(DataFacts facts, ICollection<string> reasons)
    {
        var o = (ByolOptions)ResolveShared(facts, reasons, 256, ResNetOptions.ResNet50());
        bool table = facts.Table is not null;
        var optimizer = o.Optimizer ?? (table ? OptimizerKind.Sgd : OptimizerKind.Lars);
        // 2.0 is the official rate for little data and batches of 256.
        double rate = o.LearningRate ?? (optimizer switch
        {
            OptimizerKind.AdamW => 0.0005,
            OptimizerKind.Sgd => table ? 0.125 : 0.06,
            _ => facts.Rows < 100_000 ? 2 : o.Epochs <= 100 ? 0.45 : o.Epochs <= 300 ? 0.3 : 0.2,
        });
        double momentum = o.TargetMomentum ?? (o.Epochs <= 40 ? 0.97 : o.Epochs <= 300 ? 0.99 : 0.996);
        if (o.LearningRate is null) reasons.Add($"LearningRate = {rate}: for {optimizer}, {facts.Rows} rows and {o.Epochs} epochs");
        if (o.TargetMomentum is null) reasons.Add($"TargetMomentum = {momentum}: for {o.Epochs} epochs");
        ViewRecipe Recipe(ViewRecipe usual) => facts.AreSmall(o.ImageSize) ? usual with { BlurProbability = 0 } : usual;
        return o with
        {
            Optimizer = optimizer,
            LearningRate = rate,
            TargetMomentum = momentum,
            HeadHiddenDimension = o.HeadHiddenDimension ?? (table ? o.Backbone!.EmbeddingDimension : 4096),
            HeadBatchNorm = o.HeadBatchNorm ?? (table ? HeadNormalization.All : HeadNormalization.Hidden),
            View1 = o.View1 ?? Recipe(ViewRecipes.ByolView1()),
            View2 = o.View2 ?? Recipe(ViewRecipes.ByolView2()),
            WeightDecay = o.WeightDecay ?? (optimizer != OptimizerKind.Lars ? 1e-4 : o.Epochs >= 1000 ? 1.5e-6 : 1e-6),
        };
    }

    internal override void Validate(DataFacts facts)
    {
        base.Validate(facts);
        Check.InRange(TargetMomentum!.Value, 0, 1, nameof(TargetMomentum));
        Check.AtLeast(ProjectionDimension, 1, nameof(ProjectionDimension));
        Check.AtLeast(HeadHiddenDimension!.Value, 1, nameof(HeadHiddenDimension));
        Check.Defined(HeadBatchNorm!.Value, nameof(HeadBatchNorm));
        Check.BatchNormGroups(BatchNormGroups, BatchSize!.Value);
        Check.AtLeast(WeightDecay!.Value, 0, nameof(WeightDecay));
        if (ImageSize is not { } size) return;
        (View1! with { Size = size }).Validate();
        (View2! with { Size = size }).Validate();
    }

    internal override Method CreateMethod(Generator generator, Device device, int shards) => new Byol(this, generator, device);

    internal override OptimizationPlan CreatePlan()
    {
        double peak = LearningRate!.Value * BatchSize!.Value / 256;
        return new(
            () => Optimizer switch { OptimizerKind.Lars => new Lars(), OptimizerKind.AdamW => new AdamW(), _ => new Sgd() },
            t => Optimizer == OptimizerKind.Sgd
                ? Schedules.IMix(t.Step, t.StepsPerEpoch, t.Epochs, WarmupEpochs!.Value, peak)
                : Schedules.SimClr(t.Step, t.TotalSteps, WarmupEpochs!.Value * t.StepsPerEpoch, peak),
            _ => WeightDecay!.Value);
    }
}
