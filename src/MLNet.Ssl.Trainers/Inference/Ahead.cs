namespace MLNet.Ssl.Inference;

/// <summary>Sequences of which the next element is made while one is used.</summary>
internal static class Ahead
{
    /// <summary>
    /// What is made of each element, in their order. Elements are taken on the caller's thread, and while a result is
    /// used the next one, and no other, is made in the background. What fails, fails in its turn.
    /// </summary>
    /// <remarks>A result is its taker's; one that nobody takes is disposed of.</remarks>
    public static IEnumerable<TResult> SelectAhead<T, TResult>(this IEnumerable<T> source, Func<T, TResult> make)
    {
        Task<TResult>? next = null;
        try
        {
            foreach (var element in source)
            {
                var made = next;
                // Two that are made at once would hold twice the memory.
                var result = made is null ? default : made.GetAwaiter().GetResult();
                next = Task.Run(() => make(element));
                if (made is not null) yield return result!;
            }
            if (next is null) yield break;
            var last = next.GetAwaiter().GetResult();
            next = null;
            yield return last;
        }
        finally
        {
            // What it is made of must not be in use any more when the caller goes on.
            if (next is not null)
            {
                try { (next.GetAwaiter().GetResult() as IDisposable)?.Dispose(); }
                catch (Exception) { }
            }
        }
    }
}
