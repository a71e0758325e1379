using MLNet.Ssl.Onnx;
using TorchSharp;
using TorchSharp.Modules;
using static TorchSharp.torch;
using static TorchSharp.torch.nn;
using Convolution = MLNet.Ssl.Tensors.Convolution;

namespace MLNet.Ssl.Networks;

/// <summary>Convolution with a square kernel and, unless told otherwise, "same" padding (kernel/2): (B,C,H,W) →
/// (B,outputs,⌈H/stride⌉,⌈W/stride⌉).</summary>
internal sealed class Conv2d : Module<Tensor, Tensor>, IOnnxLayer
{
    private readonly long _stride, _padding;
    private Parameter weight;
    private Parameter? bias;

    /// <remarks>
    /// Weights are N(0, 2/fan_out), Kaiming's rule for ReLU networks, or with <paramref name="uniform"/> U(±1/√fan_in),
    /// PyTorch's default, which is also that of a bias.
    /// </remarks>
    public Conv2d(
        long inputs, long outputs, long kernel, long stride, torch.Generator generator, bool uniform = false,
        bool hasBias = false, long? padding = null)
        : base(nameof(Conv2d))
    {
        (_stride, _padding) = (stride, padding ?? kernel / 2);
        double bound = 1 / Math.Sqrt(inputs * kernel * kernel);
        weight = uniform
            ? Initialization.Uniform(bound, generator, outputs, inputs, kernel, kernel)
            : Initialization.Normal(Math.Sqrt(2.0 / (outputs * kernel * kernel)), generator, outputs, inputs, kernel,
                kernel);
        if (hasBias) bias = Initialization.Uniform(bound, generator, outputs);
        RegisterComponents();
    }

    public override Tensor forward(Tensor x) => Convolution.Apply(x, weight, bias, _stride, _padding);

    public string Export(OnnxGraph graph, string x) => graph.Conv(x, weight, bias, _stride, _padding);
}
