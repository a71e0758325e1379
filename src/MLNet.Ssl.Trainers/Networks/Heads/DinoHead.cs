using TorchSharp;
using TorchSharp.Modules;
using static TorchSharp.torch;
using static TorchSharp.torch.nn;

namespace MLNet.Ssl.Networks;

/// <summary>
/// DINO's projection head (Caron et al., arXiv 2104.14294): an MLP to a bottleneck, its l2 norm, and weight-normalised
/// prototypes without bias. (B,D) → (B,K).
/// </summary>
/// <remarks>State-dict names are those of the official repository: mlp.0.weight …,
/// last_layer.weight_g, last_layer.weight_v.</remarks>
public sealed class DinoHead : Module<Tensor, Tensor>
{
    private Module<Tensor, Tensor> mlp;
    private WeightNormLinear last_layer;

    /// <summary>Builds the head on the CPU with random weights: MLP N(0, 0.02²) with zero biases, prototype
    /// directions by PyTorch's default.</summary>
    /// <param name="options">Widths and variants.</param>
    /// <param name="generator">Source of the weights.</param>
    /// <exception cref="ArgumentException">An option is out of range.</exception>
    public DinoHead(DinoHeadOptions options, torch.Generator generator) : base(nameof(DinoHead))
    {
        options.Validate();
        ArgumentNullException.ThrowIfNull(generator);
        mlp = Mlp(options, generator);
        last_layer = new WeightNormLinear(options.BottleneckDimension, options.OutputDimension, !options.NormLastLayer,
            generator);
        RegisterComponents();
    }

    private static Module<Tensor, Tensor> Mlp(DinoHeadOptions options, torch.Generator generator)
    {
        if (options.Layers == 1)
            return new Linear(options.InputDimension, options.BottleneckDimension, generator, deviation: 0.02);
        var layers = new List<Module<Tensor, Tensor>>();
        int inputs = options.InputDimension;
        for (int i = 1; i < options.Layers; i++)
        {
            layers.Add(new Linear(inputs, options.HiddenDimension, generator, deviation: 0.02));
            if (options.BatchNorm) layers.Add(new BatchNorm(options.HiddenDimension));
            layers.Add(new Gelu());
            inputs = options.HiddenDimension;
        }
        layers.Add(new Linear(inputs, options.BottleneckDimension, generator, deviation: 0.02));
        return Sequential(layers);
    }

    /// <summary>Projects features to prototype scores.</summary>
    /// <param name="x">Features (B,D).</param>
    /// <returns>Logits (B,K), before temperature and centring.</returns>
    public override Tensor forward(Tensor x) => last_layer.call(Bottleneck(x));

    /// <summary>The bottleneck with rows of norm 1.</summary>
    internal Tensor Bottleneck(Tensor x)
    {
        x = mlp.call(x);
        return functional.normalize(x.to(ScalarType.Float32)).to(x.dtype);
    }

    /// <summary>x Wᵀ with W = g·v/‖v‖ row by row (Salimans &amp; Kingma, arXiv 1602.07868).</summary>
    private sealed class WeightNormLinear : Module<Tensor, Tensor>, IKeepsSinglePrecision
    {
        private Parameter weight_g;
        private Parameter weight_v;

        public WeightNormLinear(long inputs, long outputs, bool trainableNorm, torch.Generator generator)
            : base(nameof(WeightNormLinear))
        {
            weight_g = Initialization.Constant(1, outputs, 1);
            weight_g.requires_grad = trainableNorm;
            weight_v = Initialization.Uniform(1 / Math.Sqrt(inputs), generator, outputs, inputs);
            RegisterComponents();
        }

        public override Tensor forward(Tensor x)
        {
            // The weights are far larger than what goes in.
            using var scope = NewDisposeScope();
            using var weights = weight_v * (weight_g / weight_v.norm(1, keepdim: true));
            return functional.linear(x, weights.to(x.dtype)).MoveToOuterDisposeScope();
        }
    }
}
