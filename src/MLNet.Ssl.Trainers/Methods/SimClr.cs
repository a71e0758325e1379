using TorchSharp;
using static TorchSharp.torch;

namespace MLNet.Ssl;

/// <summary>SimCLR: two views of a sample attract each other, all other samples of the batch repel (arXiv 2002.05709).</summary>
public sealed class SimClr : Method
{
    private readonly SimClrOptions _options;
    private readonly EncoderWithHead _network;
    private readonly IMix? _mix;

    internal SimClr(SimClrOptions options, Generator generator, Device device)
    {
        _options = options;
        var backbone = options.Backbone!;
        _network = new EncoderWithHead(backbone.Create(generator), options.CreateHead(generator)).to(device);
        Parameters = new(_network, options.Loss == SimClrLoss.NPair ? (_, _) => FlatParameters.Decayed : null);
        _mix = options.Mixing is IMixOptions mixing ? new(mixing) : null;
    }

    /// <inheritdoc/>
    public override FlatParameters Parameters { get; }

    /// <summary>The trained backbone.</summary>
    public override Backbone Encoder => _network.Backbone;

    /// <inheritdoc/>
    public override IEnumerable<(string Name, Tensor Value)> State => StateOf("network", _network);

    /// <inheritdoc/>
    public override MethodOutput Forward(IReadOnlyList<Tensor> views, StepClock clock, int shard)
    {
        var (first, second) = (views[0], views[1]);
        SoftTargets? targets = null;
        if (_mix is not null)
        {
            var random = HostRandom.OfThisPass();
            (first, second) = _mix.MixInputs(first, second, random);
            (first, targets) = _mix.Mix(first, random);
        }
        var features = BySize(_network.Backbone, [first, second]);
        var projections = _network.Head.call(features);
        long batch = first.size(0);
        var loss = _options.Loss == SimClrLoss.NtXent
            ? NtXent.Loss(projections, _options.Temperature!.Value, _options.Reduction)
            : NPair(projections.narrow(0, 0, batch), projections.narrow(0, batch, batch), _options.Temperature!.Value, targets);
        return new(loss, features.narrow(0, 0, batch).detach());
    }

    /// <summary>The N-pair loss: anchors (N, d) find their positives (N, d) among the other view's embeddings alone; the gradient goes through both.</summary>
    internal static Tensor NPair(Tensor anchors, Tensor positives, double temperature, SoftTargets? targets = null) =>
        Contrast.CrossEntropy(Contrast.Logits(anchors, positives, temperature), targets ?? SoftTargets.Diagonal(anchors.size(0), anchors.device));

    /// <inheritdoc/>
    protected override void Dispose(bool disposing)
    {
        if (!disposing) return;
        Parameters.Dispose();
        _network.Dispose();
    }
}
