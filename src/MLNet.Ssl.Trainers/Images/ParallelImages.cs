using System.Runtime.ExceptionServices;

namespace MLNet.Ssl.Images;

/// <summary>Work on each of many images, on all processors.</summary>
internal static class ParallelImages
{
    /// <summary>Does the work for every number below <paramref name="count"/>, with a
    /// buffer of the thread's own.</summary>
    /// <exception cref="OperationCanceledException">The token is cancelled, which is looked at before every
    /// image.</exception>
    public static void For(int count, Action<int, PixelBuffer> work, CancellationToken cancellation = default)
    {
        try
        {
            Parallel.For(0, count, new ParallelOptions { CancellationToken = cancellation }, PixelBuffer.Rent,
                (i, _, buffer) =>
                {
                    work(i, buffer);
                    return buffer;
                }, buffer => buffer.Return());
        }
        catch (AggregateException e) when (e.InnerExceptions is [var first, ..])
        {
            ExceptionDispatchInfo.Throw(first);
        }
    }
}
