using MLNet.Ssl.Onnx;
using TorchSharp;
using TorchSharp.Modules;
using static TorchSharp.torch;
using static TorchSharp.torch.nn;
using Convolution = MLNet.Ssl.Tensors.Convolution;

namespace MLNet.Ssl.Networks;

/// <summary>
/// A ConvNeXt (Liu et al., arXiv 2201.03545) as DINOv3 trains it (arXiv 2508.10104): a stem of 4×4 patches, stages
/// of depthwise 7×7 convolutions and channel-wise MLPs, halved between the stages; the feature is the mean of the
/// last feature map after a layer norm.
/// </summary>
/// <remarks>State-dict names are those of the official repository, so its checkpoints load by name.</remarks>
internal sealed class ConvNeXt : Backbone, IOnnxLayer
{
    private const double NormEps = 1e-6;

    private readonly ConvNeXtOptions _options;
    private ModuleList<Sequential> downsample_layers;
    private ModuleList<Sequential> stages;
    private LayerNorm norm;

    /// <summary>Builds the network on the CPU with random weights: N(0, 0.02²), biases zero, convolutions of
    /// patches PyTorch's default.</summary>
    /// <param name="options">Architecture.</param>
    /// <param name="generator">Source of the weights.</param>
    /// <exception cref="ArgumentException">An option is out of range.</exception>
    public ConvNeXt(ConvNeXtOptions options, torch.Generator generator)
        : base(nameof(ConvNeXt), options.Validated().EmbeddingDimension)
    {
        ArgumentNullException.ThrowIfNull(generator);
        _options = options;
        downsample_layers = [];
        stages = [];
        int blocks = options.Depths.Sum(), block = 0, inputs = 3;
        for (int stage = 0; stage < options.Depths.Length; stage++)
        {
            int width = options.Widths[stage];
            downsample_layers.Add(stage == 0
                ? Sequential(Patches(3, width, 4, generator), new ChannelNorm(width, NormEps))
                : Sequential(new ChannelNorm(inputs, NormEps), Patches(inputs, width, 2, generator)));
            var chain = new List<Module<Tensor, Tensor>>();
            for (int i = 0; i < options.Depths[stage]; i++, block++)
            {
                double rate = blocks == 1 ? 0 : options.DropPathRate * block / (blocks - 1);
                chain.Add(new Block(width, options.LayerScale, rate, generator));
            }
            stages.Add(Sequential(chain));
            inputs = width;
        }
        norm = new LayerNorm(inputs, NormEps);
        RegisterComponents();
    }

    /// <inheritdoc/>
    public override BackboneOptions Options => _options;

    /// <summary>A convolution of patches that do not overlap.</summary>
    private static Conv2d Patches(long inputs, long outputs, long side, torch.Generator generator) =>
        new(inputs, outputs, side, side, generator, uniform: true, hasBias: true, padding: 0);

    /// <summary>Embeds images.</summary>
    /// <param name="x">Normalised images (B,3,H,W).</param>
    /// <returns>Features (B,D).</returns>
    /// <exception cref="ArgumentException">The input is not (B,3,H,W).</exception>
    public override Tensor forward(Tensor x)
    {
        if (x.ndim != 4 || x.size(1) != 3)
            throw new ArgumentException($"The images are ({string.Join(",", x.shape)}); expected (B,3,H,W).",
                nameof(x));
        using var scope = NewDisposeScope();
        for (int stage = 0; stage < stages.Count; stage++)
        {
            // Feature maps that autograd does not keep are freed stage by stage.
            using var input = stage > 0 ? x : null;
            using var reduced = downsample_layers[stage].call(x);
            x = stages[stage].call(reduced);
        }
        return norm.call(x.mean([2, 3])).MoveToOuterDisposeScope();
    }

    string IOnnxLayer.Export(OnnxGraph graph, string x)
    {
        for (int stage = 0; stage < stages.Count; stage++)
            x = graph.Apply(stages[stage], graph.Apply(downsample_layers[stage], x));
        return norm.Export(graph, graph.ReduceMean(x, keepDimensions: false, 2, 3));
    }

    /// <summary>A layer norm over the channels of (B,C,H,W).</summary>
    private sealed class ChannelNorm : Module<Tensor, Tensor>, IOnnxLayer
    {
        private readonly double _eps;
        private Parameter weight;
        private Parameter bias;

        public ChannelNorm(long channels, double eps) : base(nameof(ChannelNorm))
        {
            _eps = eps;
            weight = Initialization.Constant(1, channels);
            bias = Initialization.Constant(0, channels);
            RegisterComponents();
        }

        public override Tensor forward(Tensor x) =>
            functional.layer_norm(x.permute(0, 2, 3, 1), [weight.size(0)], weight, bias, _eps).permute(0, 3, 1, 2);

        public string Export(OnnxGraph graph, string x) =>
            graph.Transpose(graph.LayerNorm(graph.Transpose(x, 0, 2, 3, 1), weight, bias, _eps), 0, 3, 1, 2);
    }

    /// <summary>x += γ·MLP(LN(depthwise 7×7 of x)).</summary>
    private sealed class Block : Module<Tensor, Tensor>, IOnnxLayer
    {
        private DepthwiseConv dwconv;
        private LayerNorm norm;
        private Linear pwconv1;
        private Linear pwconv2;
        private Parameter gamma;
        private DropPath drop_path;

        public Block(long width, double scale, double dropPath, torch.Generator generator) : base(nameof(Block))
        {
            dwconv = new DepthwiseConv(width, generator);
            norm = new LayerNorm(width, NormEps);
            pwconv1 = new Linear(width, 4 * width, generator, deviation: 0.02);
            pwconv2 = new Linear(4 * width, width, generator, deviation: 0.02);
            gamma = Initialization.Constant(scale, width);
            drop_path = new DropPath(dropPath);
            RegisterComponents();
        }

        public override Tensor forward(Tensor x)
        {
            using var scope = NewDisposeScope();
            var branch = norm.call(dwconv.call(x).permute(0, 2, 3, 1));
            branch = pwconv2.call(functional.gelu(pwconv1.call(branch))).mul(gamma);
            return drop_path.call(x, branch.permute(0, 3, 1, 2)).MoveToOuterDisposeScope();
        }

        public string Export(OnnxGraph graph, string x)
        {
            string branch = norm.Export(graph, graph.Transpose(dwconv.Export(graph, x), 0, 2, 3, 1));
            branch = graph.Mul(pwconv2.Export(graph, graph.Gelu(pwconv1.Export(graph, branch))), graph.Weight(gamma));
            return graph.Add(x, graph.Transpose(branch, 0, 3, 1, 2));
        }
    }

    /// <summary>A 7×7 convolution of each channel on its own, weights N(0, 0.02²), bias zero.</summary>
    private sealed class DepthwiseConv : Module<Tensor, Tensor>, IOnnxLayer
    {
        private Parameter weight;
        private Parameter bias;

        public DepthwiseConv(long width, torch.Generator generator) : base(nameof(DepthwiseConv))
        {
            weight = Initialization.Normal(0.02, generator, width, 1, 7, 7);
            bias = Initialization.Constant(0, width);
            RegisterComponents();
        }

        public override Tensor forward(Tensor x) => Convolution.Depthwise(x, weight, bias, padding: 3);

        public string Export(OnnxGraph graph, string x) =>
            graph.Conv(x, weight, bias, stride: 1, padding: 3, groups: weight.size(0));
    }
}
