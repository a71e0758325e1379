using MLNet.Ssl.Mixing;
using MLNet.Ssl.Tensors;
using static TorchSharp.torch;
using static TorchSharp.torch.nn.functional;

namespace MLNet.Ssl.Methods;

/// <summary>Losses between queries and keys, each once: plain, mixed and symmetric methods differ
/// in the targets they pass.</summary>
public static class Contrast
{
    /// <summary>Cosine similarities over T: (N, M) of queries (N, d) and keys (M, d).</summary>
    /// <param name="queries">(N, d), of any norm.</param>
    /// <param name="keys">(M, d), of any norm.</param>
    /// <param name="temperature">T above 0.</param>
    public static Tensor Logits(Tensor queries, Tensor keys, double temperature = 1) =>
        NtXent.Normalize(queries).mm(NtXent.Normalize(keys).t()).Div(temperature);

    /// <summary>MoCo's logits without mixing: the own key against a queue, (N, 1 + K), the own one first (He et al.,
    /// arXiv 1911.05722, Eq. 1).</summary>
    /// <param name="queries">(N, d), of any norm.</param>
    /// <param name="keys">(N, d), of any norm.</param>
    /// <param name="negatives">(d, K), columns of norm 1.</param>
    /// <param name="temperature">T above 0.</param>
    public static Tensor QueueLogits(Tensor queries, Tensor keys, Tensor negatives, double temperature)
    {
        var q = NtXent.Normalize(queries);
        var own = (q * NtXent.Normalize(keys)).sum(1, keepdim: true);
        return cat([own, q.mm(negatives)], 1).Div(temperature);
    }

    /// <summary>MoCo's logits with mixing: all keys of the batch before the queue, (N, N + K) (i-Mix,
    /// arXiv 2010.08887, Eq. 5).</summary>
    /// <inheritdoc cref="QueueLogits"/>
    public static Tensor BatchAndQueueLogits(Tensor queries, Tensor keys, Tensor negatives, double temperature) =>
        NtXent.Normalize(queries).mm(cat([NtXent.Normalize(keys).t(), negatives], 1)).Div(temperature);

    /// <summary>Softmax cross entropy against the targets, mean over the rows.</summary>
    /// <param name="logits">(N, M).</param>
    /// <param name="targets">Of N rows.</param>
    public static Tensor CrossEntropy(Tensor logits, SoftTargets targets) =>
        targets.Weigh(log_softmax(logits, 1)).mean().neg();

    /// <summary>−log of the targets' share of the probability, mean over the rows; equals
    /// <see cref="CrossEntropy"/> for hard targets.</summary>
    /// <inheritdoc cref="CrossEntropy"/>
    public static Tensor LogMixture(Tensor logits, SoftTargets targets) =>
        targets.LogWeigh(log_softmax(logits, 1)).mean().neg();

    /// <summary>BYOL's loss 2 − 2·cos, mean over the rows and linear in the target (Grill et al.,
    /// arXiv 2006.07733, Eq. 2).</summary>
    /// <param name="similarities">Cosines (N, N) of predictions and targets.</param>
    /// <param name="targets">Of N rows.</param>
    public static Tensor SquaredDistance(Tensor similarities, SoftTargets targets) =>
        targets.Weigh(similarities).Mul(-2).Add(2).mean();
}
