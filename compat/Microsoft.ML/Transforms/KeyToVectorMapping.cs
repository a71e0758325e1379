using System.Globalization;

namespace Microsoft.ML.Transforms;

using Microsoft.ML.Data;

public sealed class KeyToVectorMappingEstimator : TrivialEstimator<KeyToVectorMappingTransformer>
{
    internal KeyToVectorMappingEstimator(InputOutputColumnPair[] columns, bool outputCountVector)
        : base(new KeyToVectorMappingTransformer(columns, outputCountVector)) { }

    public override SchemaShape GetOutputSchema(SchemaShape inputSchema) => inputSchema.With(Array.ConvertAll(Transformer.Columns, pair =>
    {
        var source = inputSchema.Find(pair.InputColumnName);
        if (!source.IsKey) throw SchemaMismatch.WrongType("input", source.Name, "Key or a vector of keys", source.GetTypeString());
        var isCount = Transformer.OutputCountVector || source.Kind == SchemaShape.Column.VectorKind.Scalar;
        var annotations = new List<SchemaShape.Column>();
        if (isCount && source.HasAnnotation(AnnotationKinds.KeyValues))
            annotations.Add(new SchemaShape.Column(AnnotationKinds.SlotNames, SchemaShape.Column.VectorKind.Vector, TextDataViewType.Instance, false));
        if (source.Kind == SchemaShape.Column.VectorKind.Scalar)
            annotations.Add(new SchemaShape.Column(AnnotationKinds.IsNormalized, SchemaShape.Column.VectorKind.Scalar, BooleanDataViewType.Instance, false));
        var kind = isCount ? SchemaShape.Column.VectorKind.Vector : source.Kind;
        return new SchemaShape.Column(pair.OutputColumnName, kind, NumberDataViewType.Single, false, new SchemaShape(annotations));
    }));
}

/// <summary>Keys as indicator vectors: one slot per key value and input slot, or the counts over all input slots.</summary>
public sealed class KeyToVectorMappingTransformer : OneToOneTransformerBase, ILoadable
{
    internal KeyToVectorMappingTransformer(InputOutputColumnPair[] columns, bool outputCountVector) : base(columns) => OutputCountVector = outputCountVector;

    internal bool OutputCountVector { get; }

    private protected override MappedColumn MapColumn(DataViewSchema.Column source, InputOutputColumnPair pair, int pairIndex)
    {
        if (source.Type.ItemType() is not KeyDataViewType key)
            throw SchemaMismatch.WrongType("input", source.Name, "Key or a vector of keys", source.Type.ToString());
        var (isScalar, count) = (source.Type is not VectorDataViewType, checked((int)key.Count));
        var isCount = OutputCountVector || isScalar;
        var annotations = new DataViewSchema.Annotations.Builder();
        if (isCount && source.HasKeyValues())
            annotations.AddSlotNames(Generic.Call(Names<int>, source.Annotations.Schema[AnnotationKinds.KeyValues].Type.ItemType().RawType, source));
        if (isScalar) annotations.AddPrimitiveValue(AnnotationKinds.IsNormalized, BooleanDataViewType.Instance, true);
        var type = new VectorDataViewType(NumberDataViewType.Single, isCount ? count : count * Slots.CountOf(source.Type));
        return new MappedColumn(pair.OutputColumnName, type, annotations.ToAnnotations(), [source.Index],
            row => Generic.Call(Getter<uint>, key.RawType, row, source, (count, isCount)));
    }

    private static IEnumerable<string> Names<T>(DataViewSchema.Column source)
    {
        VBuffer<T> values = default;
        source.GetKeyValues(ref values);
        return values.DenseValues().Select(v => Convert.ToString(v, CultureInfo.InvariantCulture)).ToArray();
    }

    private static Delegate Getter<TKey>(DataViewRow row, DataViewSchema.Column source, (int Keys, bool IsCount) shape)
    {
        var counts = new List<float>();
        var read = Slots.Visitor<TKey>(row, source, (slot, value) =>
        {
            var length = shape.IsCount ? shape.Keys : (slot + 1) * shape.Keys;
            while (counts.Count < length) counts.Add(0);
            var key = Convert.ToInt64(value, CultureInfo.InvariantCulture);
            if (key > 0 && key <= shape.Keys) counts[(shape.IsCount ? 0 : slot * shape.Keys) + (int)key - 1]++;
        });
        return (ValueGetter<VBuffer<float>>)((ref VBuffer<float> value) =>
        {
            counts.Clear();
            if (shape.IsCount) counts.AddRange(new float[shape.Keys]);
            read();
            VBuffer<float>.Copy(counts.ToArray(), 0, ref value, counts.Count);
        });
    }

    private protected override void SaveModel(ModelSaveContext ctx)
    {
        var writer = ctx.Begin<KeyToVectorMappingTransformer>();
        writer.WritePairs(Columns);
        writer.Write(OutputCountVector);
    }

    static ICanSaveModel ILoadable.Load(ModelLoadContext ctx) => new KeyToVectorMappingTransformer(ctx.Reader.ReadPairs(), ctx.Reader.ReadBoolean());
}
