using MLNet.Ssl.Onnx;
using MLNet.Ssl.Tensors;
using static TorchSharp.torch;
using static TorchSharp.torch.nn;

namespace MLNet.Ssl.Networks;

/// <summary>Mean of 2×2 pixels, the own one at the top left: (B,C,H,W) →
/// (B,C,⌈H/stride⌉,⌈W/stride⌉), for strides 1 and 2.</summary>
/// <remarks>
/// As SimCLR v2's code pads: at stride 1 the means at the border are those of the pixels that exist; at stride 2
/// an odd side gets a border of zeros.
/// </remarks>
internal sealed class AveragePool2x2(long stride) : Module<Tensor, Tensor>(nameof(AveragePool2x2)), IOnnxLayer
{
    public override Tensor forward(Tensor x)
    {
        if (stride == 1) return MeanWithNext(MeanWithNext(x, 2), 3);
        long height = x.size(2), width = x.size(3);
        if (height % 2 + width % 2 > 0) x = functional.pad(x, [0, width % 2, 0, height % 2]);
        return functional.adaptive_avg_pool2d(x, [(height + 1) / 2, (width + 1) / 2]);
    }

    public string Export(OnnxGraph graph, string x) => graph.AveragePool2x2(x, stride);

    private static Tensor MeanWithNext(Tensor x, int dim)
    {
        long size = x.size(dim);
        var last = x.narrow(dim, size - 1, 1);
        return x.Add(cat([x.narrow(dim, 1, size - 1), last], dim)).Mul_(0.5);
    }
}
