using static TorchSharp.torch;
using static TorchSharp.torch.nn;

namespace MLNet.Ssl.Benchmarks.Plain;

/// <summary>MoCo with i-Mix on tables, as the published loop reads in TorchSharp.</summary>
internal sealed class PlainMoCo : PlainTraining
{
    private readonly MoCoOptions _options;
    private readonly OptimizationPlan _plan;
    private readonly PlainNetwork _query;
    private readonly PlainNetwork _key;
    private readonly TorchSharp.Modules.SGD _optimizer;
    private readonly Tensor _queue;
    private long _pointer;

    public PlainMoCo(MoCoOptions options)
    {
        _options = options;
        _plan = options.CreatePlan();
        _query = Network();
        _key = Network();
        PlainWeights.Share(_key, _query);
        _queue = functional.normalize(randn(options.ProjectionDimension, options.QueueLength!.Value), dim: 0);
        _optimizer = optim.SGD(_query.parameters(), 0, momentum: 0.9, weight_decay: options.WeightDecay);
    }

    /// <summary>The network that embeds rows.</summary>
    public Module<Tensor, Tensor> Encoder => _query.Backbone;

    public override void Load(IReadOnlyDictionary<string, Tensor> weights)
    {
        PlainWeights.Load(_query, weights, "query.");
        PlainWeights.Share(_key, _query);
        using var noGrad = no_grad();
        _queue.copy_(weights["queue"]);
    }

    protected override double Train(IReadOnlyList<Tensor> views, StepClock clock)
    {
        foreach (var group in _optimizer.ParamGroups) group.LearningRate = _plan.LearningRate(clock);
        var rows = views[0];
        long batch = rows.size(0);
        Tensor? share = null, partner = null;
        var mixed = rows;
        if (_options.Mixing is IMixOptions mixing)
        {
            using var alpha = tensor((float)mixing.Alpha);
            share = distributions.Beta(alpha, alpha).sample(batch, 1);
            share = maximum(share, 1 - share);
            partner = randperm(batch);
            mixed = share * rows + (1 - share) * rows[partner];
        }
        var query = functional.normalize(_query.call([mixed]));
        Tensor keys;
        PlainWeights.MoveTowards(_key, _query, _options.KeyMomentum!.Value);
        using (no_grad()) keys = functional.normalize(_key.call([rows]));
        var loss = share is null ? Loss(query, keys) : MixedLoss(query, keys, share.squeeze(1), partner!);
        double value = loss.item<float>();
        _optimizer.zero_grad();
        loss.backward();
        _optimizer.step();
        using (no_grad()) _queue.narrow(1, _pointer, batch).copy_(keys.t());
        _pointer = (_pointer + batch) % _queue.size(1);
        return value;
    }

    private Tensor Loss(Tensor query, Tensor keys)
    {
        var logits =
            cat([(query * keys).sum(1, keepdim: true), query.matmul(_queue.clone())], 1) / _options.Temperature!.Value;
        return functional.cross_entropy(logits, zeros(query.size(0), dtype: int64));
    }

    private Tensor MixedLoss(Tensor query, Tensor keys, Tensor share, Tensor partner)
    {
        var logits = query.matmul(cat([keys.t(), _queue.clone()], 1)) / _options.Temperature!.Value;
        Tensor Terms(Tensor labels) => functional.cross_entropy(logits, labels, reduction: Reduction.None);
        return (share * Terms(arange(query.size(0))) + (1 - share) * Terms(partner)).mean();
    }

    public override void Dispose()
    {
        foreach (IDisposable part in new IDisposable[] { _optimizer, _query, _key, _queue }) part.Dispose();
    }

    private PlainNetwork Network()
    {
        var backbone = (TabularMlpOptions)_options.Backbone!;
        long width = backbone.EmbeddingDimension, outputs = _options.ProjectionDimension;
        return new(
            new PlainTabularMlp(backbone),
            Sequential(nn.Linear(width, width), BatchNorm1d(width), ReLU(inplace: true), nn.Linear(width, outputs),
                BatchNorm1d(outputs)));
    }
}
