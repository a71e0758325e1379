using MLNet.Ssl.Data;
using MLNet.Ssl.Options;
using MLNet.Ssl.Tensors;
using static TorchSharp.torch;

namespace MLNet.Ssl;

/// <summary>What is done to a row before the backbone sees it: (x − mean)·scale, slot by slot, or quantiles.</summary>
public sealed record TablePreprocessing
{
    private readonly DeviceTensors _meanAndScale;
    private NormalQuantiles? _normal;
    private IReadOnlyDictionary<int, IReadOnlyList<float>> _quantiles =
        new Dictionary<int, IReadOnlyList<float>>();

    /// <summary>Standardises rows slot by slot.</summary>
    /// <param name="mean">Subtracted from every slot; 0 leaves it.</param>
    /// <param name="scale">Multiplied with every slot then; 1 leaves it.</param>
    /// <exception cref="ArgumentException">The lengths differ or are 0, or a number is not finite.</exception>
    public TablePreprocessing(IReadOnlyList<float> mean, IReadOnlyList<float> scale)
    {
        if (mean.Count == 0 || mean.Count != scale.Count)
            throw new ArgumentException(
                $"There are {mean.Count} means and {scale.Count} scales; expected as many of both, and at least one.");
        for (int slot = 0; slot < mean.Count; slot++)
            if (!float.IsFinite(mean[slot]) || !float.IsFinite(scale[slot]))
                throw new ArgumentException(
                    $"Slot {slot} has the mean {mean[slot]} and the scale {scale[slot]}; expected finite numbers.");
        (Mean, Scale) = (mean, scale);
        _meanAndScale = new(device => [NativeTensor.On(device, [.. mean]), NativeTensor.On(device, [.. scale])]);
    }

    /// <summary>Subtracted from every slot.</summary>
    public IReadOnlyList<float> Mean { get; }

    /// <summary>Multiplied with every slot then.</summary>
    public IReadOnlyList<float> Scale { get; }

    /// <summary>
    /// Slots that are taken to the standard normal distribution instead, and their quantiles: values at equal steps of
    /// the distribution, from the least to the greatest (scikit-learn's <c>QuantileTransformer</c>). What lies beyond
    /// them ends at ±5.2; a value that several of them have stands in their midst.
    /// </summary>
    /// <value>Default none. Ascending, 2 and more, and as many for every slot.</value>
    /// <exception cref="ArgumentException">There are others, or a slot is outside of the row.</exception>
    public IReadOnlyDictionary<int, IReadOnlyList<float>> Quantiles
    {
        get => _quantiles;
        init
        {
            ArgumentNullException.ThrowIfNull(value);
            foreach (int slot in value.Keys)
                if (slot < 0 || slot >= Columns)
                    throw new ArgumentException(
                        $"Quantiles has the slot {slot}; rows have the slots 0 to {Columns - 1}.", nameof(value));
            _normal = value.Count == 0 ? null : new(value);
            _quantiles = value;
        }
    }

    /// <summary>Width of a row.</summary>
    public int Columns => Mean.Count;

    /// <summary>The slots of <see cref="Quantiles"/>; null for none.</summary>
    internal NormalQuantiles? Normal => _normal;

    /// <summary>Leaves rows as they are.</summary>
    /// <param name="columns">Width of a row.</param>
    public static TablePreprocessing None(int columns) => new(new float[columns], [.. Enumerable.Repeat(1f, columns)]);

    /// <summary>
    /// Takes continuous slots to mean 0 and (population) deviation 1 on the rows given, slots of two values to 0 and 1,
    /// and constant ones to 0, whatever they hold later. Others stay.
    /// </summary>
    /// <param name="table">The rows.</param>
    /// <param name="facts">What is known of them.</param>
    /// <param name="continuous">The continuous slots.</param>
    /// <param name="quantiles">With 2 and more they are taken to the normal distribution by so many quantiles
    /// instead.</param>
    /// <exception cref="ArgumentException">A slot's values span more, or less, than single precision can tell apart
    /// from infinity, or from one another.</exception>
    internal static TablePreprocessing Standardize(TableStore table, TableFacts facts, IReadOnlyList<int> continuous,
        int quantiles = 0)
    {
        var (mean, scale) = (new float[table.Columns], Enumerable.Repeat(1f, table.Columns).ToArray());
        int[] varying = [.. continuous.Except(facts.Constant)];
        foreach (var m in SlotMoments.Checked(SlotMoments.Of(table, varying), m => m.Deviation))
            if (quantiles == 0) (mean[m.Slot], scale[m.Slot]) = ((float)m.Mean, (float)(1 / m.Deviation));
        foreach (var m in SlotMoments.Checked(SlotMoments.Of(table, facts.TwoValued.Except(continuous)), m => m.Range))
            (mean[m.Slot], scale[m.Slot]) = ((float)m.Least, (float)(1 / m.Range));
        foreach (int slot in facts.Constant) scale[slot] = 0;
        var result = new TablePreprocessing(mean, scale);
        return quantiles == 0 ? result
            : result with { Quantiles = NormalQuantiles.Of(table, varying, quantiles) };
    }

    /// <summary>Rows (N, columns) as the backbone sees them, on the rows' device.</summary>
    /// <param name="rows">(N, columns), float32.</param>
    public Tensor Apply(Tensor rows)
    {
        var numbers = _meanAndScale.On(rows.device);
        var result = (rows - numbers[0]).mul_(numbers[1]);
        _normal?.Apply(rows, result);
        return result;
    }

    /// <summary>The same numbers.</summary>
    public bool Equals(TablePreprocessing? other) =>
        other is not null && Mean.SequenceEqual(other.Mean) && Scale.SequenceEqual(other.Scale)
        && Quantiles.Count == other.Quantiles.Count && Quantiles.All(slot =>
            other.Quantiles.TryGetValue(slot.Key, out var values) && slot.Value.SequenceEqual(values));

    /// <inheritdoc/>
    public override int GetHashCode() => HashCode.Combine(Columns, Mean[0], Scale[0]);

    /// <summary>All members, with the contents of lists.</summary>
    public override string ToString() => RecordText.Of(this);
}
