using Microsoft.ML;

namespace MLNet.Ssl.DataView;

/// <summary>Reading rows until a token is cancelled. ML.NET's cursors take no token.</summary>
internal static class CancellableRows
{
    [ThreadStatic]
    private static CancellationToken _current;

    /// <summary>
    /// The token under which this thread moves a cursor: what reads many rows for one, as a
    /// <see cref="LookAhead{TInput}"/> does, stops by it.
    /// </summary>
    // Not captured when the cursor is made: ML.NET's cache reads on for others, on a thread of its own, and must not
    // keep a cancelled reader's failure.
    public static CancellationToken Current => _current;

    /// <summary>Moves to the next row, unless the token is cancelled before or meanwhile.</summary>
    /// <exception cref="OperationCanceledException">It is cancelled.</exception>
    public static bool MoveNext(this DataViewRowCursor cursor, CancellationToken token)
    {
        token.ThrowIfCancellationRequested();
        var before = _current;
        _current = token;
        bool moved;
        try
        {
            moved = cursor.MoveNext();
        }
        finally
        {
            _current = before;
        }
        token.ThrowIfCancellationRequested();
        return moved;
    }
}
