using MLNet.Ssl.Data;
using MLNet.Ssl.Methods;
using MLNet.Ssl.Optimization;
using MLNet.Ssl.Options;
using static TorchSharp.torch;

namespace MLNet.Ssl;

/// <summary>Options of MoCo v3 (Chen et al., arXiv 2104.02057). Defaults are the official code's; they differ between transformers and ResNets.</summary>
public sealed record MoCoV3Options : PretrainOptions
{
    /// <summary>m, momentum of the key network at the start; a cosine takes it to 1.</summary>
    /// <value>Default 0.99; 0.996 for the published 1 000 epochs of a ResNet. Range 0 to 1.</value>
    public double? KeyMomentum { get; init; }

    /// <summary>T.</summary>
    /// <value>Auto: 0.2 for a transformer, 1 for a ResNet. Range above 0.</value>
    public double? Temperature { get; init; }

    /// <summary>Width of the projection.</summary>
    /// <value>Default 256.</value>
    public int ProjectionDimension { get; init; } = 256;

    /// <summary>Hidden width of projector and predictor.</summary>
    /// <value>Default 4 096.</value>
    public int HeadHiddenDimension { get; init; } = 4096;

    /// <summary>Keeps a transformer's patch projection as initialised, which steadies training. A convolutional stem is trained all the same.</summary>
    /// <value>Default true.</value>
    public bool FreezePatchEmbedding { get; init; } = true;

    /// <summary>The recipe of the first view, at any size.</summary>
    /// <value>Auto: <see cref="ViewRecipes.MoCoV3View1"/>, crops from 0.08 for a transformer and from 0.2 for a ResNet; without blur up to 64 pixels.</value>
    public ViewRecipe? View1 { get; init; }

    /// <summary>The recipe of the second view, at any size.</summary>
    /// <value>Auto: <see cref="ViewRecipes.MoCoV3View2"/>, likewise.</value>
    public ViewRecipe? View2 { get; init; }

    /// <summary>Weight decay; AdamW and SGD decay every parameter, LARS neither biases nor norms.</summary>
    /// <value>Auto: 0.1 for AdamW, 1e-6 for LARS, 1e-4 for SGD. Range 0 and up.</value>
    public double? WeightDecay { get; init; }

    /// <inheritdoc/>
    public override string MethodName => "MoCo v3";

    internal MlpHeadOptions Projector => new(Backbone!.EmbeddingDimension)
    {
        Layers = IsTransformer ? 3 : 2,
        HiddenDimension = HeadHiddenDimension,
        OutputDimension = ProjectionDimension,
        BatchNorm = true,
        HiddenBias = false,
        OutputBias = false,
        OutputNorm = HeadOutputNorm.Plain,
    };

    internal MlpHeadOptions Predictor => Projector with
    {
        InputDimension = ProjectionDimension,
        Layers = 2,
        OutputNorm = IsTransformer ? HeadOutputNorm.Plain : HeadOutputNorm.None,
    };

    private bool IsTransformer => Backbone is { PrefersAdamW: true };

    internal override IReadOnlyList<ViewRecipe> ImageViews
    {
        get
        {
            ViewRecipe[] views = [View1! with { Size = ImageSize!.Value }, View2! with { Size = ImageSize!.Value }];
            return Mixing is SdmpOptions { ExtraViews: true } ? [.. views, .. views] : views;
        }
    }

    internal override bool CanMixWith(MixingOptions mixing) => mixing is SdmpOptions;

    internal override PretrainOptions Resolve(DataFacts facts, ICollection<string> reasons)
    {
        var o = (MoCoV3Options)ResolveShared(facts, reasons, 256, VisionTransformerOptions.MoCoV3Small(), zeroInitResidual: true);
        bool transformer = o.IsTransformer, small = facts.AreSmall(o.ImageSize);
        var optimizer = o.Optimizer ?? (transformer ? OptimizerKind.AdamW : OptimizerKind.Lars);
        double rate = o.LearningRate ?? (optimizer switch { OptimizerKind.AdamW => 1.5e-4, OptimizerKind.Lars => o.Epochs <= 100 ? 0.6 : 0.3, _ => 0.06 });
        double temperature = o.Temperature ?? (transformer ? 0.2 : 1), scale = transformer ? 0.08 : 0.2;
        if (o.Optimizer is null) reasons.Add($"Optimizer = {optimizer}: for {(transformer ? "a transformer" : "a ResNet")}");
        if (o.LearningRate is null) reasons.Add($"LearningRate = {rate}: for {optimizer}");
        if (o.Temperature is null) reasons.Add($"Temperature = {temperature}: for {(transformer ? "a transformer" : "a ResNet")}");
        ViewRecipe Recipe(ViewRecipe usual) => small ? usual with { BlurProbability = 0 } : usual;
        return o with
        {
            Optimizer = optimizer,
            LearningRate = rate,
            Temperature = temperature,
            KeyMomentum = o.KeyMomentum ?? (!transformer && o.Epochs >= 1000 ? 0.996 : 0.99),
            View1 = o.View1 ?? Recipe(ViewRecipes.MoCoV3View1(minScale: scale)),
            View2 = o.View2 ?? Recipe(ViewRecipes.MoCoV3View2(minScale: scale)),
            WeightDecay = o.WeightDecay ?? (optimizer switch { OptimizerKind.AdamW => 0.1, OptimizerKind.Lars => 1e-6, _ => 1e-4 }),
        };
    }

    internal override void Validate(DataFacts facts)
    {
        base.Validate(facts);
        Check.InRange(KeyMomentum!.Value, 0, 1, nameof(KeyMomentum));
        Check.Positive(Temperature!.Value, nameof(Temperature));
        Check.AtLeast(ProjectionDimension, 1, nameof(ProjectionDimension));
        Check.AtLeast(HeadHiddenDimension, 1, nameof(HeadHiddenDimension));
        Check.AtLeast(WeightDecay!.Value, 0, nameof(WeightDecay));
        if (ImageSize is not { } size) return;
        (View1! with { Size = size }).Validate();
        (View2! with { Size = size }).Validate();
    }

    internal override Method CreateMethod(Generator generator, Device device, int shards) => new MoCoV3(this, generator, device);

    internal override OptimizationPlan CreatePlan() => new(
        () => Optimizer switch { OptimizerKind.Lars => new Lars(), OptimizerKind.AdamW => new AdamW(), _ => new Sgd() },
        t => Schedules.MoCoV3(t.FractionalEpoch, t.Epochs, WarmupEpochs!.Value, LearningRate!.Value * BatchSize!.Value / 256),
        _ => WeightDecay!.Value);
}
