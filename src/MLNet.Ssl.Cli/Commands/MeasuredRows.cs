using MLNet.Ssl.Cli.Terminal;

namespace MLNet.Ssl.Cli.Commands;

/// <summary>Rows that an accuracy is of: those with a label that a row to learn from has too.</summary>
internal static class MeasuredRows
{
    private const int Named = 5;

    /// <summary>Counts them, and warns of the others.</summary>
    /// <param name="learned">Labels of the rows to learn from.</param>
    /// <param name="asked">Labels of the rows to classify.</param>
    /// <exception cref="InvalidDataException">There are none.</exception>
    public static int Count(Session session, IEnumerable<string?> learned, IReadOnlyCollection<string?> asked)
    {
        var known = learned.ToHashSet();
        var unknown = asked.Where(label => label is not null && !known.Contains(label)).ToList();
        int measured = asked.Count(label => label is not null) - unknown.Count;
        if (unknown.Count == 0 && measured > 0) return measured;
        var names = unknown.Distinct().Order(StringComparer.Ordinal).ToList();
        string which = names.Count == 0 ? "none" : string.Join(", ", names.Take(Named).Select(name => $"'{name}'"))
            + (names.Count > Named ? $" and {names.Count - Named} more" : "");
        if (measured == 0)
            throw new InvalidDataException(
                $"No row to classify has a label that a row to learn from has; their labels are {which}.");
        session.Warn($"{unknown.Count} of {asked.Count} rows to classify have labels that no row to learn from has "
            + $"({which}); they are left out.");
        return measured;
    }
}
