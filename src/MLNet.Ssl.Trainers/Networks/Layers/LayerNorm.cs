using MLNet.Ssl.Onnx;
using TorchSharp.Modules;
using static TorchSharp.torch;
using static TorchSharp.torch.nn;

namespace MLNet.Ssl.Networks;

/// <summary>Layer normalisation over the last dimension; scale starts at 1, shift at 0.</summary>
internal sealed class LayerNorm : Module<Tensor, Tensor>, IOnnxLayer
{
    private readonly long[] _shape;
    private readonly double _eps;
    private Parameter weight;
    private Parameter bias;

    public LayerNorm(long size, double eps) : base(nameof(LayerNorm))
    {
        _shape = [size];
        _eps = eps;
        weight = Initialization.Constant(1, size);
        bias = Initialization.Constant(0, size);
        RegisterComponents();
    }

    public override Tensor forward(Tensor x) => functional.layer_norm(x, _shape, weight, bias, _eps);

    public string Export(OnnxGraph graph, string x) => graph.LayerNorm(x, weight, bias, _eps);
}
