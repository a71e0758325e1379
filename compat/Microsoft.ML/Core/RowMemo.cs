namespace Microsoft.ML;

/// <summary>Runs one computation once per row for several getters over that row.</summary>
internal sealed class RowMemo(DataViewRow row, Action compute)
{
    private long _position = -2;

    public void Update()
    {
        if (_position == row.Position) return;
        compute();
        _position = row.Position;
    }
}
