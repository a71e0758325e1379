namespace MLNet.Ssl;

/// <summary>How a number becomes several inputs of a network (Gorishniy et al., arXiv 2203.05556).</summary>
public enum NumberEmbedding
{
    /// <summary>The number itself.</summary>
    None,

    /// <summary>
    /// Its place among the bins that part −2.5 to 2.5, where standardised values mostly are: 1 for every bin below it,
    /// 0 for those above, and the share of its own that it has passed.
    /// </summary>
    PiecewiseLinear,

    /// <summary>sin(2πcx) and cos(2πcx) of learned frequencies c that start at N(0, 0.3²), and x itself.</summary>
    Periodic,
}
