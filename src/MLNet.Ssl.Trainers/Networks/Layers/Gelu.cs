using MLNet.Ssl.Onnx;
using static TorchSharp.torch;
using static TorchSharp.torch.nn;

namespace MLNet.Ssl.Networks;

/// <summary>The exact (erf) GELU.</summary>
internal sealed class Gelu() : Module<Tensor, Tensor>(nameof(Gelu)), IOnnxLayer
{
    public override Tensor forward(Tensor x) => functional.gelu(x);

    public string Export(OnnxGraph graph, string x) => graph.Gelu(x);
}
