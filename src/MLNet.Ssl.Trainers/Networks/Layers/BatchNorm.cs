using MLNet.Ssl.Distributed;
using MLNet.Ssl.Onnx;
using MLNet.Ssl.Tensors;
using TorchSharp;
using TorchSharp.Modules;
using static TorchSharp.torch;
using static TorchSharp.torch.nn;

namespace MLNet.Ssl.Networks;

/// <summary>
/// Batch normalisation of (B,C) or (B,C,H,W) per channel: batch statistics in training, running ones (momentum
/// 0.1, unbiased variance) otherwise.
/// </summary>
/// <remarks>
/// The running statistics are the one thing a forward pass writes: in training, pass one batch at a time through it.
/// Where several processes train, a batch is what all of them pass at once, but within <see cref="OfThisRank"/>.
/// </remarks>
internal sealed class BatchNorm : Module<Tensor, Tensor>, IOnnxLayer, IKeepsSinglePrecision
{
    private const double Eps = 1e-5, Momentum = 0.1;

    [ThreadStatic]
    private static int t_ofThisRank;

    private Parameter? weight;
    private Parameter? bias;
    private Tensor running_mean;
    private Tensor running_var;
    private Tensor num_batches_tracked;

    /// <remarks>gamma is the initial scale, null for none; beta says whether there is a
    /// shift, which starts at 0.</remarks>
    public BatchNorm(long channels, double? gamma = 1, bool beta = true) : base(nameof(BatchNorm))
    {
        if (gamma is { } g) weight = Initialization.Constant(g, channels);
        if (beta) bias = Initialization.Constant(0, channels);
        running_mean = Initialization.Buffer(torch.zeros(channels, dtype: float32, device: CPU));
        running_var = Initialization.Buffer(torch.ones(channels, dtype: float32, device: CPU));
        num_batches_tracked = Initialization.Buffer(torch.zeros(Array.Empty<long>(), dtype: int64, device: CPU));
        RegisterComponents();
    }

    /// <summary>Passes on this thread have the statistics of this process's rows alone,
    /// until the result is disposed.</summary>
    public static IDisposable OfThisRank()
    {
        t_ofThisRank++;
        return new Scope();
    }

    public override Tensor forward(Tensor x)
    {
        if (training) num_batches_tracked.Add_(1);
        // Inference knows no ranks, and works where they cannot meet.
        var ranks = training ? Communicator.Current : null;
        return ranks is { Count: > 1 } && t_ofThisRank == 0
            ? Synchronized(x, ranks)
            : functional.batch_norm(x, running_mean, running_var, weight, bias, training, Momentum, Eps);
    }

    public string Export(OnnxGraph graph, string x) => graph.BatchNorm(x, running_mean, running_var, weight, bias, Eps);

    /// <summary>Statistics over the rows of all ranks, as many of each.</summary>
    private Tensor Synchronized(Tensor x, Communicator ranks)
    {
        Tensor mean, variance;
        using (no_grad())
        using (var scope = NewDisposeScope())
        {
            var values = x.to_type(float32);
            long count = values.numel() / values.size(1) * ranks.Count;
            mean = values.mean(Dimensions(x));
            var centred = values - mean.view(PerChannel(x));
            // Variances about the ranks' own means, and of these means: no difference of large numbers.
            var all = ranks.Gather(stack([mean, (centred * centred).mean(Dimensions(x))]).unsqueeze(0));
            var means = all.select(1, 0);
            mean = means.mean([0]);
            var offsets = means - mean;
            variance = all.select(1, 1).AddCMul(offsets, offsets).mean([0]);
            running_mean.Mul_(1 - Momentum).Add_(mean, Momentum);
            running_var.Mul_(1 - Momentum).Add_(variance, Momentum * count / Math.Max(1, count - 1));
            scope.MoveToOuter(mean, variance);
        }
        if (x.requires_grad) x = StatisticsGradient.apply(x, mean, variance.Add(Eps), ranks);
        return functional.batch_norm(x, mean, variance, weight, bias, training: false, Momentum, Eps);
    }

    private static long[] Dimensions(Tensor x) => x.ndim == 2 ? [0] : [0, 2, 3];

    private static long[] PerChannel(Tensor x) => x.ndim == 2 ? [1, -1] : [1, -1, 1, 1];

    /// <summary>
    /// Gives x back, and takes from a gradient g, for which the statistics were constants, what they make of it:
    /// g − mean(g) − (x − μ)/σ² · mean(g·(x − μ)), the means over the rows of all ranks.
    /// </summary>
    private sealed class StatisticsGradient : autograd.SingleTensorFunction<StatisticsGradient>
    {
        public override string Name => nameof(StatisticsGradient);

        public override Tensor forward(autograd.AutogradContext context, params object[] arguments)
        {
            var x = (Tensor)arguments[0];
            context.save_for_backward([x, (Tensor)arguments[1], (Tensor)arguments[2]]);
            context.save_data("ranks", arguments[3]);
            return x.alias();
        }

        public override List<Tensor> backward(autograd.AutogradContext context, Tensor gradient)
        {
            using var scope = NewDisposeScope();
            var saved = context.get_saved_variables();
            var ranks = (Communicator)context.get_data("ranks");
            var (x, mean, variance) = (saved[0], saved[1], saved[2]);
            var (dimensions, shape) = (Dimensions(x), PerChannel(x));
            var g = gradient.to_type(float32);
            var centred = x.to_type(float32) - mean.view(shape);
            var means = ranks.Mean_(stack([g.mean(dimensions), (g * centred).mean(dimensions)]));
            var result = (g - means.select(0, 0).view(shape))
                .AddCMul_(centred, (means.select(0, 1) / variance).view(shape), -1);
            return [result.to_type(gradient.dtype).MoveToOuterDisposeScope(), null!, null!, null!];
        }
    }

    private sealed class Scope : IDisposable
    {
        public void Dispose() => t_ofThisRank--;
    }
}
