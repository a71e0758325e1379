using MLNet.Ssl.Tensors;
using static TorchSharp.torch;

namespace MLNet.Ssl.Data;

/// <summary>Which slots of a row belong together: those of a category, whose indicators are
/// one value in several slots.</summary>
internal static class SlotUnits
{
    // Counts of a piece are whole in single precision.
    private const long RowsAtATime = 1 << 16;

    private const int MostCandidates = 2048;

    /// <summary>The unit of every slot, from 0 on in the order of the slots; a slot of no
    /// category is one of its own.</summary>
    public static long[] Of(int columns, IReadOnlyList<Range> categories)
    {
        var units = new long[columns];
        for (int slot = 0, unit = 0; slot < columns; unit++)
        {
            int length = categories.Where(c => c.Start.Value == slot).Select(Length).FirstOrDefault(1);
            Array.Fill(units, unit, slot, length);
            slot += length;
        }
        return units;
    }

    public static int Length(Range category) => category.End.Value - category.Start.Value;

    /// <summary>
    /// Neighbouring slots of which one and only one is set in every row, as one-hot encoding leaves them: the
    /// shortest such ranges, from the left, and behind them slots of kinds that do not occur. A slot that is
    /// set has the larger of its two values.
    /// </summary>
    /// <param name="values">(N, D).</param>
    /// <param name="least">(D), the least value of every slot.</param>
    /// <param name="candidates">Slots of one value or two, ascending.</param>
    public static IReadOnlyList<Range> Find(Tensor values, Tensor least, int[] candidates)
    {
        if (candidates.Length is < 2 or > MostCandidates) return [];
        using var scope = NewDisposeScope();
        double[] together = Together(values, least, candidates);
        double Count(int i, int j) => together[i * candidates.Length + j];
        var found = new List<Range>();
        for (int first = 0; first < candidates.Length;)
        {
            double set = 0;
            int end = first;
            // The next slot is of the same category if it is never set together with one of it.
            while (end < candidates.Length && candidates[end] - candidates[first] == end - first && set < values.size(0)
                && !Enumerable.Range(first, end - first).Any(slot => Count(slot, end) > 0))
            {
                set += Count(end, end);
                end++;
            }
            if (set < values.size(0))
            {
                first++;
                continue;
            }
            while (end < candidates.Length && candidates[end] - candidates[first] == end - first
                && Count(end, end) == 0) end++;
            if (end > first + 1) found.Add(candidates[first]..(candidates[end - 1] + 1));
            first = end;
        }
        return found;
    }

    /// <summary>In how many rows two slots are both set, for every pair of candidates.</summary>
    private static double[] Together(Tensor values, Tensor least, int[] candidates)
    {
        var slots = tensor(Array.ConvertAll(candidates, slot => (long)slot));
        var floor = least.index_select(0, slots);
        var counts = zeros([candidates.Length, candidates.Length], ScalarType.Float64, CPU);
        for (long start = 0; start < values.size(0); start += RowsAtATime)
        {
            using var piece = NewDisposeScope();
            var rows = values.narrow(0, start, Math.Min(RowsAtATime, values.size(0) - start));
            var set = rows.index_select(1, slots).gt(floor).to(ScalarType.Float32);
            counts.Add_(set.t().mm(set).to(ScalarType.Float64));
        }
        return counts.data<double>().ToArray();
    }
}
