using TorchSharp;
using TorchSharp.Modules;
using static TorchSharp.torch;
using static TorchSharp.torch.nn;

namespace MLNet.Ssl;

/// <summary>Convolution with a square kernel, "same" padding (kernel/2) and no bias: (B,C,H,W) → (B,outputs,⌈H/stride⌉,⌈W/stride⌉).</summary>
internal sealed class Conv2d : Module<Tensor, Tensor>, IOnnxLayer
{
    private readonly long[] _stride, _padding;
    private Parameter weight;

    /// <remarks>Initialised N(0, 2/fan_out), Kaiming's rule for ReLU networks.</remarks>
    public Conv2d(long inputs, long outputs, long kernel, long stride, torch.Generator generator) : base(nameof(Conv2d))
    {
        _stride = [stride, stride];
        _padding = [kernel / 2, kernel / 2];
        weight = Weights.Normal(Math.Sqrt(2.0 / (outputs * kernel * kernel)), generator, outputs, inputs, kernel, kernel);
        RegisterComponents();
    }

    public override Tensor forward(Tensor x) => functional.conv2d(x, weight, null, _stride, _padding);

    public string Export(OnnxGraph graph, string x) => graph.Conv(x, weight, null, _stride[0], _padding[0]);
}
