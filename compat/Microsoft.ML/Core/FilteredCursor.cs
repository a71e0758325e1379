namespace Microsoft.ML;

using Microsoft.ML.Data;

/// <summary>The rows of a cursor that are accepted, under the schema of their source.</summary>
internal sealed class FilteredCursor(DataViewRowCursor source, Func<bool> accept) : DataViewRowCursor
{
    private long _position = -1;

    public override long Position => _position;
    public override long Batch => source.Batch;
    public override DataViewSchema Schema => source.Schema;
    public override ValueGetter<DataViewRowId> GetIdGetter() => source.GetIdGetter();
    public override bool IsColumnActive(DataViewSchema.Column column) => source.IsColumnActive(column);
    public override ValueGetter<TValue> GetGetter<TValue>(DataViewSchema.Column column) => source.GetGetter<TValue>(column);

    public override bool MoveNext()
    {
        while (source.MoveNext())
        {
            if (!accept()) continue;
            _position++;
            return true;
        }
        return false;
    }

    protected override void Dispose(bool disposing)
    {
        if (disposing) source.Dispose();
    }
}
