namespace MLNet.Ssl.Data;

/// <summary>What Auto options are chosen from.</summary>
/// <param name="Rows">Training rows.</param>
/// <param name="MedianShorterSide">Median of the images' shorter sides, in pixels; 0 for a table.</param>
/// <param name="Processors">Processor threads of the machine.</param>
internal sealed record DataFacts(int Rows, int MedianShorterSide, int Processors)
{
    /// <summary>Whether the run computes on the processor.</summary>
    public bool IsOnProcessor { get; init; }

    /// <summary>What there is to know of a table; null for images.</summary>
    public TableFacts? Table { get; init; }

    /// <summary>
    /// Whether the published settings for small images, or for tables, fit better than those for ImageNet.
    /// </summary>
    public bool AreSmall(int? imageSize) => Table is not null || imageSize <= 64;

    public static DataFacts Of(TableStore table) =>
        new(table.Count, 0, Environment.ProcessorCount) { Table = TableFacts.Of(table) };

    public static DataFacts Of(IImageSource images)
    {
        var sides = new int[images.Count];
        for (int i = 0; i < sides.Length; i++) sides[i] = images.ShorterSide(i);
        Array.Sort(sides);
        return new(sides.Length, sides.Length == 0 ? 0 : sides[sides.Length / 2], Environment.ProcessorCount);
    }

    /// <summary>The training size where none is given.</summary>
    public int DefaultImageSize =>
        MedianShorterSide >= 32 ? Math.Min(224, MedianShorterSide / 16 * 16) : Math.Max(8, MedianShorterSide / 8 * 8);
}
