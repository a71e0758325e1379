using MLNet.Ssl.Onnx;
using TorchSharp.Modules;
using static TorchSharp.torch;
using static TorchSharp.torch.nn;

namespace MLNet.Ssl.Networks;

/// <summary>A learned factor for each channel of a residual branch (Touvron et al., arXiv
/// 2103.17239): (…,D) → (…,D).</summary>
internal sealed class LayerScale : Module<Tensor, Tensor>, IOnnxLayer
{
    private Parameter gamma;

    public LayerScale(long width, double initial) : base(nameof(LayerScale))
    {
        gamma = Initialization.Constant(initial, width);
        RegisterComponents();
    }

    public override Tensor forward(Tensor x) => x.mul(gamma);

    public string Export(OnnxGraph graph, string x) => graph.Mul(x, graph.Weight(gamma));
}
