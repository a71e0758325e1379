using static TorchSharp.torch;

namespace MLNet.Ssl;

/// <summary>Mean, population deviation and extremes of a slot.</summary>
internal sealed record SlotMoments(int Slot, double Mean, double Deviation, double Least, double Most)
{
    // Differences of two such values are finite in single precision.
    private const double MostMagnitude = 1e38;

    /// <summary>Refuses values that cannot be shifted and scaled.</summary>
    public SlotMoments Checked()
    {
        double largest = Math.Max(Math.Abs(Least), Math.Abs(Most));
        if (largest <= MostMagnitude) return this;
        throw new ArgumentException($"Slot {Slot} has values up to {largest:g3}, which cannot be standardised in single precision; "
            + $"expected at most {MostMagnitude:g3}. Scale them down, or take their logarithm.");
    }

    /// <summary>Moments of some slots, in double precision: squares of large values are beyond single precision.</summary>
    public static IEnumerable<SlotMoments> Of(TableStore table, IEnumerable<int> slots)
    {
        foreach (int slot in slots)
        {
            using var scope = NewDisposeScope();
            var values = table.Values.select(1, slot).to(ScalarType.Float64);
            yield return new(slot, values.mean().ToNumber(), values.std(false).ToNumber(), values.min().ToNumber(), values.max().ToNumber());
        }
    }

    /// <summary>What to say if slots that count as standardised are far from it; null if they are not.</summary>
    public static string? Complaint(IEnumerable<SlotMoments> moments)
    {
        var off = moments.Where(m => m.Deviation > 0 && (Math.Abs(m.Mean) > 0.5 * Math.Max(1, m.Deviation) || m.Deviation is < 0.5 or > 2)).ToList();
        if (off.Count == 0) return null;
        return $"Table.Standardize is false, but slots {TableFacts.Describe([.. off.Select(m => m.Slot)])} are far from mean 0 and deviation 1 "
            + $"(slot {off[0].Slot}: mean {off[0].Mean:g3}, deviation {off[0].Deviation:g3}): masking writes 0 for the mean, and the network expects such values.";
    }
}
