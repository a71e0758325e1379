using MLNet.Ssl.Options;

namespace MLNet.Ssl;

/// <summary>
/// Average precision of one ranked list in the trapezoidal form of the Oxford, Paris and Holidays protocols: the
/// precision before and after each hit, averaged. Not the usual rectangles: the two differ wherever a hit follows a
/// miss.
/// </summary>
internal static class AveragePrecision
{
    /// <summary>AP = Σ_j ½·(j/r_j + (j+1)/(r_j+1)) / P, where j/r_j is 1 at rank 0.</summary>
    /// <param name="ranks">Ranks of the positives that were found, from 0, ascending.</param>
    /// <param name="positives">Number P of all positives, at least 1 and not fewer than were found; those not found add
    /// nothing.</param>
    /// <returns>From 0 to 1.</returns>
    /// <exception cref="ArgumentException">The ranks do not ascend from 0, or there are more of them than
    /// positives.</exception>
    public static double Trapezoid(ReadOnlySpan<int> ranks, int positives)
    {
        Check.AtLeast(positives, Math.Max(1, ranks.Length));
        double sum = 0;
        for (int j = 0; j < ranks.Length; j++)
        {
            int rank = ranks[j];
            if (rank < 0 || (j > 0 && rank <= ranks[j - 1]))
                throw new ArgumentException($"Rank {j} is {rank}; the ranks must be 0 or more and ascend.",
                    nameof(ranks));
            double before = rank == 0 ? 1 : (double)j / rank, after = (j + 1.0) / (rank + 1);
            sum += (before + after) / 2;
        }
        return sum / positives;
    }
}
