namespace Microsoft.ML;

using Microsoft.ML.Data;

/// <summary>A view whose rows are those of its source sent through a mapper.</summary>
internal sealed class MappedView(IDataView source, IRowToRowMapper mapper) : IDataView
{
    public bool CanShuffle => source.CanShuffle;
    public DataViewSchema Schema => mapper.OutputSchema;
    public long? GetRowCount() => source.GetRowCount();

    public DataViewRowCursor GetRowCursor(IEnumerable<DataViewSchema.Column> columnsNeeded, Random rand = null)
    {
        var active = columnsNeeded.ToArray();
        return new MappedCursor(source.GetRowCursor(mapper.GetDependencies(active), rand), mapper, active);
    }

    public DataViewRowCursor[] GetRowCursorSet(IEnumerable<DataViewSchema.Column> columnsNeeded, int n, Random rand = null)
    {
        var active = columnsNeeded.ToArray();
        var cursors = source.GetRowCursorSet(mapper.GetDependencies(active), n, rand);
        return Array.ConvertAll(cursors, DataViewRowCursor (cursor) => new MappedCursor(cursor, mapper, active));
    }
}

internal sealed class MappedCursor : DataViewRowCursor
{
    private readonly DataViewRowCursor _source;
    private readonly DataViewRow _row;

    public MappedCursor(DataViewRowCursor source, IRowToRowMapper mapper, IEnumerable<DataViewSchema.Column> active)
        => (_source, _row) = (source, mapper.GetRow(source, active));

    public override bool MoveNext() => _source.MoveNext();
    public override long Position => _source.Position;
    public override long Batch => _source.Batch;
    public override DataViewSchema Schema => _row.Schema;
    public override ValueGetter<DataViewRowId> GetIdGetter() => _row.GetIdGetter();
    public override bool IsColumnActive(DataViewSchema.Column column) => _row.IsColumnActive(column);
    public override ValueGetter<TValue> GetGetter<TValue>(DataViewSchema.Column column) => _row.GetGetter<TValue>(column);

    protected override void Dispose(bool disposing)
    {
        if (!disposing) return;
        _row.Dispose();
        _source.Dispose();
    }
}
