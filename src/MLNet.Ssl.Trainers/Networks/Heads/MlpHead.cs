using TorchSharp;
using static TorchSharp.torch;
using static TorchSharp.torch.nn;

namespace MLNet.Ssl.Networks;

/// <summary>
/// A perceptron as projector or predictor: linear layers with ReLU between, of PyTorch's initial weights. (B,D) →
/// (B,d). MoCo, BYOL and i-Mix differ in biases and batch norms alone.
/// </summary>
/// <remarks>State-dict names are those of the official repositories' sequences: 0.weight,
/// 1.weight …; a ReLU counts.</remarks>
public sealed class MlpHead : Module<Tensor, Tensor>
{
    // A ReLU, which has no state, is null.
    private readonly List<Module<Tensor, Tensor>?> _layers = [];

    /// <summary>Builds the head on the CPU with random weights.</summary>
    /// <param name="options">Widths and variants.</param>
    /// <param name="generator">Source of the weights.</param>
    /// <exception cref="ArgumentException">An option is out of range.</exception>
    public MlpHead(MlpHeadOptions options, torch.Generator generator) : base(nameof(MlpHead))
    {
        options.Validate();
        ArgumentNullException.ThrowIfNull(generator);
        for (int i = 1, inputs = options.InputDimension; i <= options.Layers; i++, inputs = options.HiddenDimension)
        {
            bool last = i == options.Layers;
            var (outputs, bias) = last ? (options.OutputDimension, options.OutputBias)
                : (options.HiddenDimension, options.HiddenBias);
            Add(new Linear(inputs, outputs, generator, hasBias: bias));
            if (!last && options.BatchNorm) Add(new BatchNorm(options.HiddenDimension));
            if (!last) _layers.Add(null);
        }
        bool affine = options.OutputNorm == HeadOutputNorm.Affine;
        if (options.OutputNorm != HeadOutputNorm.None)
            Add(new BatchNorm(options.OutputDimension, gamma: affine ? 1 : null, beta: affine));
    }

    /// <summary>Projects features.</summary>
    /// <param name="x">Features (B,D).</param>
    /// <returns>(B,d), not normalised.</returns>
    public override Tensor forward(Tensor x)
    {
        for (int i = 0; i < _layers.Count; i++)
            x = _layers[i] is { } layer ? layer.call(x) : functional.relu(x, inplace: _layers[i - 1] is not Linear);
        return x;
    }

    private void Add(Module<Tensor, Tensor> layer)
    {
        register_module($"{_layers.Count}", layer);
        _layers.Add(layer);
    }
}
