using static TorchSharp.torch;

namespace MLNet.Ssl;

/// <summary>A backbone and the head that training puts on it, with the official repositories' state-dict names.</summary>
internal sealed class EncoderWithHead : nn.Module<Tensor, Tensor>
{
    // Field names are state-dict names.
    private readonly Backbone backbone;
    private readonly nn.Module<Tensor, Tensor> head;

    public EncoderWithHead(Backbone backbone, nn.Module<Tensor, Tensor> head)
        : base(nameof(EncoderWithHead))
    {
        this.backbone = backbone;
        this.head = head;
        RegisterComponents();
    }

    public Backbone Backbone => backbone;

    public nn.Module<Tensor, Tensor> Head => head;

    public override Tensor forward(Tensor input) => head.call(backbone.call(input));
}
