using System.Numerics;

namespace Microsoft.ML.Transforms;

using Microsoft.ML.Data;

public sealed class MissingValueIndicatorEstimator : TrivialEstimator<MissingValueIndicatorTransformer>
{
    internal MissingValueIndicatorEstimator(InputOutputColumnPair[] columns) : base(new MissingValueIndicatorTransformer(columns)) { }

    public override SchemaShape GetOutputSchema(SchemaShape inputSchema) => inputSchema.With(Array.ConvertAll(Transformer.Columns, pair =>
    {
        var source = inputSchema.FindReal(pair.InputColumnName, knownSize: false);
        var kept = source.Annotations.Where(a => a.Name == AnnotationKinds.SlotNames);
        return new SchemaShape.Column(pair.OutputColumnName, source.Kind, BooleanDataViewType.Instance, false, new SchemaShape(kept));
    }));
}

public sealed class MissingValueIndicatorTransformer : OneToOneTransformerBase, ILoadable
{
    internal MissingValueIndicatorTransformer(InputOutputColumnPair[] columns) : base(columns) { }

    private protected override MappedColumn MapColumn(DataViewSchema.Column source, InputOutputColumnPair pair, int pairIndex)
    {
        source.CheckReal(knownSize: false);
        var annotations = new DataViewSchema.Annotations.Builder();
        annotations.Add(source.Annotations, kind => kind == AnnotationKinds.SlotNames);
        return new MappedColumn(pair.OutputColumnName, source.Type.WithItemType(BooleanDataViewType.Instance), annotations.ToAnnotations(), [source.Index],
            row => Generic.Call(Getter<float>, source.Type.ItemType().RawType, row, source));
    }

    private static Delegate Getter<T>(DataViewRow row, DataViewSchema.Column source) where T : INumberBase<T>
        => Slots.Map<T, bool>(row, source, (_, value) => T.IsNaN(value));

    private protected override void SaveModel(ModelSaveContext ctx) => ctx.Begin<MissingValueIndicatorTransformer>().WritePairs(Columns);

    static ICanSaveModel ILoadable.Load(ModelLoadContext ctx) => new MissingValueIndicatorTransformer(ctx.Reader.ReadPairs());
}
