using MLNet.Ssl.Mixing;
using MLNet.Ssl.Networks;
using MLNet.Ssl.Optimization;
using MLNet.Ssl.Tensors;
using TorchSharp;
using static TorchSharp.torch;

namespace MLNet.Ssl.Methods;

/// <summary>MoCo v1 and v2: a query finds its key, made by a slow copy of the network, among a queue of earlier keys
/// (arXiv 1911.05722, 2003.04297).</summary>
internal sealed class MoCo : Method
{
    private readonly MoCoOptions _options;
    private readonly MoCoSettings _settings;
    private readonly MomentumPair _pair;
    private readonly NegativeQueue _queue;
    private readonly IMix? _mix;
    private readonly ReconstructionHeads? _reconstruction;

    internal MoCo(MoCoOptions options, MoCoSettings settings, MethodContext context)
    {
        (_options, _settings) = (options, settings);
        EncoderWithHead Network(ReconstructionHeads? reconstruction = null)
        {
            var backbone = settings.Backbone.Create(context.Generator);
            return new EncoderWithHead(backbone, new MlpHead(settings.Head, context.Generator),
                secondHead: reconstruction).to(context.Device);
        }
        if (settings.Reconstruction is { } target)
            _reconstruction = new(settings.Backbone.EmbeddingDimension, target, context.Generator);
        // The official code decays every parameter.
        _pair = new(Network(_reconstruction), Network(), (_, _) => FlatParameters.Decayed, context.Precision);
        _queue = new(options.ProjectionDimension, settings.QueueLength, context.Generator, context.Device);
        _mix = options.Mixing is IMixOptions mixing ? new(mixing) : null;
    }

    /// <inheritdoc/>
    public override FlatParameters Parameters => _pair.Parameters;

    /// <summary>The query network's backbone.</summary>
    public override Backbone Encoder => _pair.Online.Backbone;

    internal override bool IsOfLinearLayers => Encoder.IsOfLinearLayers;

    /// <inheritdoc/>
    public override IEnumerable<(string Name, Tensor Value)> State => [.. _pair.State(), .. _queue.State];

    internal override string? Misfit(IReadOnlyDictionary<string, Tensor> saved, int batch) =>
        NegativeQueue.Misfit(saved, batch);

    internal MomentumPair Pair => _pair;

    internal NegativeQueue Queue => _queue;

    /// <inheritdoc/>
    public override double? TeacherMomentum(StepClock clock) => _settings.KeyMomentum;

    /// <inheritdoc/>
    public override MethodOutput Forward(IReadOnlyList<Tensor> views, StepClock clock, int shard)
    {
        var random = HostRandom.OfThisPass();
        // The view that is reconstructed from is no key: queries and keys are of the row as it is.
        var key = _reconstruction is null ? views[1] : views[0];
        var (first, second) = _mix?.MixInputs(views[0], key, random) ?? (views[0], key);
        var ((features, query, targets), keys) = Sides.Run(() => Query(first, random), () =>
        {
            // The key network moves before it makes the keys.
            _pair.Update(_settings.KeyMomentum);
            return Keys(second);
        });
        var allKeys = Ranks.Gather(keys);
        _queue.Hold(allKeys);
        var loss = Loss(query, keys, allKeys, _queue.Columns, targets);
        if (_options.Symmetric)
        {
            var ((_, otherQuery, otherTargets), otherKeys) = Sides.Run(() => Query(second, random), () => Keys(first));
            var allOtherKeys = Ranks.Gather(otherKeys);
            _queue.Hold(allOtherKeys);
            loss = loss.Add(Loss(otherQuery, otherKeys, allOtherKeys, _queue.With(allKeys), otherTargets));
        }
        if (_reconstruction is not null)
        {
            var output = _reconstruction.call(Encoder.call(views[1]).to(ScalarType.Float32));
            loss = loss.Add(_reconstruction.Loss(output, views[0], views[1]).Mul(_options.ReconstructionWeight));
        }
        return new(loss, features.narrow(0, 0, first.size(0)).detach());
    }

    /// <summary>Puts the step's keys into the queue.</summary>
    public override void AfterStep(StepClock clock) => _queue.EnqueueHeld();

    /// <inheritdoc/>
    protected override void Dispose(bool disposing)
    {
        if (!disposing) return;
        _reconstruction?.Free();
        _pair.Dispose();
        _queue.Dispose();
    }

    private (Tensor Features, Tensor Query, SoftTargets? Targets) Query(Tensor view, HostRandom random)
    {
        int groups = _settings.BatchNormGroups;
        if (_mix is not null) return _mix.Pass(_pair.Online, view, view.size(0), groups, random);
        var (features, query) = _pair.Online.Pass(view, groups);
        return (features, query, null);
    }

    private Tensor Keys(Tensor view) => NtXent.Normalize(_pair.Keys(view, _settings.BatchNormGroups));

    // Mixed queries are compared with the keys of all ranks, of which this one's stand
    // behind those of the ranks before it.
    private Tensor Loss(Tensor query, Tensor keys, Tensor allKeys, Tensor negatives, SoftTargets? targets) =>
        QueueContrast.Loss(
        query, targets is null ? keys
            : allKeys, negatives, _settings.Temperature, targets?.Shifted(Ranks.Rank * keys.size(0)), Sides);
}
