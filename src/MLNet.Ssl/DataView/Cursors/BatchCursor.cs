using Microsoft.ML;
using Microsoft.ML.Data;

namespace MLNet.Ssl.DataView;

/// <summary>A cursor over a source's rows with a mapper's outputs beside them.</summary>
internal sealed class BatchCursor<TInput>(
    BatchMapper<TInput> mapper, DataViewRowCursor rows, bool[] active, RowResult? result) : DataViewRowCursor
{
    private readonly MappedRow<TInput> _row = new(mapper, rows, active, result);

    public override DataViewSchema Schema => _row.Schema;

    public override long Position => rows.Position;

    public override long Batch => rows.Batch;

    public override bool MoveNext() => rows.MoveNext();

    public override ValueGetter<DataViewRowId> GetIdGetter() => rows.GetIdGetter();

    public override bool IsColumnActive(DataViewSchema.Column column) => _row.IsColumnActive(column);

    public override ValueGetter<TValue> GetGetter<TValue>(DataViewSchema.Column column) =>
        _row.GetGetter<TValue>(column);

    protected override void Dispose(bool disposing)
    {
        if (disposing) _row.Dispose();
        base.Dispose(disposing);
    }
}
