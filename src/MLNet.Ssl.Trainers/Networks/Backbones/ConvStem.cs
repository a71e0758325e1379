using MLNet.Ssl.Onnx;
using TorchSharp;
using TorchSharp.Modules;
using static TorchSharp.torch;
using static TorchSharp.torch.nn;

namespace MLNet.Ssl.Networks;

/// <summary>
/// Four 3×3 convolutions of stride 2 with batch norm and ReLU, of widths D/8, D/4, D/2 and D, and a 1×1 convolution, in
/// place of a projection of 16×16 patches (Xiao et al., arXiv 2106.14881, as in MoCo v3): (B,3,H,W) →
/// (B,⌊H/16⌋·⌊W/16⌋,D). Weights are PyTorch's default.
/// </summary>
internal sealed class ConvStem : Module<Tensor, Tensor>, IOnnxLayer
{
    public const int PatchSize = 16;

    private Sequential proj;

    public ConvStem(long width, torch.Generator generator) : base(nameof(ConvStem))
    {
        var layers = new List<Module<Tensor, Tensor>>();
        for (long inputs = 3, outputs = width / 8; outputs <= width; (inputs, outputs) = (outputs, 2 * outputs))
            layers.AddRange(
                [new Conv2d(inputs, outputs, 3, 2, generator, uniform: true), new BatchNorm(outputs), new Relu()]);
        layers.Add(new Conv2d(width, width, 1, 1, generator, uniform: true, hasBias: true));
        proj = Sequential(layers);
        RegisterComponents();
    }

    public override Tensor forward(Tensor x)
    {
        long height = x.size(2) / PatchSize * PatchSize, width = x.size(3) / PatchSize * PatchSize;
        return proj.call(x.narrow(2, 0, height).narrow(3, 0, width)).flatten(2).transpose(1, 2);
    }

    public string Export(OnnxGraph graph, string x)
    {
        long height = graph.InputShape[1] / PatchSize * PatchSize, width = graph.InputShape[2] / PatchSize * PatchSize;
        if (height != graph.InputShape[1]) x = graph.Slice(x, 0, height, 2);
        if (width != graph.InputShape[2]) x = graph.Slice(x, 0, width, 3);
        return graph.Transpose(graph.Reshape(graph.Apply(proj, x), 0, 0, -1), 0, 2, 1);
    }
}
