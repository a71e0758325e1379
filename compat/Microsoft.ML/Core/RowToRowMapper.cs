namespace Microsoft.ML;

using Microsoft.ML.Data;

/// <summary>
/// A column that a transform computes: its name and type, the indices of the input columns it reads, and how to make
/// its getter (a <c>ValueGetter</c> of the column's raw type) over an input row.
/// </summary>
internal sealed record MappedColumn(DataViewSchema.DetachedColumn Column, int[] Sources, Func<DataViewRow, Delegate> CreateGetter)
{
    public MappedColumn(string name, DataViewType type, DataViewSchema.Annotations annotations, int[] sources, Func<DataViewRow, Delegate> createGetter)
        : this(new DataViewSchema.DetachedColumn(name, type, annotations), sources, createGetter) { }

    /// <summary>An input column, under another name perhaps.</summary>
    public static MappedColumn Copy(DataViewSchema.Column source, string name = null)
        => new(new DataViewSchema.DetachedColumn(name ?? source.Name, source.Type, source.Annotations), [source.Index], row => row.GetGetter(source));
}

/// <summary>Maps rows of one schema to rows of another by a list of computed columns.</summary>
internal sealed class RowToRowMapper : IRowToRowMapper
{
    private readonly MappedColumn[] _outputs;

    private RowToRowMapper(DataViewSchema inputSchema, IEnumerable<MappedColumn> outputs)
    {
        InputSchema = inputSchema;
        _outputs = outputs.ToArray();
        var builder = new DataViewSchema.Builder();
        builder.AddColumns(_outputs.Select(o => o.Column));
        OutputSchema = builder.ToSchema();
    }

    public DataViewSchema InputSchema { get; }
    public DataViewSchema OutputSchema { get; }

    /// <summary>All input columns, then those added; an added column hides its namesake.</summary>
    public static RowToRowMapper Adding(DataViewSchema input, IEnumerable<MappedColumn> added)
        => new(input, input.Select(c => MappedColumn.Copy(c)).Concat(added));

    /// <summary>These columns alone.</summary>
    public static RowToRowMapper Selecting(DataViewSchema input, IEnumerable<DataViewSchema.Column> kept) => new(input, kept.Select(c => MappedColumn.Copy(c)));

    public IEnumerable<DataViewSchema.Column> GetDependencies(IEnumerable<DataViewSchema.Column> dependingColumns)
        => dependingColumns.SelectMany(c => _outputs[c.Index].Sources).Distinct().Order().Select(i => InputSchema[i]);

    public DataViewRow GetRow(DataViewRow input, IEnumerable<DataViewSchema.Column> activeColumns)
    {
        if (!ReferenceEquals(input.Schema, InputSchema)) throw new ArgumentException("The row has another schema than the mapper was made for", nameof(input));
        return new Row(this, input, activeColumns);
    }

    /// <summary>The transformed data, computed row by row as it is read.</summary>
    public IDataView View(IDataView input) => new MappedView(input, this);

    private sealed class Row : DataViewRow
    {
        private readonly RowToRowMapper _mapper;
        private readonly DataViewRow _input;
        private readonly bool[] _active;
        private readonly Delegate[] _getters;

        public Row(RowToRowMapper mapper, DataViewRow input, IEnumerable<DataViewSchema.Column> active)
        {
            (_mapper, _input) = (mapper, input);
            _active = new bool[mapper._outputs.Length];
            _getters = new Delegate[_active.Length];
            foreach (var column in active) _active[column.Index] = true;
            // Now, so that a wrong type or file shows when the cursor opens.
            for (var i = 0; i < _active.Length; i++) if (_active[i]) _getters[i] = mapper._outputs[i].CreateGetter(input);
        }

        public override long Position => _input.Position;
        public override long Batch => _input.Batch;
        public override DataViewSchema Schema => _mapper.OutputSchema;
        public override ValueGetter<DataViewRowId> GetIdGetter() => _input.GetIdGetter();
        public override bool IsColumnActive(DataViewSchema.Column column) => _active[column.Index];

        public override ValueGetter<TValue> GetGetter<TValue>(DataViewSchema.Column column)
            => IsColumnActive(column) ? _getters[column.Index].As<TValue>(column) : throw Getters.Inactive(column);

        protected override void Dispose(bool disposing)
        {
            if (disposing) _input.Dispose();
        }
    }
}
