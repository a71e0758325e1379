using MLNet.Ssl.Tensors;
using static TorchSharp.torch;

namespace MLNet.Ssl.Evaluation;

/// <summary>What can be said of embeddings without labels, computed on the processor in double precision.</summary>
internal static class EmbeddingQuality
{
    private const double Epsilon = 1e-7;

    /// <summary>
    /// RankMe (Garrido et al., arXiv 2210.02885, Eq. 1): exp of the entropy of the singular values' shares,
    /// p_k = σ_k / ‖σ‖₁ + 10⁻⁷, of the embeddings as they are: from 1 to min(N, D).
    /// </summary>
    /// <param name="embeddings">(N, D).</param>
    public static double RankMe(Tensor embeddings)
    {
        using var scope = NewDisposeScope();
        var values = linalg.svdvals(Double(embeddings)).data<double>().ToArray();
        double sum = values.Sum();
        return sum == 0 ? 1 : Math.Exp(-values.Select(value => value / sum + Epsilon).Sum(p => p * Math.Log(p)));
    }

    /// <summary>
    /// Alignment with α = 2 (Wang and Isola, arXiv 2005.10242, section 4.1.1): mean
    /// of ‖x − y‖² over the views of a row.
    /// </summary>
    /// <param name="first">(N, D), rows of norm 1.</param>
    /// <param name="second">(N, D), likewise: other views of the same rows.</param>
    public static double Alignment(Tensor first, Tensor second)
    {
        using var scope = NewDisposeScope();
        return Double(first).sub(Double(second)).Pow(2).sum(1).mean().ToNumber();
    }

    /// <summary>Uniformity with t = 2 (section 4.1.2): log of the mean of exp(−2‖x − y‖²) over
    /// pairs of different rows.</summary>
    /// <param name="embeddings">(N, D), rows of norm 1; N is 2 or more.</param>
    public static double Uniformity(Tensor embeddings)
    {
        using var scope = NewDisposeScope();
        var rows = Double(embeddings);
        // Of rows of norm 1 the squared distance is 2 − 2·cos; a row's distance to itself is left out.
        var kernel = rows.mm(rows.t()).OneMinus().ClampMin(0).Mul(-4).exp();
        double count = rows.size(0);
        return Math.Log((kernel.sum().ToNumber() - kernel.trace().ToNumber()) / (count * (count - 1)));
    }

    private static Tensor Double(Tensor tensor) => tensor.detach().to(ScalarType.Float64).cpu();
}
