using static TorchSharp.torch;

namespace MLNet.Ssl;

/// <summary>A backbone with what training puts on it: a head, and on the online side of some methods a predictor.</summary>
internal sealed class EncoderWithHead : nn.Module<Tensor, Tensor>
{
    // Field names are state-dict names; the predictor comes last, so that a network without one is a prefix of one with it.
    private readonly Backbone backbone;
    private readonly nn.Module<Tensor, Tensor> head;
    private readonly nn.Module<Tensor, Tensor>? predictor;

    public EncoderWithHead(Backbone backbone, nn.Module<Tensor, Tensor> head, nn.Module<Tensor, Tensor>? predictor = null)
        : base(nameof(EncoderWithHead))
    {
        this.backbone = backbone;
        this.head = head;
        this.predictor = predictor;
        RegisterComponents();
    }

    public Backbone Backbone => backbone;

    public nn.Module<Tensor, Tensor> Head => head;

    public override Tensor forward(Tensor input) => Pass(input).Output;

    /// <summary>
    /// The backbone's features and the last module's output. With more than one group, each consecutive part of the batch goes through on its own,
    /// with its own batch statistics, as on so many devices.
    /// </summary>
    public (Tensor Features, Tensor Output) Pass(Tensor input, int groups = 1)
    {
        if (groups > 1)
        {
            var parts = input.chunk(groups).Select(part => Pass(part)).ToList();
            return (cat([.. parts.Select(p => p.Features)], 0), cat([.. parts.Select(p => p.Output)], 0));
        }
        var features = backbone.call(input);
        var output = head.call(features);
        return (features, predictor is null ? output : predictor.call(output));
    }
}
