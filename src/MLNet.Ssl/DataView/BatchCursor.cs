using Microsoft.ML;
using Microsoft.ML.Data;

namespace MLNet.Ssl;

/// <summary>Walks the source's rows, the look-ahead in step with them.</summary>
internal sealed class BatchCursor<TInput> : DataViewRowCursor
{
    private readonly DataViewRowCursor _rows;
    private readonly ValueGetter<DataViewRowId>? _id;
    private readonly LookAhead<TInput>? _ahead;
    private readonly MappedRow<TInput> _row;

    public BatchCursor(BatchMapper<TInput> mapper, DataViewRowCursor rows, bool[] active, LookAhead<TInput>? ahead, bool keepInput = false)
    {
        (_rows, _ahead) = (rows, ahead);
        _id = ahead is null ? null : rows.GetIdGetter();
        _row = new(mapper, rows, active, ahead is null ? null : () => ahead.Result, keepInput ? () => ahead!.Input : null);
    }

    public override DataViewSchema Schema => _row.Schema;

    public override long Position => _rows.Position;

    public override long Batch => _rows.Batch;

    public override bool MoveNext()
    {
        if (!_rows.MoveNext()) return false;
        if (_ahead is not null)
        {
            DataViewRowId id = default;
            _id!(ref id);
            _ahead.MoveTo(id);
        }
        return true;
    }

    public override ValueGetter<DataViewRowId> GetIdGetter() => _rows.GetIdGetter();

    public override bool IsColumnActive(DataViewSchema.Column column) => _row.IsColumnActive(column);

    public override ValueGetter<TValue> GetGetter<TValue>(DataViewSchema.Column column) => _row.GetGetter<TValue>(column);

    protected override void Dispose(bool disposing)
    {
        if (disposing)
        {
            _ahead?.Dispose();
            _row.Dispose();
        }
        base.Dispose(disposing);
    }
}
