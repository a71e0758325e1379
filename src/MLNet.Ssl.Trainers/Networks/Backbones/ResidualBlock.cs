using MLNet.Ssl.Onnx;
using MLNet.Ssl.Tensors;
using TorchSharp;
using TorchSharp.Modules;
using static TorchSharp.torch;
using static TorchSharp.torch.nn;

namespace MLNet.Ssl.Networks;

/// <summary>relu(F(x) + shortcut(x)), where F is a chain of convolutions with batch norm: (B,C,H,W) →
/// (B,width·expansion,⌈H/stride⌉,⌈W/stride⌉).</summary>
/// <remarks>With selective kernels, two streams share conv2 and bn2, attn chooses between them, and shortcuts pool
/// before they project (ResNet-D).</remarks>
internal sealed class ResidualBlock : Module<Tensor, Tensor>, IOnnxLayer
{
    private readonly List<(Conv2d Conv, BatchNorm Norm)> _branch = [];
    private SelectiveKernel? attn;
    private Sequential? downsample;

    public ResidualBlock(ResNetOptions options, long inputs, long width, long stride, torch.Generator generator)
        : base(nameof(ResidualBlock))
    {
        long outputs = width * options.Expansion;
        double lastGamma = options.ZeroInitResidual ? 0 : 1;
        if (options.Block == ResNetBlock.Basic)
        {
            Add(inputs, width, 3, stride, 1);
            Add(width, outputs, 3, 1, lastGamma);
        }
        else
        {
            Add(inputs, width, 1, 1, 1);
            Add(width, options.SelectiveKernels ? 2 * width : width, 3, stride, 1);
            if (options.SelectiveKernels) attn = new SelectiveKernel(width, generator);
            Add(width, outputs, 1, 1, lastGamma);
        }
        if (stride != 1 || inputs != outputs)
        {
            downsample = options.SelectiveKernels
                ? Sequential(new AveragePool2x2(stride), new Conv2d(inputs, outputs, 1, 1, generator),
                    new BatchNorm(outputs))
                : Sequential(new Conv2d(inputs, outputs, 1, stride, generator), new BatchNorm(outputs));
        }
        RegisterComponents();

        void Add(long from, long to, long kernel, long by, double gamma)
        {
            var layer = (Conv: new Conv2d(from, to, kernel, by, generator), Norm: new BatchNorm(to, gamma));
            _branch.Add(layer);
            register_module($"conv{_branch.Count}", layer.Conv);
            register_module($"bn{_branch.Count}", layer.Norm);
        }
    }

    public override Tensor forward(Tensor x)
    {
        // What autograd does not keep is freed block by block.
        using var scope = NewDisposeScope();
        var shortcut = downsample is null ? x : downsample.call(x);
        for (int i = 0; i < _branch.Count; i++)
        {
            using var normed = i > 0 ? x : null;
            using var active = normed is null ? null : functional.relu(normed, inplace: true);
            using var attended = i == 2 ? attn?.call(active!) : null;
            using var convolved = _branch[i].Conv.call(attended ?? active ?? x);
            x = _branch[i].Norm.call(convolved);
        }
        return functional.relu(x.Add_(shortcut), inplace: true).MoveToOuterDisposeScope();
    }

    public string Export(OnnxGraph graph, string x)
    {
        string shortcut = downsample is null ? x : graph.Apply(downsample, x);
        for (int i = 0; i < _branch.Count; i++)
        {
            if (i > 0) x = graph.Relu(x);
            if (i == 2 && attn is not null) x = attn.Export(graph, x);
            x = _branch[i].Norm.Export(graph, _branch[i].Conv.Export(graph, x));
        }
        return graph.Relu(graph.Add(x, shortcut));
    }
}
