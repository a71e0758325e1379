using MLNet.Ssl.Onnx;
using TorchSharp;
using TorchSharp.Modules;
using static TorchSharp.torch;
using static TorchSharp.torch.nn;

namespace MLNet.Ssl.Networks;

/// <summary>y = x Wᵀ + b over the last dimension: (…, inputs) → (…, outputs).</summary>
internal sealed class Linear : Module<Tensor, Tensor>, IOnnxLayer
{
    private Parameter weight;
    private Parameter? bias;

    /// <remarks>Weights are N(0, deviation²) and biases zero; without a deviation both are
    /// U(±1/√inputs), PyTorch's default.</remarks>
    public Linear(long inputs, long outputs, torch.Generator generator, double? deviation = null, bool hasBias = true)
        : base(nameof(Linear))
    {
        double bound = 1 / Math.Sqrt(inputs);
        weight = deviation is { } d ? Initialization.Normal(d, generator, outputs, inputs)
            : Initialization.Uniform(bound, generator, outputs, inputs);
        if (hasBias) bias = deviation is null ? Initialization.Uniform(bound, generator, outputs)
            : Initialization.Constant(0, outputs);
        RegisterComponents();
    }

    public override Tensor forward(Tensor x) => Apply(x, weight, bias);

    public string Export(OnnxGraph graph, string x) => graph.Linear(x, weight, bias);

    /// <summary>Only count outputs, from start on.</summary>
    public Tensor Outputs(Tensor x, long start, long count) =>
        Apply(x, weight.narrow(0, start, count), bias?.narrow(0, start, count));

    private static Tensor Apply(Tensor x, Tensor weight, Tensor? bias)
    {
        if (x.ndim == 2) return functional.linear(x, weight, bias);
        // With two-dimensional input, product and bias are one kernel.
        var shape = x.shape;
        shape[^1] = weight.size(0);
        // Aliases hold memory as long as they live.
        using var rows = x.flatten(0, -2);
        using var result = functional.linear(rows, weight, bias);
        return result.view(shape);
    }
}
