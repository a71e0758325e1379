using MLNet.Ssl;
using MLNet.Ssl.Methods;
using MLNet.Ssl.Networks;
using MLNet.Ssl.Optimization;
using MLNet.Ssl.Tensors;
using TorchSharp;
using static TorchSharp.torch;

namespace CustomMethod;

/// <summary>Barlow Twins (Zbontar et al., arXiv 2103.03230): two views agree, and no two of
/// their features tell the same.</summary>
public sealed record BarlowTwinsOptions : PretrainOptions
{
    /// <summary>λ, the weight of the terms off the diagonal. Default 0.005.</summary>
    public double Lambda { get; init; } = 0.005;

    /// <summary>Width of the projector's layers. Default 512; published 8 192.</summary>
    public int ProjectionDimension { get; init; } = 512;

    /// <summary>The recipe of both views. Auto: SimCLR's.</summary>
    public ViewRecipe? View { get; init; }

    public override string MethodName => "Barlow Twins";

    public override MethodPlan Plan(PlanContext context)
    {
        var settings = context.Resolve(new());
        var optimizer = context.ChooseOptimizer(OptimizerKind.AdamW, "it suits small batches");
        double peak = settings.PeakRate(context.ChooseLearningRate(0.001, $"for {optimizer}"));
        long WarmupSteps(StepClock t) => settings.WarmupEpochs * t.StepsPerEpoch;
        var moves = new OptimizationPlan(
            optimizer, t => Schedules.SimClr(t.Step, t.TotalSteps, WarmupSteps(t), peak), _ => 1e-4);
        var view = context.Choose(View, ViewRecipes.SimClr(), "SimCLR's") with { Size = settings.ImageSize };
        return new(moves, where => new BarlowTwins(this, settings.Backbone, where)) { Views = [view, view] };
    }
}

/// <summary>The networks and the loss.</summary>
public sealed class BarlowTwins : Method
{
    private readonly double _lambda;
    private readonly MlpHead _projector;
    private readonly nn.Module _network;

    public BarlowTwins(BarlowTwinsOptions options, BackboneOptions backbone, MethodContext context)
    {
        _lambda = options.Lambda;
        int width = options.ProjectionDimension;
        Encoder = backbone.Create(context.Generator);
        var layers = new MlpHeadOptions(Encoder.EmbeddingDimension)
        {
            HiddenDimension = width,
            OutputDimension = width,
            Layers = 3
        };
        _projector =
            new MlpHead(layers with { BatchNorm = true, HiddenBias = false, OutputBias = false }, context.Generator);
        _network = nn.Sequential(("backbone", Encoder), ("projector", _projector)).to(context.Device);
        Parameters = new(_network);
    }

    public override FlatParameters Parameters { get; }

    public override Backbone Encoder { get; }

    public override IEnumerable<(string Name, Tensor Value)> State => StateOf("network", _network);

    public override MethodOutput Forward(IReadOnlyList<Tensor> views, StepClock clock, int shard)
    {
        var (first, second) = (Encoder.call(views[0]), Encoder.call(views[1]));
        return new(Loss(_projector.call(first), _projector.call(second), _lambda), first.detach());
    }

    /// <summary>Σᵢ (1 − Cᵢᵢ)² + λ Σᵢ Σⱼ≠ᵢ Cᵢⱼ² of the correlations C of two views' projections (N, d).</summary>
    public static Tensor Loss(Tensor first, Tensor second, double lambda)
    {
        var correlations = Standardize(first).t().mm(Standardize(second)).Div(first.size(0));
        var diagonal = correlations.diagonal();
        return diagonal.OneMinus().square().sum()
            .Add(correlations.square().sum().sub(diagonal.square().sum()).Mul(lambda));
    }

    protected override void Dispose(bool disposing)
    {
        if (!disposing) return;
        Parameters.Dispose();
        _network.Dispose();
    }

    // As a batch norm without scale and shift does it.
    private static Tensor Standardize(Tensor z) =>
        nn.functional.batch_norm(z, zeros_like(z[0]), ones_like(z[0]), training: true);
}
