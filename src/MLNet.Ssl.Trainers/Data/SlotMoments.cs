using MLNet.Ssl.Tensors;
using static System.FormattableString;
using static TorchSharp.torch;

namespace MLNet.Ssl.Data;

/// <summary>Mean, population deviation and extremes of a slot.</summary>
internal sealed record SlotMoments(int Slot, double Mean, double Deviation, double Least, double Most)
{
    // Differences of two such values are finite in single precision.
    private const double MostMagnitude = 1e38;

    // One over less than this is infinite in single precision.
    private const double LeastUnit = 1 / (double)float.MaxValue;

    private const long RowsAtATime = 1 << 16;

    private double Largest => Math.Max(Math.Abs(Least), Math.Abs(Most));

    /// <summary>The whole width of the values.</summary>
    public double Range => Most - Least;

    /// <summary>
    /// Refuses values that cannot be shifted, and divided by <paramref name="unit"/>, and names all slots that have
    /// such.
    /// </summary>
    public static IReadOnlyList<SlotMoments> Checked(IEnumerable<SlotMoments> moments, Func<SlotMoments, double> unit)
    {
        SlotMoments[] all = [.. moments];
        Refuse(all.Where(m => m.Largest > MostMagnitude), m => Invariant($"has values up to {m.Largest:g3}"),
            Invariant($"expected at most {MostMagnitude:g3}. Scale them down, or take their logarithm"));
        Refuse(all.Where(m => unit(m) < LeastUnit), m => Invariant($"has values that differ by {unit(m):g3}"),
            Invariant($"expected {LeastUnit:g3} and more. Multiply them by a constant such as 1e30, or ")
                + "leave them out");
        return all;
    }

    private static void Refuse(IEnumerable<SlotMoments> moments, Func<SlotMoments, string> fault, string advice)
    {
        SlotMoments[] refused = [.. moments];
        if (refused.Length == 0) return;
        string slots = refused.Length == 1
            ? ""
            : $" So it is with the slots {TableFacts.Describe([.. refused.Select(m => m.Slot)])}.";
        throw new ArgumentException(
            $"Slot {refused[0].Slot} {fault(refused[0])}, which cannot be standardised in single precision; "
            + $"{advice}.{slots}");
    }

    /// <summary>
    /// Moments of some slots, in double precision: squares of large values are beyond single precision. Rows are passed
    /// in pieces, so that no column is held a second time.
    /// </summary>
    public static IReadOnlyList<SlotMoments> Of(TableStore table, IEnumerable<int> slots)
    {
        int[] all = [.. slots];
        if (all.Length == 0) return [];
        using var scope = NewDisposeScope();
        var index = tensor(Array.ConvertAll(all, slot => (long)slot));
        Tensor sum = zeros([all.Length], ScalarType.Float64, CPU), squares = sum.clone();
        var (least, most) =
            (table.Values.amin([0]).index_select(0, index), table.Values.amax([0]).index_select(0, index));
        Pieces(rows => sum.Add_(rows.sum(dim: 0)));
        var mean = sum.Div(table.Count);
        Pieces(rows => squares.Add_((rows - mean).Pow(2).sum(dim: 0)));
        var variance = squares.Div(table.Count);
        return [.. all.Select((slot, i) => new SlotMoments(slot, mean[i].ToNumber(), Math.Sqrt(variance[i].ToNumber()),
            least[i].ToNumber(), most[i].ToNumber()))];

        void Pieces(Action<Tensor> add)
        {
            for (long start = 0; start < table.Count; start += RowsAtATime)
            {
                using var piece = NewDisposeScope();
                var rows = table.Values.narrow(0, start, Math.Min(RowsAtATime, table.Count - start));
                add(rows.index_select(1, index).to(ScalarType.Float64));
            }
        }
    }

    /// <summary>What to say if slots that count as standardised are far from it; null if they are not.</summary>
    public static string? StandardizationWarning(IEnumerable<SlotMoments> moments)
    {
        var off = moments.Where(m => m.Deviation > 0
            && (Math.Abs(m.Mean) > 0.5 * Math.Max(1, m.Deviation) || m.Deviation is < 0.5 or > 2)).ToList();
        if (off.Count == 0) return null;
        string slots = TableFacts.Describe([.. off.Select(m => m.Slot)]);
        return $"Table.Standardize is false, but slots {slots} are far from mean 0 and deviation 1 "
            + Invariant($"(slot {off[0].Slot}: mean {off[0].Mean:g3}, deviation {off[0].Deviation:g3}): ")
            + "masking writes 0 for the mean, and the network expects such values.";
    }
}
