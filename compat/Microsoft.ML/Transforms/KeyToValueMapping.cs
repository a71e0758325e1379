using System.Numerics;

namespace Microsoft.ML.Transforms;

using Microsoft.ML.Data;

public sealed class KeyToValueMappingEstimator : TrivialEstimator<KeyToValueMappingTransformer>
{
    internal KeyToValueMappingEstimator(InputOutputColumnPair[] columns) : base(new KeyToValueMappingTransformer(columns)) { }

    public override SchemaShape GetOutputSchema(SchemaShape inputSchema) => inputSchema.With(Array.ConvertAll(Transformer.Columns, pair =>
    {
        var source = inputSchema.Find(pair.InputColumnName);
        if (!source.IsKey || !source.Annotations.TryFindColumn(AnnotationKinds.KeyValues, out var values))
            throw SchemaMismatch.WrongType("input", source.Name, "Key with KeyValues annotation", source.GetTypeString());
        var kept = source.Annotations.Where(a => a.Name == AnnotationKinds.SlotNames);
        return new SchemaShape.Column(pair.OutputColumnName, source.Kind, values.ItemType, values.IsKey, new SchemaShape(kept));
    }));
}

public sealed class KeyToValueMappingTransformer : OneToOneTransformerBase, ILoadable
{
    internal KeyToValueMappingTransformer(InputOutputColumnPair[] columns) : base(columns) { }

    private protected override MappedColumn MapColumn(DataViewSchema.Column source, InputOutputColumnPair pair, int pairIndex)
    {
        if (!source.HasKeyValues()) throw SchemaMismatch.WrongType("input", source.Name, "Key with KeyValues annotation", source.Type.ToString());
        var valueType = (PrimitiveDataViewType)source.Annotations.Schema[AnnotationKinds.KeyValues].Type.ItemType();
        var annotations = new DataViewSchema.Annotations.Builder();
        annotations.Add(source.Annotations, kind => kind == AnnotationKinds.SlotNames);
        return new MappedColumn(pair.OutputColumnName, source.Type.WithItemType(valueType), annotations.ToAnnotations(), [source.Index],
            row => Generic.Call(Getter<int>, valueType.RawType, row, source));
    }

    private static Delegate Getter<TValue>(DataViewRow row, DataViewSchema.Column source)
    {
        VBuffer<TValue> keyValues = default;
        source.GetKeyValues(ref keyValues);
        return Generic.Call(new ByKey<TValue>(keyValues.DenseValues().ToArray()).Getter<uint>, source.Type.ItemType().RawType, row, source);
    }

    private sealed class ByKey<TValue>(TValue[] values)
    {
        // The missing key gives the missing value: NaN where there is one.
        private static readonly TValue Missing = typeof(TValue) == typeof(float) ? (TValue)(object)float.NaN
            : typeof(TValue) == typeof(double) ? (TValue)(object)double.NaN : default;

        public Delegate Getter<TKey>(DataViewRow row, DataViewSchema.Column source) where TKey : INumberBase<TKey>
            => Slots.Map<TKey, TValue>(row, source, (_, key) => ValueOf(ulong.CreateTruncating(key)));

        private TValue ValueOf(ulong key) => key > 0 && key <= (ulong)values.Length ? values[key - 1] : Missing;
    }

    private protected override void SaveModel(ModelSaveContext ctx) => ctx.Begin<KeyToValueMappingTransformer>().WritePairs(Columns);

    static ICanSaveModel ILoadable.Load(ModelLoadContext ctx) => new KeyToValueMappingTransformer(ctx.Reader.ReadPairs());
}
