using MLNet.Ssl.Distributed;

namespace MLNet.Ssl.Data;

/// <summary>What Auto options are chosen from.</summary>
/// <param name="Rows">Training rows.</param>
/// <param name="MedianShorterSide">Median of the images' shorter sides, in pixels; 0 for a table.</param>
/// <param name="Processors">Processor threads that there are for this process.</param>
internal sealed record DataFacts(int Rows, int MedianShorterSide, int Processors)
{
    /// <summary>Whether the run computes on the processor.</summary>
    public bool IsOnProcessor { get; init; }

    /// <summary>What there is to know of a table; null for images.</summary>
    public TableFacts? Table { get; init; }

    public static DataFacts Of(TableStore table) =>
        new(table.Count, 0, Communicator.Current.Processors) { Table = TableFacts.Of(table) };

    public static DataFacts Of(IImageSource images)
    {
        var sides = new int[images.Count];
        for (int i = 0; i < sides.Length; i++) sides[i] = images.ShorterSide(i);
        Array.Sort(sides);
        return new(sides.Length, sides.Length == 0 ? 0 : sides[sides.Length / 2], Communicator.Current.Processors);
    }

    /// <summary>The training size where none is given.</summary>
    public int DefaultImageSize =>
        MedianShorterSide >= 32 ? Math.Min(224, MedianShorterSide / 16 * 16) : Math.Max(8, MedianShorterSide / 8 * 8);
}
