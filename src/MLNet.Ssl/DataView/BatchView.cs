using Microsoft.ML;

namespace MLNet.Ssl;

/// <summary>A mapper's outputs over a source, computed as a cursor passes, a batch at a time.</summary>
internal sealed class BatchView<TInput>(BatchMapper<TInput> mapper, IDataView source) : IDataView
{
    public DataViewSchema Schema => mapper.OutputSchema;

    public bool CanShuffle => source.CanShuffle;

    public long? GetRowCount() => source.GetRowCount();

    public DataViewRowCursor GetRowCursor(IEnumerable<DataViewSchema.Column> columnsNeeded, Random? rand = null)
    {
        var active = mapper.Active(columnsNeeded);
        if (!NeedsOutputs(active)) return new BatchCursor<TInput>(mapper, source.GetRowCursor(Passed(active), rand), active, null);

        // The rows that are read ahead have left their cursor, so a second one over the same source passes the other columns on: an image must not be
        // kept past its row. Equal random states give equal orders, and the look-ahead checks that they do.
        bool keep = mapper.KeepsInput && active[mapper.Input.Index];
        var passed = Passed(active).Where(column => !(keep && column.Index == mapper.Input.Index));
        int seed = rand?.Next() ?? 0;
        Random? Order() => rand is null ? null : new Random(seed);
        var ahead = new LookAhead<TInput>(mapper, source.GetRowCursor([mapper.Input], Order()));
        return new BatchCursor<TInput>(mapper, source.GetRowCursor(passed, Order()), active, ahead, keep);
    }

    /// <summary>One cursor where outputs are asked for: their batches occupy all cores already.</summary>
    public DataViewRowCursor[] GetRowCursorSet(IEnumerable<DataViewSchema.Column> columnsNeeded, int n, Random? rand = null)
    {
        var columns = columnsNeeded.ToArray();
        var active = mapper.Active(columns);
        return NeedsOutputs(active)
            ? [GetRowCursor(columns, rand)]
            : [.. source.GetRowCursorSet(Passed(active), n, rand).Select(cursor => new BatchCursor<TInput>(mapper, cursor, active, null))];
    }

    private bool NeedsOutputs(bool[] active) => active.AsSpan(mapper.InputSchema.Count).Contains(true);

    private IEnumerable<DataViewSchema.Column> Passed(bool[] active) => mapper.InputSchema.Where(column => active[column.Index]);
}
