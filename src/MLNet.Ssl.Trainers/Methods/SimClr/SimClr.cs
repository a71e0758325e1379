using MLNet.Ssl.Mixing;
using MLNet.Ssl.Networks;
using MLNet.Ssl.Optimization;
using MLNet.Ssl.Tensors;
using TorchSharp;
using static TorchSharp.torch;

namespace MLNet.Ssl.Methods;

/// <summary>
/// SimCLR: two views of a sample attract each other, all other samples of the batch repel (arXiv 2002.05709), and with
/// a memory also those of earlier batches, as a slow copy of the network sees them (SimCLR v2, arXiv 2006.10029).
/// </summary>
internal sealed class SimClr : Method
{
    private readonly SimClrOptions _options;
    private readonly double _temperature;
    private readonly EncoderWithHead _network;
    private readonly MomentumPair? _pair;
    private readonly NegativeQueue? _memory;
    private readonly IMix? _mix;

    internal SimClr(SimClrOptions options, BackboneOptions backbone, double temperature, MethodContext context)
    {
        (_options, _temperature) = (options, temperature);
        EncoderWithHead Network() => new EncoderWithHead(
            backbone.Create(context.Generator),
            options.CreateHead(backbone.EmbeddingDimension, context.Generator)).to(context.Device);
        _network = Network();
        if (options.MemoryLength > 0)
        {
            _pair = new(_network, Network(), options.GroupOf, context.Precision);
            _memory = new(options.ProjectionDimension, options.MemoryLength, context.Generator, context.Device);
        }
        Parameters = _pair?.Parameters ?? new(_network, options.GroupOf, context.Precision);
        _mix = options.Mixing is IMixOptions mixing ? new(mixing) : null;
    }

    /// <inheritdoc/>
    public override FlatParameters Parameters { get; }

    /// <summary>The trained backbone.</summary>
    public override Backbone Encoder => _network.Backbone;

    internal override ProjectionHead? ProjectionHead => _network.Head as ProjectionHead;

    internal EncoderWithHead Network => _network;

    internal MomentumPair? Pair => _pair;

    internal NegativeQueue? Memory => _memory;

    internal override bool IsOfLinearLayers => Encoder.IsOfLinearLayers;

    /// <inheritdoc/>
    public override IEnumerable<(string Name, Tensor Value)> State =>
        _pair is null ? StateOf("network", _network) : [.. _pair.State(), .. _memory!.State];

    /// <inheritdoc/>
    public override int? PartialBatchMultiple => _memory is null ? 1 : null;

    /// <inheritdoc/>
    public override MethodOutput Forward(IReadOnlyList<Tensor> views, StepClock clock, int shard)
    {
        var (first, second) = (views[0], views[1]);
        long batch = first.size(0);
        Tensor features, projections;
        SoftTargets? targets = null;
        if (_mix is null)
        {
            (features, projections) = _network.Pass(cat([first, second], 0));
        }
        else
        {
            var random = HostRandom.OfThisPass();
            (first, second) = _mix.MixInputs(first, second, random);
            (features, projections, targets) = _mix.Pass(_network, cat([first, second], 0), batch, 1, random);
        }
        if (_pair is not null)
        {
            // As MoCo's keys: the copy moves before it embeds the second views, which
            // become negatives of the next batch.
            _pair.Update(_options.MemoryMomentum);
            _memory!.Hold(Ranks.Gather(NtXent.Normalize(_pair.Keys(second))));
        }
        var loss = _options.Loss == SimClrLoss.NtXent
            ? NtXent.LossOverRanks(projections, _temperature, _options.Reduction, _memory?.Columns)
            : NPairOverRanks(projections, batch, targets);
        return new(loss, features.narrow(0, 0, batch).detach());
    }

    /// <summary>Puts the step's embeddings into the memory, where there is one.</summary>
    public override void AfterStep(StepClock clock) => _memory?.EnqueueHeld();

    /// <summary>The N-pair loss: anchors (N, d) find their positives (N, d) among the other view's embeddings alone;
    /// the gradient goes through both.</summary>
    internal static Tensor NPair(Tensor anchors, Tensor positives, double temperature, SoftTargets? targets = null) =>
        Contrast.CrossEntropy(Contrast.Logits(anchors, positives, temperature), targets
            ?? SoftTargets.Diagonal(anchors.size(0), anchors.device));

    /// <summary>The own anchors find their positives among those of all processes.</summary>
    private Tensor NPairOverRanks(Tensor projections, long batch, SoftTargets? targets) =>
        GatheredLoss.Of(projections, (all, first) =>
    {
        targets ??= SoftTargets.Diagonal(batch, all.device);
        var positives = all.view(-1, 2, batch, all.size(1)).select(1, 1).reshape(-1, all.size(1));
        return NPair(all.narrow(0, first, batch), positives, _temperature, targets.Shifted(Ranks.Rank * batch));
    });

    /// <inheritdoc/>
    protected override void Dispose(bool disposing)
    {
        if (!disposing) return;
        _memory?.Dispose();
        _pair?.Dispose();
        Parameters.Dispose();
        _network.Dispose();
    }
}
