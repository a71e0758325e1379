using MLNet.Ssl.Distributed;
using static TorchSharp.torch;

namespace MLNet.Ssl.Methods;

/// <summary>A loss of this process's rows among the rows of all processes, whose
/// gradient reaches all of them.</summary>
/// <remarks>
/// A row's gradient is the sum over the ranks' losses; with the mean of the parameters' gradients over the ranks that
/// follows, the whole is the gradient of one process with all rows.
/// </remarks>
internal static class GatheredLoss
{
    /// <param name="rows">(N, d), as many on every rank.</param>
    /// <param name="loss">Of the rows of all ranks, and the number of this rank's first one:
    /// the mean over this rank's.</param>
    public static Tensor Of(Tensor rows, Func<Tensor, long, Tensor> loss)
    {
        var ranks = Communicator.Current;
        if (ranks.Count == 1) return loss(rows, 0);
        long count = rows.size(0), first = ranks.Rank * count;
        var all = ranks.Gather(rows).requires_grad_();
        var value = loss(all, first);
        var gradient = ranks.Sum_(autograd.grad([value], [all])[0].contiguous());
        return KnownGradient.Of(rows, value.detach(), gradient.narrow(0, first, count));
    }
}
