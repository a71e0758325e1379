namespace Microsoft.ML;

/// <summary>
/// The rows of a source that a condition accepts. The condition is made anew for every cursor, over the extra columns it needs.
/// </summary>
internal sealed class FilterView(IDataView source, DataViewSchema.Column[] conditionColumns, Func<DataViewRow, Func<bool>> createCondition, bool inOrder)
    : IDataView
{
    /// <summary>Whether acceptance depends on where a row stands, so that the source must be read in order, by one cursor.</summary>
    public bool CanShuffle => !inOrder && source.CanShuffle;
    public DataViewSchema Schema => source.Schema;
    public long? GetRowCount() => null;

    public DataViewRowCursor GetRowCursor(IEnumerable<DataViewSchema.Column> columnsNeeded, Random rand = null)
        => Filtered(source.GetRowCursor(columnsNeeded.Concat(conditionColumns), inOrder ? null : rand));

    public DataViewRowCursor[] GetRowCursorSet(IEnumerable<DataViewSchema.Column> columnsNeeded, int n, Random rand = null)
        => inOrder ? [GetRowCursor(columnsNeeded, rand)] : Array.ConvertAll(source.GetRowCursorSet(columnsNeeded.Concat(conditionColumns), n, rand), Filtered);

    private DataViewRowCursor Filtered(DataViewRowCursor cursor) => new FilteredCursor(cursor, createCondition(cursor));
}
