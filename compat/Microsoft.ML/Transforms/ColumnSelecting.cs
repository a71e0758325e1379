namespace Microsoft.ML.Transforms;

using Microsoft.ML.Data;

public sealed class ColumnSelectingEstimator : TrivialEstimator<ColumnSelectingTransformer>
{
    internal ColumnSelectingEstimator(string[] columns, bool drop, bool keepHidden) : base(new ColumnSelectingTransformer(columns, drop, keepHidden)) { }

    public override SchemaShape GetOutputSchema(SchemaShape inputSchema)
    {
        var named = Array.ConvertAll(Transformer.Names, name => inputSchema.Find(name));
        return Transformer.Drop ? new SchemaShape(inputSchema.Where(c => !Transformer.Names.Contains(c.Name))) : new SchemaShape(named);
    }
}

public sealed class ColumnSelectingTransformer : ITransformer, ILoadable
{
    private readonly bool _keepHidden;

    internal ColumnSelectingTransformer(string[] columns, bool drop, bool keepHidden)
        => (Names, Drop, _keepHidden) = (columns ?? throw new ArgumentNullException(nameof(columns)), drop, keepHidden);

    internal string[] Names { get; }
    internal bool Drop { get; }

    bool ITransformer.IsRowToRowMapper => true;

    public DataViewSchema GetOutputSchema(DataViewSchema inputSchema) => Mapper(inputSchema).OutputSchema;

    public IDataView Transform(IDataView input)
    {
        ArgumentNullException.ThrowIfNull(input);
        return Mapper(input.Schema).View(input);
    }

    IRowToRowMapper ITransformer.GetRowToRowMapper(DataViewSchema inputSchema) => Mapper(inputSchema);

    private RowToRowMapper Mapper(DataViewSchema schema)
    {
        ArgumentNullException.ThrowIfNull(schema);
        foreach (var name in Names) schema.Find(name);
        var seen = schema.Where(c => _keepHidden || !c.IsHidden);
        return RowToRowMapper.Selecting(schema, Drop ? seen.Where(c => !Names.Contains(c.Name)) : Names.SelectMany(name => seen.Where(c => c.Name == name)));
    }

    void ICanSaveModel.Save(ModelSaveContext ctx)
    {
        var writer = ctx.Begin<ColumnSelectingTransformer>();
        writer.WriteList(Names, writer.Write);
        writer.Write(Drop);
        writer.Write(_keepHidden);
    }

    static ICanSaveModel ILoadable.Load(ModelLoadContext ctx)
        => new ColumnSelectingTransformer(ctx.Reader.ReadList(ctx.Reader.ReadString), ctx.Reader.ReadBoolean(), ctx.Reader.ReadBoolean());
}
