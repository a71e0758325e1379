using System.Numerics;

namespace Microsoft.ML.Transforms;

using Microsoft.ML.Data;

public sealed class MissingValueReplacingEstimator : IEstimator<MissingValueReplacingTransformer>
{
    private readonly InputOutputColumnPair[] _columns;
    private readonly ReplacementMode _mode;
    private readonly bool _imputeBySlot;

    internal MissingValueReplacingEstimator(InputOutputColumnPair[] columns, ReplacementMode mode, bool imputeBySlot)
        => (_columns, _mode, _imputeBySlot) = (columns, mode, imputeBySlot);

    public enum ReplacementMode : byte
    {
        DefaultValue = 0,
        Mean = 1,
        Minimum = 2,
        Maximum = 3,
        Mode = 5
    }

    public MissingValueReplacingTransformer Fit(IDataView input)
    {
        ArgumentNullException.ThrowIfNull(input);
        var sources = Array.ConvertAll(_columns, pair => input.Schema.Find(pair.InputColumnName));
        foreach (var source in sources) source.CheckReal(knownSize: false);
        // One value per slot where slots are fixed, else one for all of them.
        var slots = Array.ConvertAll(sources,
            c => Enumerable.Range(0, _imputeBySlot ? Math.Max(1, Slots.CountOf(c.Type)) : 1).Select(_ => new Imputation()).ToArray());
        if (_mode != ReplacementMode.DefaultValue)
            Slots.Scan(input, sources, (row, column, i) => Generic.Call(Visitor<float>, column.Type.ItemType().RawType, row, column, slots[i]));
        return new MissingValueReplacingTransformer(_columns, Array.ConvertAll(slots, s => Array.ConvertAll(s, slot => slot.Value(_mode))));
    }

    private Action Visitor<T>(DataViewRow row, DataViewSchema.Column column, Imputation[] slots) where T : INumberBase<T>
        => Slots.Visitor<T>(row, column, (slot, value) => slots[slots.Length == 1 ? 0 : slot].Add(double.CreateTruncating(value), _mode));

    public SchemaShape GetOutputSchema(SchemaShape inputSchema) => inputSchema.With(Array.ConvertAll(_columns, pair =>
    {
        var source = inputSchema.FindReal(pair.InputColumnName, knownSize: false);
        var kept = source.Annotations.Where(a => a.Name is AnnotationKinds.SlotNames or AnnotationKinds.IsNormalized);
        return new SchemaShape.Column(pair.OutputColumnName, source.Kind, source.ItemType, false, new SchemaShape(kept));
    }));

    private sealed class Imputation
    {
        private readonly SlotStatistics _statistics = new();
        private readonly Dictionary<double, long> _counts = [];
        private (double Value, long Count) _mostFrequent;

        public void Add(double value, ReplacementMode mode)
        {
            if (double.IsNaN(value)) return;
            _statistics.Add(value);
            if (mode != ReplacementMode.Mode) return;
            var count = _counts[value] = _counts.GetValueOrDefault(value) + 1;
            if (count > _mostFrequent.Count) _mostFrequent = (value, count);
        }

        public double Value(ReplacementMode mode) => mode switch
        {
            ReplacementMode.Mean => _statistics.Mean,
            ReplacementMode.Minimum => double.IsFinite(_statistics.Min) ? _statistics.Min : 0,
            ReplacementMode.Maximum => double.IsFinite(_statistics.Max) ? _statistics.Max : 0,
            ReplacementMode.Mode => _mostFrequent.Value,
            _ => 0
        };
    }
}

public sealed class MissingValueReplacingTransformer : OneToOneTransformerBase, ILoadable
{
    private readonly double[][] _replacements;

    internal MissingValueReplacingTransformer(InputOutputColumnPair[] columns, double[][] replacements) : base(columns) => _replacements = replacements;

    private protected override MappedColumn MapColumn(DataViewSchema.Column source, InputOutputColumnPair pair, int pairIndex)
    {
        source.CheckReal(knownSize: false);
        var replacements = _replacements[pairIndex];
        if (replacements.Length > 1 && Slots.CountOf(source.Type) != replacements.Length)
            throw SchemaMismatch.WrongType("input", source.Name, $"{replacements.Length} slots", source.Type.ToString());
        var annotations = new DataViewSchema.Annotations.Builder();
        annotations.Add(source.Annotations, kind => kind is AnnotationKinds.SlotNames or AnnotationKinds.IsNormalized);
        return new MappedColumn(pair.OutputColumnName, source.Type, annotations.ToAnnotations(), [source.Index],
            row => Generic.Call(Getter<float>, source.Type.ItemType().RawType, row, source, replacements));
    }

    private static Delegate Getter<T>(DataViewRow row, DataViewSchema.Column source, double[] replacements) where T : INumberBase<T>
    {
        var values = Array.ConvertAll(replacements, T.CreateTruncating);
        return Slots.Map<T, T>(row, source, (slot, value) => !T.IsNaN(value) ? value : values[values.Length == 1 ? 0 : slot]);
    }

    private protected override void SaveModel(ModelSaveContext ctx)
    {
        var writer = ctx.Begin<MissingValueReplacingTransformer>();
        writer.WritePairs(Columns);
        writer.WriteList(_replacements, slots => writer.WriteList(slots, writer.Write));
    }

    static ICanSaveModel ILoadable.Load(ModelLoadContext ctx)
        => new MissingValueReplacingTransformer(ctx.Reader.ReadPairs(), ctx.Reader.ReadList(() => ctx.Reader.ReadList(ctx.Reader.ReadDouble)));
}
