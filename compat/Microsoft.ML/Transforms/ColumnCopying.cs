namespace Microsoft.ML.Transforms;

using Microsoft.ML.Data;

public sealed class ColumnCopyingEstimator : TrivialEstimator<ColumnCopyingTransformer>
{
    internal ColumnCopyingEstimator(params InputOutputColumnPair[] columns) : base(new ColumnCopyingTransformer(columns)) { }

    public override SchemaShape GetOutputSchema(SchemaShape inputSchema)
        => inputSchema.With(Array.ConvertAll(Transformer.Columns, pair => inputSchema.Find(pair.InputColumnName).Named(pair.OutputColumnName)));
}

public sealed class ColumnCopyingTransformer : OneToOneTransformerBase, ILoadable
{
    internal ColumnCopyingTransformer(InputOutputColumnPair[] columns) : base(columns) { }

    private protected override MappedColumn MapColumn(DataViewSchema.Column source, InputOutputColumnPair pair, int pairIndex)
        => MappedColumn.Copy(source, pair.OutputColumnName);

    private protected override void SaveModel(ModelSaveContext ctx) => ctx.Begin<ColumnCopyingTransformer>().WritePairs(Columns);

    static ICanSaveModel ILoadable.Load(ModelLoadContext ctx) => new ColumnCopyingTransformer(ctx.Reader.ReadPairs());
}
