using MLNet.Ssl.Methods;
using MLNet.Ssl.Optimization;
using MLNet.Ssl.Options;

namespace MLNet.Ssl;

/// <summary>Options of MoCo v3 (Chen et al., arXiv 2104.02057). Defaults are the official code's; they differ between
/// transformers and ResNets.</summary>
public sealed record MoCoV3Options : PretrainOptions
{
    /// <summary>m, momentum of the key network at the start; a cosine takes it to 1.</summary>
    /// <value>Auto: 0.99; 0.996 for a ResNet from the published 1 000 epochs on. Range 0 to 1.</value>
    public double? KeyMomentum { get; init; }

    /// <summary>T.</summary>
    /// <value>Auto: 0.2 for a transformer, 1 for a ResNet. Range above 0.</value>
    public double? Temperature { get; init; }

    /// <summary>Width of the projection.</summary>
    /// <value>Default 256, range 1 and up.</value>
    public int ProjectionDimension { get; init; } = 256;

    /// <summary>Hidden width of projector and predictor.</summary>
    /// <value>Default 4 096, range 1 and up.</value>
    public int HeadHiddenDimension { get; init; } = 4096;

    /// <summary>Keeps a transformer's patch projection as initialised, which steadies training. A convolutional stem
    /// is trained all the same.</summary>
    /// <value>Default true.</value>
    public bool FreezePatchEmbedding { get; init; } = true;

    /// <summary>The recipe of the first view, at any size.</summary>
    /// <value>Auto: <see cref="ViewRecipes.MoCoV3View1"/>, crops from 0.08 for a transformer and from 0.2 for a ResNet;
    /// without blur up to 64 pixels.</value>
    public ViewRecipe? View1 { get; init; }

    /// <summary>The recipe of the second view, at any size.</summary>
    /// <value>Auto: <see cref="ViewRecipes.MoCoV3View2"/>, likewise.</value>
    public ViewRecipe? View2 { get; init; }

    /// <summary>Weight decay; AdamW and SGD decay every parameter, LARS neither biases nor norms.</summary>
    /// <value>Auto: 0.1 for AdamW, 1e-6 for LARS (1.5e-6 from 1 000 epochs on), 1e-4 for SGD. Range 0 and up.</value>
    public double? WeightDecay { get; init; }

    /// <inheritdoc/>
    public override string MethodName => "MoCo v3";

    internal override bool CanMixWith(MixingOptions mixing) => mixing is SdmpOptions;

    /// <inheritdoc/>
    public override MethodPlan Plan(PlanContext context)
    {
        var settings = context.Resolve(new()
        {
            BFloat16 = true,
            Backbone = VisionTransformerOptions.MoCoV3Small(),
            ProcessorBackbone = VisionTransformerOptions.Tiny() with { Flavor = VisionTransformerFlavor.MoCoV3 },
            ZeroInitResidual = true,
        });
        bool transformer = settings.Backbone.PrefersAdamW;
        string network = transformer ? "for a transformer" : "for a ResNet";
        var optimizer = context.ChooseOptimizer(transformer ? OptimizerKind.AdamW : OptimizerKind.Lars, network);
        double rate = context.ChooseLearningRate(optimizer switch
        {
            OptimizerKind.AdamW => 1.5e-4,
            OptimizerKind.Lars => Epochs <= 100 ? 0.6 : 0.3,
            _ => 0.06,
        }, $"for {optimizer}");
        double temperature = context.Choose(Temperature, transformer ? 0.2 : 1, network);
        double momentum = context.Choose(KeyMomentum, !transformer && Epochs >= 1000 ? 0.996 : 0.99, "as published");
        double decay = context.Choose(WeightDecay, optimizer switch
        {
            OptimizerKind.AdamW => 0.1,
            OptimizerKind.Lars => Epochs >= 1000 ? 1.5e-6 : 1e-6,
            _ => 1e-4,
        }, $"for {optimizer}");
        Check.InRange(momentum, 0, 1, nameof(KeyMomentum));
        Check.Positive(temperature, nameof(Temperature));
        Check.AtLeast(ProjectionDimension, 1);
        Check.AtLeast(HeadHiddenDimension, 1);
        Check.AtLeast(decay, 0, nameof(WeightDecay));

        var method = new MoCoV3Settings(
            settings.Backbone, Projector(settings.Backbone), Predictor(settings.Backbone), optimizer, momentum,
            temperature);
        var optimization = new OptimizationPlan(
            optimizer,
            t => Schedules.MoCoV3(t.FractionalEpoch, t.Epochs, settings.WarmupEpochs, settings.PeakRate(rate)),
            _ => decay);
        return new(optimization, where =>
            new MoCoV3(this, method, where))
        { Views = Views(context, settings, transformer ? 0.08 : 0.2) };
    }

    internal MlpHeadOptions Projector(BackboneOptions backbone) => new(backbone.EmbeddingDimension)
    {
        Layers = backbone.PrefersAdamW ? 3 : 2,
        HiddenDimension = HeadHiddenDimension,
        OutputDimension = ProjectionDimension,
        BatchNorm = true,
        HiddenBias = false,
        OutputBias = false,
        OutputNorm = HeadOutputNorm.Plain,
    };

    internal MlpHeadOptions Predictor(BackboneOptions backbone) => Projector(backbone) with
    {
        InputDimension = ProjectionDimension,
        Layers = 2,
        OutputNorm = backbone.PrefersAdamW ? HeadOutputNorm.Plain : HeadOutputNorm.None,
    };

    private IReadOnlyList<ViewRecipe> Views(PlanContext context, PretrainSettings settings, double minScale)
    {
        if (context.Columns is not null) return [];
        ViewRecipe Usual(ViewRecipe published) => settings.IsSmall ? published with { BlurProbability = 0 } : published;
        string reason = settings.IsSmall ? "for small images" : "as published";
        var first = context.Choose(View1, Usual(ViewRecipes.MoCoV3View1(minScale: minScale)), reason);
        var second = context.Choose(View2, Usual(ViewRecipes.MoCoV3View2(minScale: minScale)), reason);
        ViewRecipe[] views = [first with { Size = settings.ImageSize }, second with { Size = settings.ImageSize }];
        return Mixing is SdmpOptions { ExtraViews: true } ? [.. views, .. views] : views;
    }
}

/// <summary>What MoCo v3's Auto options became.</summary>
internal sealed record MoCoV3Settings(
    BackboneOptions Backbone,
    MlpHeadOptions Projector,
    MlpHeadOptions Predictor,
    OptimizerKind Optimizer,
    double KeyMomentum,
    double Temperature);
