namespace Microsoft.ML.Data;

/// <summary>Mappers one after the other. Schemas are compared by reference, as every consumer of rows may rely on.</summary>
internal sealed class CompositeRowToRowMapper : IRowToRowMapper
{
    private readonly IRowToRowMapper[] _mappers;

    public CompositeRowToRowMapper(DataViewSchema inputSchema, IEnumerable<IRowToRowMapper> mappers)
    {
        _mappers = mappers.ToArray();
        InputSchema = inputSchema;
        var schema = inputSchema;
        foreach (var mapper in _mappers)
        {
            if (!ReferenceEquals(mapper.InputSchema, schema))
                throw new InvalidOperationException($"The input schema of {mapper.GetType().Name} is not the schema it was made for");
            schema = mapper.OutputSchema;
        }
        OutputSchema = schema;
    }

    public DataViewSchema InputSchema { get; }
    public DataViewSchema OutputSchema { get; }

    public IEnumerable<DataViewSchema.Column> GetDependencies(IEnumerable<DataViewSchema.Column> dependingColumns)
        => _mappers.Reverse().Aggregate(dependingColumns, (columns, mapper) => mapper.GetDependencies(columns));

    public DataViewRow GetRow(DataViewRow input, IEnumerable<DataViewSchema.Column> activeColumns)
    {
        if (!ReferenceEquals(input.Schema, InputSchema)) throw new ArgumentException("The row has another schema than the mapper was made for", nameof(input));
        var active = new IEnumerable<DataViewSchema.Column>[_mappers.Length];
        for (var i = _mappers.Length - 1; i >= 0; i--)
        {
            active[i] = activeColumns.ToArray();
            activeColumns = _mappers[i].GetDependencies(active[i]);
        }
        var row = input;
        for (var i = 0; i < _mappers.Length; i++)
        {
            row = _mappers[i].GetRow(row, active[i]);
            if (!ReferenceEquals(row.Schema, _mappers[i].OutputSchema))
                throw new InvalidOperationException($"A row of {_mappers[i].GetType().Name} does not carry the mapper's output schema");
        }
        return row;
    }
}
