using MLNet.Ssl.Tensors;
using static TorchSharp.torch;
using static TorchSharp.torch.nn.functional;

namespace MLNet.Ssl.Methods;

/// <summary>How NT-Xent's terms are put together.</summary>
public enum NtXentReduction
{
    /// <summary>The paper's mean over all 2·B rows.</summary>
    Paper,

    /// <summary>The official code's mean over the first views plus mean over the second: twice the paper's. Use it with
    /// the official learning rates.</summary>
    SimClrSum,
}

/// <summary>Normalised temperature-scaled cross entropy (Chen et al., arXiv 2002.05709, Eq. 1).</summary>
public static class NtXent
{
    /// <summary>The loss of 2·B embeddings; row i and row i ± B show the same sample, all
    /// other rows are negatives.</summary>
    /// <param name="embeddings">(2·B, d): all samples of the first view, then of the second.</param>
    /// <param name="temperature">τ above 0.</param>
    /// <param name="reduction">How the terms are put together.</param>
    /// <param name="normalize">l2-normalises the rows first.</param>
    /// <param name="memory">Negatives of every row besides, (d, K), columns of norm 1: SimCLR v2's memory (arXiv
    /// 2006.10029). Null for none.</param>
    /// <returns>A scalar.</returns>
    public static Tensor Loss(
        Tensor embeddings, double temperature, NtXentReduction reduction = NtXentReduction.Paper, bool normalize = true,
        Tensor? memory = null)
    {
        var z = normalize ? Normalize(embeddings) : embeddings;
        return Among(z, z, 0, temperature, reduction, memory);
    }

    /// <summary>The loss of this process's embeddings, to which those of all processes are negatives;
    /// its gradient reaches all.</summary>
    internal static Tensor LossOverRanks(Tensor embeddings, double temperature, NtXentReduction reduction,
        Tensor? memory) =>
        GatheredLoss.Of(Normalize(embeddings), (all, first) =>
            Among(all.narrow(0, first, embeddings.size(0)), all, first, temperature, reduction, memory));

    /// <summary>The loss of rows that stand in others from <paramref name="first"/> on.</summary>
    private static Tensor Among(Tensor z, Tensor all, long first, double temperature, NtXentReduction reduction,
        Tensor? memory)
    {
        long rows = z.size(0), batch = rows / 2;
        var own = TensorArithmetic.Range(rows, z.device);
        // A row is no negative of itself.
        var self = own.Add(first).unsqueeze(1).eq(TensorArithmetic.Range(all.size(0), z.device));
        var logits = z.mm(all.t()).Div(temperature).MaskedFill(self, -1e9);
        if (memory is not null) logits = cat([logits, z.mm(memory).Div(temperature)], 1);
        var positives = own.Add(batch).Remainder(rows).Add(first);
        var loss = cross_entropy(logits, positives);
        return reduction == NtXentReduction.Paper ? loss : loss.Mul(2);
    }

    /// <summary>v / max(‖v‖₂, 1e-12), row by row.</summary>
    internal static Tensor Normalize(Tensor rows) => normalize(rows);
}
