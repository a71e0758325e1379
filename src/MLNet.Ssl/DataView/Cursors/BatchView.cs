using Microsoft.ML;

namespace MLNet.Ssl.DataView;

/// <summary>A mapper's outputs over a source, computed as a cursor passes, a batch at a time.</summary>
internal sealed class BatchView<TInput>(BatchMapper<TInput> mapper, IDataView source) : IDataView
{
    public DataViewSchema Schema => mapper.OutputSchema;

    public bool CanShuffle => source.CanShuffle;

    public long? GetRowCount() => source.GetRowCount();

    public DataViewRowCursor GetRowCursor(IEnumerable<DataViewSchema.Column> columnsNeeded, Random? rand = null)
    {
        var active = mapper.Active(columnsNeeded);
        if (!NeedsOutputs(active)) return new BatchCursor<TInput>(
            mapper, source.GetRowCursor(Passed(active), rand), active, null);

        // One cursor for all: a source may give other rows, or none, in a second pass, and there is no telling by their
        // ids, which may be mere positions.
        var passed = Passed(active).ToArray();
        var rows = new LookAhead<TInput>(
            mapper, source.GetRowCursor(passed.Append(mapper.Input).DistinctBy(column => column.Index), rand), passed);
        return new BatchCursor<TInput>(mapper, rows, active, () => rows.Result);
    }

    /// <summary>One cursor where outputs are asked for: their batches occupy all cores already.</summary>
    public DataViewRowCursor[] GetRowCursorSet(
        IEnumerable<DataViewSchema.Column> columnsNeeded, int n, Random? rand = null)
    {
        var columns = columnsNeeded.ToArray();
        var active = mapper.Active(columns);
        return NeedsOutputs(active)
            ? [GetRowCursor(columns, rand)]
            : [.. source.GetRowCursorSet(Passed(active), n, rand)
                .Select(cursor => new BatchCursor<TInput>(mapper, cursor, active, null))];
    }

    private bool NeedsOutputs(bool[] active) => active.AsSpan(mapper.InputSchema.Count).Contains(true);

    private IEnumerable<DataViewSchema.Column> Passed(bool[] active) =>
        mapper.InputSchema.Where(column => active[column.Index]);
}
