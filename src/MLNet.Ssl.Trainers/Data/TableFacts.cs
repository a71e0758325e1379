using static TorchSharp.torch;

namespace MLNet.Ssl.Data;

/// <summary>What there is to know of a table before training.</summary>
/// <param name="Columns">Width of a row.</param>
/// <param name="Continuous">Slots with more than two different values, ascending.</param>
/// <param name="Constant">Slots with one value, ascending.</param>
internal sealed record TableFacts(int Columns, int[] Continuous, int[] Constant)
{
    private const long RowsAtATime = 1 << 16;

    /// <summary>Slots with two values, such as indicators, ascending.</summary>
    public IEnumerable<int> TwoValued => Enumerable.Range(0, Columns).Except(Continuous).Except(Constant);

    /// <summary>Slots of which one is set in every row, as one-hot encoding leaves them, in order.</summary>
    public IReadOnlyList<Range> Categories { get; init; } = [];

    /// <summary>Whether <see cref="Categories"/> are what the data's source said of them, and
    /// not found in the values.</summary>
    public bool CategoriesAreKnown { get; init; }

    public static TableFacts Of(TableStore table)
    {
        using var scope = NewDisposeScope();
        var values = table.Values;
        var (least, most) = (values.amin([0]), values.amax([0]));
        // A slot with a value strictly between its extremes has more than two. In pieces: a mask of all values would
        // take a quarter of their memory each.
        var continuous = zeros([table.Columns], ScalarType.Bool, CPU);
        for (long start = 0; start < table.Count; start += RowsAtATime)
        {
            using var piece = NewDisposeScope();
            var rows = values.narrow(0, start, Math.Min(RowsAtATime, table.Count - start));
            continuous.logical_or_(rows.gt(least).logical_and(rows.lt(most)).any(0, false));
        }
        var facts = new TableFacts(table.Columns, Where(continuous), Where(least.eq(most)));
        return table.Categories is { } known
            ? facts with { Categories = known, CategoriesAreKnown = true }
            : facts with
            {
                Categories =
                SlotUnits.Find(values, least, [.. Enumerable.Range(0, table.Columns).Except(facts.Continuous)])
            };
    }

    private static int[] Where(Tensor slots)
    {
        var flags = slots.data<bool>().ToArray();
        return [.. Enumerable.Range(0, flags.Length).Where(i => flags[i])];
    }

    /// <summary>Slot numbers for a message: 0–9, 14.</summary>
    public static string Describe(IReadOnlyList<int> slots)
    {
        var ranges = new List<string>();
        for (int i = 0; i < slots.Count;)
        {
            int last = i;
            while (last + 1 < slots.Count && slots[last + 1] == slots[last] + 1) last++;
            ranges.Add(last == i ? $"{slots[i]}" : $"{slots[i]}–{slots[last]}");
            i = last + 1;
        }
        return ranges.Count == 0 ? "none" : string.Join(", ", ranges);
    }
}
