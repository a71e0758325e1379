using MLNet.Ssl.Onnx;
using TorchSharp;
using TorchSharp.Modules;
using static TorchSharp.torch;
using static TorchSharp.torch.nn;

namespace MLNet.Ssl.Networks;

/// <summary>
/// A residual network (He et al., arXiv 1512.03385; bottlenecks with the stride on the 3×3 convolution): the feature
/// is the mean of the last feature map.
/// </summary>
/// <remarks>
/// State-dict names are torchvision's, so its checkpoints load by name (without their fc). SimCLR v2's parts,
/// whose code is TensorFlow, have those of timm's networks: conv1.0 (1, 3, 4, 6) of the deep stem; conv2,
/// bn2, attn.fc_reduce, attn.bn and attn.fc_select of a block with selective kernels; downsample.1 and .2
/// behind a pooled shortcut's pooling.
/// </remarks>
internal sealed class ResNet : Backbone, IOnnxLayer
{
    private readonly ResNetOptions _options;
    private readonly bool _pools;
    private readonly Sequential[] _stages;

    private Module<Tensor, Tensor> conv1;
    private BatchNorm bn1;

    /// <summary>Builds the network on the CPU with random weights: convolutions N(0,
    /// 2/fan_out), batch norms 1 and 0.</summary>
    /// <param name="options">Architecture.</param>
    /// <param name="generator">Source of the weights.</param>
    /// <exception cref="ArgumentException">An option is out of range.</exception>
    public ResNet(ResNetOptions options, torch.Generator generator)
        : base(nameof(ResNet), options.Validated().EmbeddingDimension)
    {
        ArgumentNullException.ThrowIfNull(generator);
        _options = options;
        _pools = options.Stem == ResNetStem.ImageNet;
        conv1 = _pools && options.SelectiveKernels
            ? DeepStem(options.Width, generator)
            : new Conv2d(3, options.Width, _pools ? 7 : 3, options.Stem == ResNetStem.Small ? 1 : 2, generator);
        bn1 = new BatchNorm(options.Width);
        RegisterComponents();
        _stages = new Sequential[options.BlocksPerStage.Length];
        int channels = options.Width;
        for (int stage = 0; stage < _stages.Length; stage++)
        {
            var blocks = new Module<Tensor, Tensor>[options.BlocksPerStage[stage]];
            for (int i = 0; i < blocks.Length; i++)
            {
                blocks[i] = new ResidualBlock(options, channels, options.StageWidth(stage), i == 0 && stage > 0 ? 2
                    : 1, generator);
                channels = options.StageWidth(stage) * options.Expansion;
            }
            register_module($"layer{stage + 1}", _stages[stage] = Sequential(blocks));
        }
    }

    /// <inheritdoc/>
    public override BackboneOptions Options => _options;

    /// <summary>ResNet-D's three 3×3 convolutions in place of one 7×7 (He et al., arXiv 1812.01187).</summary>
    private static Sequential DeepStem(int width, torch.Generator generator) => Sequential(
        new Conv2d(3, width / 2, 3, 2, generator), new BatchNorm(width / 2), new Relu(),
        new Conv2d(width / 2, width / 2, 3, 1, generator), new BatchNorm(width / 2), new Relu(),
        new Conv2d(width / 2, width, 3, 1, generator));

    /// <summary>Embeds images.</summary>
    /// <param name="x">Normalised images (B,3,H,W).</param>
    /// <returns>Features (B,D).</returns>
    /// <exception cref="ArgumentException">The input is not (B,3,H,W).</exception>
    public override Tensor forward(Tensor x)
    {
        if (x.ndim != 4 || x.size(1) != 3)
            throw new ArgumentException($"The images are ({string.Join(",", x.shape)}); expected (B,3,H,W).",
                nameof(x));
        return Run(x, 0, StageCount);
    }

    /// <inheritdoc/>
    public override int StageCount => _stages.Length + 2;

    /// <inheritdoc/>
    /// <remarks>Stage 0 is the stem, then come the stages of blocks, and last the mean over the pixels, as the
    /// official code of i-Mix counts.</remarks>
    public override Tensor Run(Tensor x, int first, int end)
    {
        for (int stage = first; stage < end; stage++)
        {
            // Feature maps that autograd does not keep are freed stage by stage.
            using var input = stage > first ? x : null;
            x = stage == 0 ? Stem(x) : stage <= _stages.Length ? _stages[stage - 1].call(x) : x.mean([2, 3]);
        }
        return x;
    }

    private Tensor Stem(Tensor x)
    {
        using var scope = NewDisposeScope();
        using (var convolved = conv1.call(x)) x = functional.relu(bn1.call(convolved), inplace: true);
        return (_pools ? functional.max_pool2d(x, 3, stride: 2, padding: 1) : x).MoveToOuterDisposeScope();
    }

    string IOnnxLayer.Export(OnnxGraph graph, string x)
    {
        x = graph.Relu(bn1.Export(graph, graph.Apply(conv1, x)));
        if (_pools) x = graph.MaxPool(x, kernel: 3, stride: 2, padding: 1);
        foreach (var stage in _stages) x = graph.Apply(stage, x);
        return graph.ReduceMean(x, keepDimensions: false, 2, 3);
    }
}
