namespace Microsoft.ML.Data;

/// <summary>A transformer that adds columns computed from each row alone.</summary>
public abstract class RowToRowTransformerBase : ITransformer
{
    private protected RowToRowTransformerBase() { }

    /// <summary>The columns added to data of this schema; throws a schema mismatch where the input does not fit.</summary>
    private protected abstract IEnumerable<MappedColumn> MapColumns(DataViewSchema inputSchema);

    private protected abstract void SaveModel(ModelSaveContext ctx);

    bool ITransformer.IsRowToRowMapper => true;

    private RowToRowMapper Mapper(DataViewSchema inputSchema)
        => RowToRowMapper.Adding(inputSchema ?? throw new ArgumentNullException(nameof(inputSchema)), MapColumns(inputSchema));

    public DataViewSchema GetOutputSchema(DataViewSchema inputSchema) => Mapper(inputSchema).OutputSchema;

    public IDataView Transform(IDataView input)
    {
        ArgumentNullException.ThrowIfNull(input);
        return Mapper(input.Schema).View(input);
    }

    IRowToRowMapper ITransformer.GetRowToRowMapper(DataViewSchema inputSchema) => Mapper(inputSchema);

    void ICanSaveModel.Save(ModelSaveContext ctx) => SaveModel(ctx);
}

/// <summary>A transformer that computes each output column from one input column.</summary>
public abstract class OneToOneTransformerBase : RowToRowTransformerBase
{
    private protected OneToOneTransformerBase(IEnumerable<InputOutputColumnPair> columns) => Columns = columns.ToArray();

    internal InputOutputColumnPair[] Columns { get; }

    private protected abstract MappedColumn MapColumn(DataViewSchema.Column source, InputOutputColumnPair pair, int pairIndex);

    private protected sealed override IEnumerable<MappedColumn> MapColumns(DataViewSchema inputSchema)
        => Columns.Select((pair, i) => MapColumn(inputSchema.Find(pair.InputColumnName), pair, i));
}
