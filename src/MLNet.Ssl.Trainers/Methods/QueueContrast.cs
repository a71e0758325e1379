using static TorchSharp.torch;
using static TorchSharp.torch.nn.functional;

namespace MLNet.Ssl;

/// <summary>MoCo's losses with their gradient written out: keys are constants, so ∂loss/∂q = (p − target)·keys / (T·N).</summary>
/// <remarks>
/// The same as <see cref="Contrast.CrossEntropy"/> of <see cref="Contrast.QueueLogits"/> or <see cref="Contrast.BatchAndQueueLogits"/>, but autograd never
/// passes over the logits, which with a small network are most of what a step touches.
/// </remarks>
internal static class QueueContrast
{
    /// <summary>Without mixing: every query (N, d) against its own key (N, d) and the queue (d, K), mean over the rows.</summary>
    public static Tensor Loss(Tensor queries, Tensor keys, Tensor negatives, double temperature)
    {
        var q = NtXent.Normalize(queries);
        using var noGrad = no_grad();
        var scaled = q / temperature;
        var logP = log_softmax(cat([(scaled * keys).sum(1, keepdim: true), scaled.matmul(negatives)], 1), 1);
        var loss = logP.select(1, 0).mean().neg();
        var p = logP.exp_();
        var pull = (p.narrow(1, 0, 1) - 1) * keys + p.narrow(1, 1, negatives.size(1)).matmul(negatives.t());
        return WithGradient(q, loss, pull.div_(temperature * q.size(0)));
    }

    /// <summary>With mixing: every query against all keys of the batch and the queue, by soft targets over the keys.</summary>
    public static Tensor Loss(Tensor queries, Tensor keys, Tensor negatives, double temperature, SoftTargets targets)
    {
        var q = NtXent.Normalize(queries);
        using var noGrad = no_grad();
        var columns = cat([keys.t(), negatives], 1);
        var logP = log_softmax((q / temperature).matmul(columns), 1);
        var loss = targets.Weigh(logP).mean().neg();
        var pull = logP.exp_().matmul(columns.t()) - targets.Mean(keys);
        return WithGradient(q, loss, pull.div_(temperature * q.size(0)));
    }

    /// <summary>A tensor of the loss's value whose derivative by q is the gradient.</summary>
    private static Tensor WithGradient(Tensor q, Tensor loss, Tensor gradient)
    {
        using var grad = enable_grad();
        var linear = (q * gradient).sum();
        return linear - linear.detach() + loss;
    }
}
