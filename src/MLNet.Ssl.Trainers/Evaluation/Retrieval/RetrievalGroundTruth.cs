using MLNet.Ssl.Options;

namespace MLNet.Ssl;

/// <summary>
/// What is known of the database for one query of a retrieval benchmark; all other images are negatives.
/// </summary>
/// <param name="Easy">Rows of the database that show the query's object clearly.</param>
/// <param name="Hard">Rows that show it under a difficult view.</param>
/// <param name="Junk">Rows that are neither right nor wrong, such as the query itself.</param>
public sealed record RetrievalGroundTruth(IReadOnlyList<int> Easy, IReadOnlyList<int> Hard, IReadOnlyList<int> Junk)
{
    /// <summary>Ground truth with positives of one kind, the easy one.</summary>
    /// <param name="positives">Rows of the database that are right.</param>
    /// <param name="ignored">Rows that are neither right nor wrong.</param>
    public static RetrievalGroundTruth Of(IReadOnlyList<int> positives, params int[] ignored) =>
        new(positives, [], ignored);

    /// <summary>All members, with the contents of lists.</summary>
    public override string ToString() => RecordText.Of(this);

    internal (HashSet<int> Positive, HashSet<int> Ignored) For(RetrievalProtocol protocol) => protocol switch
    {
        RetrievalProtocol.Easy => ([.. Easy], [.. Hard, .. Junk]),
        RetrievalProtocol.Medium => ([.. Easy, .. Hard], [.. Junk]),
        _ => ([.. Hard], [.. Easy, .. Junk]),
    };

    /// <summary>Refuses rows outside of the database and rows that are listed twice.</summary>
    internal void Validate(int query, int databaseSize)
    {
        var seen = new HashSet<int>();
        foreach (var (name, rows) in new[] { (nameof(Easy), Easy), (nameof(Hard), Hard), (nameof(Junk), Junk) })
            foreach (int row in rows)
            {
                if (row < 0 || row >= databaseSize)
                    throw new ArgumentException(
                        $"Query {query}: {name} names row {row}; the database has the rows 0 to {databaseSize - 1}.");
                if (!seen.Add(row))
                    throw new ArgumentException($"Query {query}: {name} names row {row}, which is listed before.");
            }
    }
}
