using MLNet.Ssl.Networks;
using MLNet.Ssl.Optimization;
using TorchSharp;
using static TorchSharp.torch;

namespace MLNet.Ssl.Methods;

/// <summary>
/// Masked reconstruction: from a corrupted row the encoder's features tell which slots were changed, and the row as it
/// was (VIME; Yoon et al., NeurIPS 2020, section 4.1).
/// </summary>
internal sealed class MaskedReconstruction : Method
{
    private readonly ReconstructionHeads _heads;
    private readonly EncoderWithHead _network;

    internal MaskedReconstruction(BackboneOptions backbone, ReconstructionTarget target, MethodContext context)
    {
        var encoder = backbone.Create(context.Generator);
        _heads = new(encoder.EmbeddingDimension, target, context.Generator);
        _network = new EncoderWithHead(encoder, _heads).to(context.Device);
        Parameters = new(_network);
    }

    /// <inheritdoc/>
    public override FlatParameters Parameters { get; }

    /// <inheritdoc/>
    public override Backbone Encoder => _network.Backbone;

    internal override bool IsOfLinearLayers => Encoder.IsOfLinearLayers;

    /// <inheritdoc/>
    public override IEnumerable<(string Name, Tensor Value)> State => StateOf("network", _network);

    internal ReconstructionHeads Heads => _heads;

    /// <summary>The loss of corrupted rows.</summary>
    /// <param name="views">The rows as they are, and corrupted: (B, D) each.</param>
    /// <param name="clock">The step.</param>
    /// <param name="shard">Always 0: rows meet in batch normalisation.</param>
    public override MethodOutput Forward(IReadOnlyList<Tensor> views, StepClock clock, int shard)
    {
        ArgumentNullException.ThrowIfNull(views);
        var (features, output) = _network.Pass(views[1]);
        return new(_heads.Loss(output, views[0], views[1]), features.detach());
    }

    /// <inheritdoc/>
    protected override void Dispose(bool disposing)
    {
        if (!disposing) return;
        Parameters.Dispose();
        _heads.Free();
        _network.Dispose();
    }
}
