using Microsoft.ML;
using Microsoft.ML.Data;

namespace MLNet.Ssl.DataView;

/// <summary>A source row with the outputs of a mapper beside its columns.</summary>
internal sealed class MappedRow<TInput>(
    BatchMapper<TInput> mapper, DataViewRow source, bool[] active, RowResult? result) : DataViewRow
{
    public override DataViewSchema Schema => mapper.OutputSchema;

    public override long Position => source.Position;

    public override long Batch => source.Batch;

    public override ValueGetter<DataViewRowId> GetIdGetter() => source.GetIdGetter();

    public override bool IsColumnActive(DataViewSchema.Column column)
    {
        if (column.Index >= Schema.Count || Schema[column.Index].Name != column.Name)
            throw new ArgumentOutOfRangeException(
                nameof(column), $"Column '{column.Name}' is not one of the row's schema.");
        return active[column.Index];
    }

    public override ValueGetter<TValue> GetGetter<TValue>(DataViewSchema.Column column)
    {
        if (!IsColumnActive(column)) throw new InvalidOperationException(
            $"Column '{column.Name}' is not active: it was not asked for.");
        return mapper.IsOutput(column)
            ? mapper.CreateGetter(column.Index - mapper.InputSchema.Count, result!).Of<TValue>(column)
            : source.GetGetter<TValue>(mapper.InputSchema[column.Index]);
    }

    protected override void Dispose(bool disposing)
    {
        if (disposing) source.Dispose();
        base.Dispose(disposing);
    }
}
