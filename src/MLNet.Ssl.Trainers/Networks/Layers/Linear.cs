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

    /// <summary>Takes the passes of training in place of autograd; null for none.</summary>
    public LinearTape? Tape { get; set; }

    /// <summary>(outputs, inputs).</summary>
    public Parameter Weight => weight;

    /// <summary>(outputs); null for none.</summary>
    public Parameter? Bias => bias;

    public override Tensor forward(Tensor x) =>
        x.ndim == 2 && RecordsOn is { } tape ? tape.Record(this, x, isColumns: false) : Apply(x, weight, bias);

    /// <summary>(B, inputs) → (outputs, B): what a reduction over neighbouring outputs reads in the order of
    /// memory.</summary>
    public Tensor Columns(Tensor x) =>
        RecordsOn is { } tape ? tape.Record(this, x, isColumns: true) : Product(x, isColumns: true);

    /// <summary>The outputs of rows (B, inputs), as rows or as columns.</summary>
    public Tensor Product(Tensor x, bool isColumns)
    {
        if (!isColumns) return Apply(x, weight, bias);
        return bias is null ? weight.mm(x.t()) : addmm(bias.unsqueeze(1), weight, x.t(), 1, 1);
    }

    private LinearTape? RecordsOn => Tape is { } tape && is_grad_enabled() && weight.requires_grad ? tape : null;

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
