using static TorchSharp.torch;
using static TorchSharp.torch.nn;

namespace MLNet.Ssl.Benchmarks.Plain;

/// <summary>SimCLR on a ResNet-18, as its loop reads in TorchSharp.</summary>
internal sealed class PlainSimClr : PlainTraining
{
    private readonly SimClrOptions _options;
    private readonly OptimizationPlan _plan;
    private readonly PlainNetwork _network;
    private readonly TorchSharp.Modules.SGD _optimizer;

    public PlainSimClr(SimClrOptions options)
    {
        _options = options;
        _plan = options.CreatePlan();
        var resNet = (ResNetOptions)options.Backbone!;
        _network = new(new PlainResNet(resNet.Width),
            new PlainProjectionHead(resNet.EmbeddingDimension, options.ProjectionDimension));
        var (decayed, others) = PlainWeights.Groups(_network);
        _optimizer = optim.SGD(
            [new TorchSharp.Modules.SGD.ParamGroup(decayed, 0, momentum: 0.9, weight_decay: options.WeightDecay),
             new TorchSharp.Modules.SGD.ParamGroup(others, 0, momentum: 0.9)],
            0);
    }

    public override void Load(IReadOnlyDictionary<string, Tensor> weights) =>
        PlainWeights.Load(_network, weights, "student.");

    protected override double Train(IReadOnlyList<Tensor> views, StepClock clock)
    {
        foreach (var group in _optimizer.ParamGroups) group.LearningRate = _plan.LearningRate(clock);
        var loss = Loss(_network.call(views));
        double value = loss.item<float>();
        _optimizer.zero_grad();
        loss.backward();
        _optimizer.step();
        return value;
    }

    private Tensor Loss(Tensor projections)
    {
        var z = functional.normalize(projections);
        long count = z.size(0);
        var logits = (z.matmul(z.t()) / _options.Temperature!.Value).masked_fill(eye(count, dtype: @bool), -1e9);
        return functional.cross_entropy(logits, (arange(count) + count / 2) % count);
    }

    public override void Dispose()
    {
        _optimizer.Dispose();
        _network.Dispose();
    }
}
