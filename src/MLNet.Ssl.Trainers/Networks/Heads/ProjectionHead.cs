using MLNet.Ssl.Onnx;
using TorchSharp;
using TorchSharp.Modules;
using static TorchSharp.torch;
using static TorchSharp.torch.nn;

namespace MLNet.Ssl.Networks;

/// <summary>
/// SimCLR's projection head: linear layers without bias, each followed by batch norm; ReLU between them; the last
/// batch norm has no shift. (B,D) → (B,d).
/// </summary>
public sealed class ProjectionHead : Module<Tensor, Tensor>
{
    private ModuleList<Layer> layers;

    /// <summary>Builds the head on the CPU with random weights N(0, 0.01²).</summary>
    /// <param name="options">Widths and depth.</param>
    /// <param name="generator">Source of the weights.</param>
    /// <exception cref="ArgumentException">An option is out of range.</exception>
    public ProjectionHead(ProjectionHeadOptions options, torch.Generator generator)
        : this(options, options?.Layers ?? 0, generator)
    {
    }

    /// <summary>Builds the first layers alone.</summary>
    internal ProjectionHead(ProjectionHeadOptions options, int first, torch.Generator generator)
        : base(nameof(ProjectionHead))
    {
        ArgumentNullException.ThrowIfNull(options);
        options.Validate();
        ArgumentNullException.ThrowIfNull(generator);
        Options = options;
        layers = new ModuleList<Layer>([.. Enumerable.Range(1, first).Select(i =>
            new Layer(options.InputDimension, i < options.Layers ? options.InputDimension
                : options.OutputDimension, i == options.Layers, generator))]);
        RegisterComponents();
    }

    /// <summary>Projects features.</summary>
    /// <param name="x">Features (B,D).</param>
    /// <returns>Projections (B,d), not normalised.</returns>
    public override Tensor forward(Tensor x) => Hidden(x)[^1];

    /// <summary>Every stage of the head, from which fine-tuning may start (arXiv 2006.10029, section 2).</summary>
    /// <param name="x">Features (B,D).</param>
    /// <returns>h0 = <paramref name="x"/> itself, h1, … after their ReLU, and last the projection: one
    /// more than there are layers.</returns>
    public IReadOnlyList<Tensor> Hidden(Tensor x)
    {
        var hidden = new List<Tensor>(layers.Count + 1) { x };
        foreach (var layer in layers) hidden.Add(layer.call(hidden[^1]));
        return hidden;
    }

    /// <summary>Number of linear layers.</summary>
    internal int Layers => Options.Layers;

    internal ProjectionHeadOptions Options { get; }

    /// <summary>The first layers alone, in a module list that shares them.</summary>
    internal ModuleList<Module<Tensor, Tensor>> First(int count) => new([.. layers.Take(count)]);

    private sealed class Layer : Module<Tensor, Tensor>, IOnnxLayer
    {
        private readonly bool _last;
        private Linear linear;
        private BatchNorm bn;

        public Layer(long inputs, long outputs, bool last, torch.Generator generator) : base(nameof(Layer))
        {
            _last = last;
            linear = new Linear(inputs, outputs, generator, deviation: 0.01, hasBias: false);
            bn = new BatchNorm(outputs, beta: !last);
            RegisterComponents();
        }

        public override Tensor forward(Tensor x)
        {
            x = bn.call(linear.call(x));
            return _last ? x : functional.relu(x, inplace: true);
        }

        public string Export(OnnxGraph graph, string x)
        {
            x = bn.Export(graph, linear.Export(graph, x));
            return _last ? x : graph.Relu(x);
        }
    }
}
