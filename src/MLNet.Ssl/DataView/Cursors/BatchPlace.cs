namespace MLNet.Ssl.DataView;

/// <summary>Where a cursor stands in the batch that is handed out.</summary>
internal sealed class BatchPlace
{
    private int _row = -1;

    /// <summary>The row, from 0; setting −1 leaves it.</summary>
    /// <exception cref="InvalidOperationException">The cursor stands on none.</exception>
    public int Row
    {
        get => _row >= 0 ? _row : throw new InvalidOperationException(
            "The cursor stands on no row: before its first, or after its last.");
        set => _row = value;
    }

    public bool IsOnRow => _row >= 0;
}
