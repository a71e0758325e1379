namespace Microsoft.ML;

using Microsoft.ML.Data;

/// <summary>A sequence of objects as a view: a stream, enumerated again on every pass, in order.</summary>
internal sealed class EnumerableView<TRow>(IEnumerable<TRow> data, ObjectColumns<TRow> columns) : IDataView where TRow : class
{
    public bool CanShuffle => false;
    public DataViewSchema Schema => columns.Schema;
    public long? GetRowCount() => (data as ICollection<TRow>)?.Count;

    public DataViewRowCursor GetRowCursor(IEnumerable<DataViewSchema.Column> columnsNeeded, Random rand = null)
        => new ObjectCursor<TRow>(data.GetEnumerator(), columns, columnsNeeded);

    public DataViewRowCursor[] GetRowCursorSet(IEnumerable<DataViewSchema.Column> columnsNeeded, int n, Random rand = null)
        => [GetRowCursor(columnsNeeded, rand)];
}

internal sealed class ObjectCursor<TRow> : DataViewRowCursor where TRow : class
{
    private readonly IEnumerator<TRow> _rows;
    private readonly ObjectColumns<TRow> _columns;
    private readonly Delegate[] _getters;
    private TRow _current;
    private long _position = -1;

    public ObjectCursor(IEnumerator<TRow> rows, ObjectColumns<TRow> columns, IEnumerable<DataViewSchema.Column> active)
    {
        (_rows, _columns) = (rows, columns);
        _getters = new Delegate[columns.Schema.Count];
        foreach (var column in active) _getters[column.Index] = columns.CreateGetter(column.Index, Current);
    }

    public override long Position => _position;
    public override long Batch => 0;
    public override DataViewSchema Schema => _columns.Schema;
    public override ValueGetter<DataViewRowId> GetIdGetter() => (ref DataViewRowId id) => id = new DataViewRowId((ulong)_position, 0);
    public override bool IsColumnActive(DataViewSchema.Column column) => _getters[column.Index] != null;

    public override ValueGetter<TValue> GetGetter<TValue>(DataViewSchema.Column column)
        => IsColumnActive(column) ? _getters[column.Index].As<TValue>(column) : throw Getters.Inactive(column);

    public override bool MoveNext()
    {
        if (!_rows.MoveNext())
        {
            _current = null;
            return false;
        }
        _current = _rows.Current ?? throw new InvalidOperationException("Encountered null when iterating over data, this is not supported.");
        _position++;
        return true;
    }

    private TRow Current() => _current ?? throw new InvalidOperationException("The cursor stands on no row");

    protected override void Dispose(bool disposing)
    {
        if (disposing) _rows.Dispose();
    }
}
