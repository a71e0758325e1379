namespace MLNet.Ssl;

/// <summary>
/// Which of a query's labelled images count, and which are left out (Radenović et al., arXiv 1803.11285).
/// </summary>
public enum RetrievalProtocol
{
    /// <summary>Easy images are the positives; hard and junk ones are ignored.</summary>
    Easy,

    /// <summary>Easy and hard images are the positives; junk is ignored.</summary>
    Medium,

    /// <summary>Hard images are the positives; easy and junk ones are ignored.</summary>
    Hard,
}
