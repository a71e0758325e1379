using MLNet.Ssl.Onnx;
using MLNet.Ssl.Tensors;
using TorchSharp;
using TorchSharp.Modules;
using static TorchSharp.torch;
using static TorchSharp.torch.nn;

namespace MLNet.Ssl.Networks;

/// <summary>
/// Batch normalisation of (B,C) or (B,C,H,W) per channel: batch statistics in training, running ones (momentum 0.1, unbiased variance) otherwise.
/// </summary>
/// <remarks>The running statistics are the one thing a forward pass writes: in training, pass one batch at a time through it.</remarks>
internal sealed class BatchNorm : Module<Tensor, Tensor>, IOnnxLayer, IKeepsSinglePrecision
{
    private const double Eps = 1e-5;

    private Parameter? weight;
    private Parameter? bias;
    private Tensor running_mean;
    private Tensor running_var;
    private Tensor num_batches_tracked;

    /// <remarks>gamma is the initial scale, null for none; beta says whether there is a shift, which starts at 0.</remarks>
    public BatchNorm(long channels, double? gamma = 1, bool beta = true) : base(nameof(BatchNorm))
    {
        if (gamma is { } g) weight = Initialization.Constant(g, channels);
        if (beta) bias = Initialization.Constant(0, channels);
        running_mean = Initialization.Buffer(torch.zeros(channels, dtype: float32, device: CPU));
        running_var = Initialization.Buffer(torch.ones(channels, dtype: float32, device: CPU));
        num_batches_tracked = Initialization.Buffer(torch.zeros(Array.Empty<long>(), dtype: int64, device: CPU));
        RegisterComponents();
    }

    public override Tensor forward(Tensor x)
    {
        if (training) num_batches_tracked.Add_(1);
        return functional.batch_norm(x, running_mean, running_var, weight, bias, training, 0.1, Eps);
    }

    public string Export(OnnxGraph graph, string x) => graph.BatchNorm(x, running_mean, running_var, weight, bias, Eps);
}
