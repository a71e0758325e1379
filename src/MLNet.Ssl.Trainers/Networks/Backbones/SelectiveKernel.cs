using MLNet.Ssl.Onnx;
using TorchSharp;
using static TorchSharp.torch;
using static TorchSharp.torch.nn;

namespace MLNet.Ssl.Networks;

/// <summary>
/// Chooses between two streams of channels, by a softmax for every channel, from the mean of what both see
/// (Li et al., arXiv 1903.06586, in the form of SimCLR v2, arXiv 2006.10029, where both streams come from
/// 3×3 kernels): (B,2C,H,W) → (B,C,H,W).
/// </summary>
internal sealed class SelectiveKernel : Module<Tensor, Tensor>, IOnnxLayer
{
    // One channel in the narrow layer for so many of a stream, and at least so many in all.
    private const long Ratio = 16, LeastChannels = 32;

    private readonly long _channels;
    private Conv2d fc_reduce;
    private BatchNorm bn;
    private Conv2d fc_select;

    public SelectiveKernel(long channels, torch.Generator generator) : base(nameof(SelectiveKernel))
    {
        _channels = channels;
        long narrow = Math.Max(channels / Ratio, LeastChannels);
        fc_reduce = new Conv2d(channels, narrow, 1, 1, generator);
        bn = new BatchNorm(narrow);
        fc_select = new Conv2d(narrow, 2 * channels, 1, 1, generator);
        RegisterComponents();
    }

    public override Tensor forward(Tensor x)
    {
        long batch = x.size(0);
        var seen = x.mean([2, 3]).view(batch, 2, _channels, 1, 1).sum(1);
        var share = fc_select.call(functional.relu(bn.call(fc_reduce.call(seen)), inplace: true))
            .view(batch, 2, _channels, 1, 1).softmax(1);
        return (x.reshape(batch, 2, _channels, x.size(2), x.size(3)) * share).sum(1);
    }

    public string Export(OnnxGraph graph, string x)
    {
        string Sum(string streams) =>
            graph.Add(graph.Slice(streams, 0, _channels, 1), graph.Slice(streams, _channels, _channels, 1));
        string seen = Sum(graph.ReduceMean(x, keepDimensions: true, 2, 3));
        string scores = fc_select.Export(graph, graph.Relu(bn.Export(graph, fc_reduce.Export(graph, seen))));
        string share = graph.Softmax(graph.Reshape(scores, 0, 2, _channels), axis: 1);
        return Sum(graph.Mul(x, graph.Reshape(share, 0, 2 * _channels, 1, 1)));
    }
}
