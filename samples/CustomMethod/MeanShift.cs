using MLNet.Ssl;
using MLNet.Ssl.Methods;
using MLNet.Ssl.Networks;
using MLNet.Ssl.Optimization;
using MLNet.Ssl.Tensors;
using TorchSharp;
using static TorchSharp.torch;
using static TorchSharp.torch.nn.functional;

namespace CustomMethod;

/// <summary>
/// Mean Shift (Koohpayegani et al., arXiv 2105.07269): a view moves towards what a slow network
/// has seen most like the other view.
/// </summary>
public sealed record MeanShiftOptions : PretrainOptions
{
    /// <summary>k, nearest neighbours. Default 5, as published.</summary>
    public int Neighbors { get; init; } = 5;

    /// <summary>Length of the memory, a multiple of the batch. Default 1 024; published 1 024 000.</summary>
    public int MemoryLength { get; init; } = 1024;

    /// <summary>Momentum of the slow network. Default 0.99, as published.</summary>
    public double Momentum { get; init; } = 0.99;

    /// <summary>The recipe of both views. Auto: MoCo v2's.</summary>
    public ViewRecipe? View { get; init; }

    public override string MethodName => "Mean Shift";

    public override MethodPlan Plan(PlanContext context)
    {
        var settings = context.Resolve(new());
        var optimizer = context.ChooseOptimizer(OptimizerKind.Sgd, "as published");
        double peak = settings.PeakRate(context.ChooseLearningRate(0.05, "as published"));
        long WarmupSteps(StepClock t) => settings.WarmupEpochs * t.StepsPerEpoch;
        var moves = new OptimizationPlan(
            optimizer, t => Schedules.SimClr(t.Step, t.TotalSteps, WarmupSteps(t), peak), _ => 1e-4);
        var view = context.Choose(View, ViewRecipes.MoCoV2(), "MoCo v2's") with { Size = settings.ImageSize };
        return new(moves, where => new MeanShift(this, settings.Backbone, where)) { Views = [view, view] };
    }
}

/// <summary>The pair of networks, the memory and the loss.</summary>
public sealed class MeanShift : Method
{
    private readonly MeanShiftOptions _options;
    private readonly MomentumPair _pair;
    private readonly NegativeQueue _memory;

    public MeanShift(MeanShiftOptions options, BackboneOptions backbone, MethodContext context)
    {
        _options = options;
        var head = new MlpHeadOptions(backbone.EmbeddingDimension)
        {
            HiddenDimension = 256,
            OutputDimension = 64,
            BatchNorm = true
        };
        var predictor = head with { InputDimension = head.OutputDimension };
        EncoderWithHead Network(bool predicts) => new EncoderWithHead(
            backbone.Create(context.Generator), new MlpHead(head, context.Generator),
            predicts ? new MlpHead(predictor, context.Generator) : null).to(context.Device);
        _pair = new(Network(predicts: true), Network(predicts: false));
        _memory = new(head.OutputDimension, options.MemoryLength, context.Generator, context.Device);
    }

    public override FlatParameters Parameters => _pair.Parameters;

    public override Backbone Encoder => _pair.Online.Backbone;

    public override IEnumerable<(string Name, Tensor Value)> State => [.. _pair.State(), .. _memory.State];

    public override MethodOutput Forward(IReadOnlyList<Tensor> views, StepClock clock, int shard)
    {
        var (features, predictions) = _pair.Online.Pass(views[0]);
        var targets = normalize(_pair.Keys(views[1]));
        _memory.Enqueue(targets);
        return new(Loss(predictions, targets, _memory.Columns, _options.Neighbors), features.detach());
    }

    public override void AfterStep(StepClock clock) => _pair.Update(_options.Momentum);

    public override double? TeacherMomentum(StepClock clock) => _options.Momentum;

    /// <summary>2 − 2·cos of a prediction (B, d) and the k columns of the memory (d, M) nearest to its
    /// target (B, d), mean of all.</summary>
    public static Tensor Loss(Tensor predictions, Tensor targets, Tensor memory, int neighbors)
    {
        var nearest = targets.mm(memory).topk(neighbors, 1).indexes;
        return normalize(predictions).mm(memory).gather(1, nearest).mean().OneMinus().Mul(2);
    }

    protected override void Dispose(bool disposing)
    {
        if (!disposing) return;
        _pair.Dispose();
        _memory.Dispose();
    }
}
