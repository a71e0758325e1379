using static TorchSharp.torch;

namespace MLNet.Ssl;

/// <summary>What is done to a row before the backbone sees it: (x − mean)·scale, slot by slot.</summary>
public sealed record TablePreprocessing
{
    /// <param name="mean">Subtracted from every slot; 0 leaves it.</param>
    /// <param name="scale">Multiplied with every slot then; 1 leaves it.</param>
    /// <exception cref="ArgumentException">The lengths differ or are 0, or a number is not finite.</exception>
    public TablePreprocessing(IReadOnlyList<float> mean, IReadOnlyList<float> scale)
    {
        if (mean.Count == 0 || mean.Count != scale.Count)
            throw new ArgumentException($"There are {mean.Count} means and {scale.Count} scales; expected as many of both, and at least one.");
        if (!mean.Concat(scale).All(float.IsFinite)) throw new ArgumentException("A mean or a scale is not a finite number.");
        (Mean, Scale) = (mean, scale);
    }

    /// <summary>Subtracted from every slot.</summary>
    public IReadOnlyList<float> Mean { get; }

    /// <summary>Multiplied with every slot then.</summary>
    public IReadOnlyList<float> Scale { get; }

    /// <summary>Width of a row.</summary>
    public int Columns => Mean.Count;

    /// <summary>Leaves rows as they are.</summary>
    /// <param name="columns">Width of a row.</param>
    public static TablePreprocessing None(int columns) => new(new float[columns], [.. Enumerable.Repeat(1f, columns)]);

    /// <summary>Takes some slots to mean 0 and (population) deviation 1 on the rows given, and leaves the others.</summary>
    /// <exception cref="ArgumentException">A slot's values span more than single precision can tell apart from infinity.</exception>
    internal static TablePreprocessing Standardize(TableStore table, IEnumerable<int> slots)
    {
        var (mean, scale) = (new float[table.Columns], Enumerable.Repeat(1f, table.Columns).ToArray());
        foreach (var slot in SlotMoments.Of(table, slots))
        {
            if (slot.Deviation == 0) continue;
            if (slot.Largest > SlotMoments.MostMagnitude)
                throw new ArgumentException($"Slot {slot.Slot} has values up to {slot.Largest:g3}, which cannot be standardised in single precision; "
                    + $"expected at most {SlotMoments.MostMagnitude:g3}. Scale them down, or take their logarithm.");
            (mean[slot.Slot], scale[slot.Slot]) = ((float)slot.Mean, (float)(1 / slot.Deviation));
        }
        return new(mean, scale);
    }

    /// <summary>Rows (N, columns) as the backbone sees them, on the rows' device.</summary>
    /// <param name="rows">(N, columns), float32.</param>
    public Tensor Apply(Tensor rows)
    {
        Tensor Row(IReadOnlyList<float> values) => tensor(values.ToArray(), device: rows.device);
        return (rows - Row(Mean)).mul_(Row(Scale));
    }

    /// <summary>The same numbers.</summary>
    public bool Equals(TablePreprocessing? other) => other is not null && Mean.SequenceEqual(other.Mean) && Scale.SequenceEqual(other.Scale);

    /// <inheritdoc/>
    public override int GetHashCode() => HashCode.Combine(Columns, Mean[0], Scale[0]);
}
