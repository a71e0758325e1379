using MLNet.Ssl.Mixing;
using MLNet.Ssl.Tensors;
using static TorchSharp.torch;
using static TorchSharp.torch.nn.functional;

namespace MLNet.Ssl.Methods;

/// <summary>MoCo's losses with their gradient written out: keys are constants, so ∂loss/∂q =
/// (p − target)·keys / (T·N).</summary>
/// <remarks>
/// The same as <see cref="Contrast.CrossEntropy"/> of <see cref="Contrast.QueueLogits"/> or
/// <see cref="Contrast.BatchAndQueueLogits"/>, but autograd never passes over the logits, which with a small
/// network are most of what a step touches.
/// </remarks>
internal static class QueueContrast
{
    /// <summary>
    /// Mean over the rows. Without targets, every query (N, d) against its own key (N, d) and the queue (d, K); with
    /// them, which is mixing, against all keys of the batch and the queue.
    /// </summary>
    public static Tensor Loss(Tensor queries, Tensor keys, Tensor negatives, double temperature, SoftTargets? targets,
        SideBySide sides)
    {
        var q = NtXent.Normalize(queries);
        using var noGrad = no_grad();
        using var scope = NewDisposeScope();
        Func<long, long, (Tensor Losses, Tensor Pull)> rows = targets is null ? Own : Mixed;
        long count = q.size(0), half = count / 2;
        var (first, second) = sides.Run(() => rows(0, half), () => rows(half, count - half));
        var gradient = cat([first.Pull, second.Pull], 0).Div_(temperature * count);
        return KnownGradient.Of(q, cat([first.Losses, second.Losses], 0).mean(), gradient).MoveToOuterDisposeScope();

        (Tensor Losses, Tensor Pull) Own(long start, long length)
        {
            using var work = NewDisposeScope();
            var (query, key) = (q.narrow(0, start, length).Div(temperature), keys.narrow(0, start, length));
            var logits = cat([(query * key).sum(1, keepdim: true), query.mm(negatives)], 1);
            var (p, logSum) = Softmax(logits);
            return work.MoveToOuter(logSum - logits.select(1, 0),
                (p.narrow(1, 0, 1).Add(-1) * key).Add_(p.narrow(1, 1, negatives.size(1)).mm(negatives.t())));
        }

        (Tensor Losses, Tensor Pull) Mixed(long start, long length)
        {
            using var work = NewDisposeScope();
            var target = targets!.Rows(start, length);
            var columns = cat([keys.t(), negatives], 1);
            var logits = q.narrow(0, start, length).Div(temperature).mm(columns);
            var (p, logSum) = Softmax(logits);
            return work.MoveToOuter(logSum - target.Weigh(logits), p.mm(columns.t()) - target.Mean(keys));
        }
    }

    /// <summary>Probabilities, and the logarithm of the exponentials' sum of each row.</summary>
    private static (Tensor P, Tensor LogSum) Softmax(Tensor logits)
    {
        var p = softmax(logits, 1);
        // The greatest probability is never 0, and one exponential of every logit is enough.
        return (p, logits.amax([1]) - p.amax([1]).log());
    }
}
