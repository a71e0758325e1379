using System.Numerics;

namespace Microsoft.ML.Transforms;

using Microsoft.ML.Data;

public sealed class NormalizingEstimator : IEstimator<NormalizingTransformer>
{
    private readonly InputOutputColumnPair[] _columns;
    private readonly long _maximumExampleCount;
    private readonly Func<SlotStatistics, SlotNormalizer> _normalizer;

    internal NormalizingEstimator(InputOutputColumnPair[] columns, long maximumExampleCount, Func<SlotStatistics, SlotNormalizer> normalizer)
    {
        ArgumentOutOfRangeException.ThrowIfLessThan(maximumExampleCount, 2);
        (_columns, _maximumExampleCount, _normalizer) = (columns, maximumExampleCount, normalizer);
    }

    public NormalizingTransformer Fit(IDataView input)
    {
        ArgumentNullException.ThrowIfNull(input);
        var sources = Array.ConvertAll(_columns, pair => input.Schema.Find(pair.InputColumnName));
        foreach (var source in sources) source.CheckReal(knownSize: true);
        var statistics = Array.ConvertAll(sources, c => Enumerable.Range(0, Slots.CountOf(c.Type)).Select(_ => new SlotStatistics()).ToArray());
        Slots.Scan(input, sources, (row, column, i) => Generic.Call(Visitor<float>, column.Type.ItemType().RawType, row, column, statistics[i]),
            _maximumExampleCount);
        return new NormalizingTransformer(_columns, Array.ConvertAll(statistics, slots => Array.ConvertAll(slots, s => _normalizer(s))));
    }

    private static Action Visitor<T>(DataViewRow row, DataViewSchema.Column column, SlotStatistics[] slots) where T : INumberBase<T>
        => Slots.Visitor<T>(row, column, (slot, value) => slots[slot].Add(double.CreateTruncating(value)));

    public SchemaShape GetOutputSchema(SchemaShape inputSchema)
    {
        var normalized = new SchemaShape.Column(AnnotationKinds.IsNormalized, SchemaShape.Column.VectorKind.Scalar, BooleanDataViewType.Instance, false);
        return inputSchema.With(Array.ConvertAll(_columns, pair =>
        {
            var source = inputSchema.FindReal(pair.InputColumnName, knownSize: true);
            var kept = source.Annotations.Where(a => a.Name == AnnotationKinds.SlotNames);
            return new SchemaShape.Column(pair.OutputColumnName, source.Kind, source.ItemType, false, new SchemaShape(kept.Append(normalized)));
        }));
    }
}

/// <summary>Moments and range of one slot; missing values do not count.</summary>
internal sealed class SlotStatistics
{
    private long _count;
    private double _sumOfSquaredDeviations;

    public double Mean { get; private set; }
    public double Min { get; private set; } = double.PositiveInfinity;
    public double Max { get; private set; } = double.NegativeInfinity;

    /// <summary>Of the population.</summary>
    public double Variance => _count == 0 ? 0 : _sumOfSquaredDeviations / _count;
    public bool IsConstant => !(Max > Min);

    // Welford's update.
    public void Add(double value)
    {
        if (double.IsNaN(value)) return;
        _count++;
        var deviation = value - Mean;
        Mean += deviation / _count;
        _sumOfSquaredDeviations += deviation * (value - Mean);
        (Min, Max) = (Math.Min(Min, value), Math.Max(Max, value));
    }
}

/// <summary>y = (x - offset) · scale, or the Gaussian distribution function of that.</summary>
internal readonly record struct SlotNormalizer(double Offset, double Scale, bool UseCdf = false)
{
    // A constant slot says nothing: all its values become 0.
    private static readonly SlotNormalizer Constant = new(0, 0);

    public static SlotNormalizer MinMax(SlotStatistics s, bool fixZero)
        => s.IsConstant ? Constant : fixZero ? new(0, 1 / Math.Max(Math.Abs(s.Min), Math.Abs(s.Max))) : new(s.Min, 1 / (s.Max - s.Min));

    public static SlotNormalizer MeanVariance(SlotStatistics s, bool fixZero, bool useCdf)
        => s.IsConstant ? Constant
            : useCdf ? new(s.Mean, 1 / Math.Sqrt(s.Variance), true)
            : fixZero ? new(0, 1 / Math.Sqrt(s.Variance + s.Mean * s.Mean))
            : new(s.Mean, 1 / Math.Sqrt(s.Variance));

    public T Apply<T>(T value) where T : IFloatingPointIeee754<T>
    {
        var z = (value - T.CreateTruncating(Offset)) * T.CreateTruncating(Scale);
        return UseCdf ? T.CreateTruncating(GaussianCdf(double.CreateTruncating(z))) : z;
    }

    // Abramowitz and Stegun, Handbook of Mathematical Functions, 26.2.17; error below 7.5e-8.
    private static double GaussianCdf(double z)
    {
        var t = 1 / (1 + 0.2316419 * Math.Abs(z));
        var polynomial = t * (0.319381530 + t * (-0.356563782 + t * (1.781477937 + t * (-1.821255978 + t * 1.330274429))));
        var tail = Math.Exp(-z * z / 2) / Math.Sqrt(2 * Math.PI) * polynomial;
        return z < 0 ? tail : 1 - tail;
    }
}

public sealed class NormalizingTransformer : OneToOneTransformerBase, ILoadable
{
    private readonly SlotNormalizer[][] _normalizers;

    internal NormalizingTransformer(InputOutputColumnPair[] columns, SlotNormalizer[][] normalizers) : base(columns) => _normalizers = normalizers;

    private protected override MappedColumn MapColumn(DataViewSchema.Column source, InputOutputColumnPair pair, int pairIndex)
    {
        source.CheckReal(knownSize: true);
        var slots = _normalizers[pairIndex];
        if (Slots.CountOf(source.Type) != slots.Length)
            throw SchemaMismatch.WrongType("input", source.Name, $"{slots.Length} slots", source.Type.ToString());
        var annotations = new DataViewSchema.Annotations.Builder();
        annotations.Add(source.Annotations, kind => kind == AnnotationKinds.SlotNames);
        annotations.AddPrimitiveValue(AnnotationKinds.IsNormalized, BooleanDataViewType.Instance, true);
        return new MappedColumn(pair.OutputColumnName, source.Type, annotations.ToAnnotations(), [source.Index],
            row => Generic.Call(Getter<float>, source.Type.ItemType().RawType, row, source, slots));
    }

    private static Delegate Getter<T>(DataViewRow row, DataViewSchema.Column source, SlotNormalizer[] slots) where T : IFloatingPointIeee754<T>
        => Slots.Map<T, T>(row, source, (slot, value) => slots[slot].Apply(value));

    private protected override void SaveModel(ModelSaveContext ctx)
    {
        var writer = ctx.Begin<NormalizingTransformer>();
        writer.WritePairs(Columns);
        writer.WriteList(_normalizers, slots => writer.WriteList(slots, slot =>
        {
            writer.Write(slot.Offset);
            writer.Write(slot.Scale);
            writer.Write(slot.UseCdf);
        }));
    }

    static ICanSaveModel ILoadable.Load(ModelLoadContext ctx)
    {
        var reader = ctx.Reader;
        return new NormalizingTransformer(reader.ReadPairs(),
            reader.ReadList(() => reader.ReadList(() => new SlotNormalizer(reader.ReadDouble(), reader.ReadDouble(), reader.ReadBoolean()))));
    }
}
