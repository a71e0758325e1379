using System.Runtime.InteropServices;
using MLNet.Ssl.Tensors;
using static TorchSharp.torch;

namespace MLNet.Ssl.Data;

/// <summary>
/// Slots that are taken to the standard normal distribution by their quantiles, as scikit-learn's
/// <c>QuantileTransformer</c> does: a value's place among them, linear between two, becomes the normal deviate of that
/// place.
/// </summary>
/// <remarks>A value that several quantiles have stands in their midst, at an end too, where scikit-learn puts it at
/// the end of the scale whatever share of the rows it has.</remarks>
internal sealed class NormalQuantiles
{
    /// <summary>The place of what lies beyond all quantiles, 5.2 deviations, as in scikit-learn.</summary>
    public const double LeastShare = 1e-7;

    private readonly AlignedFloats _values;
    private readonly DeviceTensors _quantilesAndSlots;

    /// <param name="slots">The quantiles of each slot at equal steps from the least value to the greatest: ascending,
    /// finite, and as many for each slot.</param>
    /// <exception cref="ArgumentException">They are not.</exception>
    public NormalQuantiles(IReadOnlyDictionary<int, IReadOnlyList<float>> slots)
    {
        Slots = [.. slots.Keys.Order().Select(slot => (long)slot)];
        Count = slots.Values.First().Count;
        _values = new(checked(Slots.Length * Count));
        for (int i = 0; i < Slots.Length; i++)
        {
            var values = slots[(int)Slots[i]];
            if (values.Count != Count || Count < 2)
                throw new ArgumentException(
                    $"Slot {Slots[i]} has {values.Count} quantiles and slot {Slots[0]} {Count}; "
                    + "expected as many of all, and at least 2.");
            for (int j = 0; j < Count; j++)
                if (!float.IsFinite(values[j]) || (j > 0 && values[j] < values[j - 1]))
                    throw new ArgumentException(
                        $"Quantile {j} of slot {Slots[i]} is {values[j]}; expected finite numbers, ascending.");
            values.ToArray().CopyTo(_values.Span[(i * Count)..]);
        }
        _quantilesAndSlots = new(device =>
            [_values.AsTensor(Slots.Length, Count).to(device), NativeTensor.On(device, Slots)]);
    }

    /// <summary>The slots, ascending.</summary>
    public long[] Slots { get; }

    /// <summary>Number of quantiles of each.</summary>
    public int Count { get; }

    /// <summary>Quantiles of some slots of the rows, as many as there are rows at most.</summary>
    public static Dictionary<int, IReadOnlyList<float>> Of(TableStore table, IEnumerable<int> slots, int count)
    {
        count = Math.Min(count, table.Count);
        var values = new float[table.Count];
        var result = new Dictionary<int, IReadOnlyList<float>>();
        foreach (int slot in slots)
        {
            using var scope = NewDisposeScope();
            MemoryMarshal.Cast<byte, float>(table.Values.select(1, slot).contiguous().bytes).CopyTo(values);
            Array.Sort(values);
            result[slot] = [.. Enumerable.Range(0, count).Select(Quantile)];
        }
        return result;

        float Quantile(int number)
        {
            double place = (double)number * (values.Length - 1) / (count - 1);
            int before = Math.Min((int)place, values.Length - 2);
            return (float)(values[before] + (place - before) * ((double)values[before + 1] - values[before]));
        }
    }

    /// <summary>The quantiles of the slot of that number.</summary>
    public ReadOnlySpan<float> this[int number] => _values.Span.Slice(number * Count, Count);

    /// <summary>Takes the slots of rows (N, columns) to the normal distribution and writes them into
    /// <paramref name="destination"/>, of the same shape.</summary>
    public void Apply(Tensor rows, Tensor destination)
    {
        using var scope = NewDisposeScope();
        var constants = _quantilesAndSlots.On(rows.device);
        var (quantiles, slots) = (constants[0], constants[1]);
        var x = rows.index_select(1, slots).t().contiguous();
        var (below, upTo) = (searchsorted(quantiles, x), searchsorted(quantiles, x, right: true));
        var before = upTo.Add(-1L).Clamp(0L, Count - 2);
        var start = quantiles.gather(1, before).to(ScalarType.Float64);
        var width = quantiles.gather(1, before.Add(1L)).to(ScalarType.Float64) - start;
        // Beyond the ends the width may be 0, and the place is infinite.
        var place = before.Add((x.to(ScalarType.Float64) - start) / width);
        place = where(below.eq(upTo), place, below.Add(upTo).Add(-1L).to(ScalarType.Float64).Div(2));
        var share = place.Div(Count - 1).Clamp(LeastShare, 1 - LeastShare);
        var deviates = share.Mul(2).Add(-1.0).erfinv().Mul(Math.Sqrt(2));
        destination.index_copy_(1, slots, deviates.t().to(ScalarType.Float32));
    }
}
