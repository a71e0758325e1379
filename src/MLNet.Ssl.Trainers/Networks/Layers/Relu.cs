using MLNet.Ssl.Onnx;
using static TorchSharp.torch;
using static TorchSharp.torch.nn;

namespace MLNet.Ssl.Networks;

/// <summary>ReLU in place.</summary>
internal sealed class Relu() : Module<Tensor, Tensor>(nameof(Relu)), IOnnxLayer
{
    public override Tensor forward(Tensor x) => functional.relu(x, inplace: true);

    public string Export(OnnxGraph graph, string x) => graph.Relu(x);
}
