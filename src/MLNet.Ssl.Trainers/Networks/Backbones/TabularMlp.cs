using MLNet.Ssl.Onnx;
using TorchSharp;
using TorchSharp.Modules;
using static TorchSharp.torch;
using static TorchSharp.torch.nn;

namespace MLNet.Ssl.Networks;

/// <summary>
/// The perceptron that i-Mix embeds rows of tables with (Lee et al., arXiv 2010.08887, appendix):
/// linear layers of groups of slots side by side, hidden layers with batch norm and ReLU, a linear
/// layer, and maxout. (B, columns) → (B, D).
/// </summary>
/// <remarks>Behind a single input layer stand batch norm and ReLU, behind several nothing, as published.
/// Weights start as PyTorch's.</remarks>
internal sealed class TabularMlp : Backbone, IOnnxLayer
{
    private readonly TabularMlpOptions _options;
    private readonly int[] _groups;
    private readonly long _maxout;
    private EmbeddedNumbers? numbers;
    private ModuleList<Linear> input;
    private BatchNorm? input_bn;
    private ModuleList<Hidden> hidden;
    private Linear output;

    /// <summary>Builds the network on the CPU with random weights.</summary>
    /// <param name="options">Architecture, with its input groups.</param>
    /// <param name="generator">Source of the weights.</param>
    /// <exception cref="ArgumentException">An option is out of range.</exception>
    public TabularMlp(TabularMlpOptions options, torch.Generator generator)
        : base(nameof(TabularMlp), options.Validated().EmbeddingDimension)
    {
        ArgumentNullException.ThrowIfNull(generator);
        _options = options;
        _groups = options.InputGroups!;
        _maxout = options.MaxoutGroup;
        if (options.NumberEmbedding != NumberEmbedding.None) numbers = new EmbeddedNumbers(options, generator);
        input = new ModuleList<Linear>(
            [.. _groups.Select(slots => new Linear(numbers?.Width ?? slots, options.InputWidth, generator))]);
        if (_groups.Length == 1) input_bn = new BatchNorm(options.InputWidth);
        var widths = options.HiddenWidths.Prepend(options.InputWidth * _groups.Length).ToArray();
        hidden = new ModuleList<Hidden>(
            [.. options.HiddenWidths.Select((width, i) => new Hidden(widths[i], width, generator))]);
        output = new Linear(widths[^1], options.OutputWidth, generator);
        RegisterComponents();
    }

    /// <inheritdoc/>
    public override BackboneOptions Options => _options;

    internal override bool IsOfLinearLayers => true;

    // Values of a row may be told apart by less than bfloat16 has.
    internal override bool TakesSinglePrecision => true;

    /// <summary>Embeds rows.</summary>
    /// <param name="x">Rows (B, columns).</param>
    /// <returns>Features (B, D).</returns>
    /// <exception cref="ArgumentException">The rows have another width.</exception>
    public override Tensor forward(Tensor x)
    {
        if (x.ndim != 2 || x.size(1) != _groups.Sum())
            throw new ArgumentException($"The rows are ({string.Join(",", x.shape)}); expected (B,{_groups.Sum()}).",
                nameof(x));
        x = Input((numbers is null ? x : numbers.call(x)).to(output.Weight.dtype));
        foreach (var layer in hidden) x = layer.call(x);
        // The outputs that compete stand in rows of their own, not side by side, which takes a fifth of the time.
        var features = output.Columns(x).view(-1, _maxout, x.size(0)).amax([1]).t();
        // The products that follow in training take either order.
        return training ? features : features.contiguous();
    }

    private Tensor Input(Tensor x)
    {
        if (input_bn is not null) return functional.relu(input_bn.call(input[0].call(x)), inplace: true);
        long first = 0;
        var parts = new List<Tensor>(_groups.Length);
        for (int i = 0; i < _groups.Length; first += _groups[i++])
            parts.Add(input[i].call(x.narrow(1, first, _groups[i])));
        return cat(parts, 1);
    }

    string IOnnxLayer.Export(OnnxGraph graph, string x)
    {
        if (numbers is not null) x = numbers.Export(graph, x);
        if (input_bn is not null) x = graph.Relu(input_bn.Export(graph, input[0].Export(graph, x)));
        else x = graph.Concat(1,
            [.. input.Select((layer, i) => layer.Export(graph, graph.Slice(x, _groups.Take(i).Sum(), _groups[i], 1)))]);
        return graph.Maxout(output.Export(graph, hidden.Aggregate(x, (value, layer) => layer.Export(graph, value))),
            _maxout);
    }

    private sealed class Hidden : Module<Tensor, Tensor>, IOnnxLayer
    {
        private Linear linear;
        private BatchNorm bn;

        public Hidden(long inputs, long outputs, torch.Generator generator) : base(nameof(Hidden))
        {
            linear = new Linear(inputs, outputs, generator);
            bn = new BatchNorm(outputs);
            RegisterComponents();
        }

        public override Tensor forward(Tensor x) => functional.relu(bn.call(linear.call(x)), inplace: true);

        public string Export(OnnxGraph graph, string x) => graph.Relu(bn.Export(graph, linear.Export(graph, x)));
    }
}
