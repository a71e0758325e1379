using System.IO.Pipelines;

namespace EmbeddingService;

/// <summary>
/// Bytes of uploads in memory, of all requests together: whoever sends slowly holds little, so nobody can keep others
/// out by it.
/// </summary>
public sealed class HeldBytes(long most)
{
    private long _held;

    /// <summary>Copies a body into memory.</summary>
    /// <returns>What was read, to be disposed of when it is needed no more; null if there is no room for it.</returns>
    /// <exception cref="OperationCanceledException">The token was cancelled.</exception>
    public async Task<Body?> ReadAsync(PipeReader source, CancellationToken cancelled)
    {
        var body = new Body(this);
        // A read that its token ended is one under way to Kestrel, which then logs a failure of the program; one that
        // the pipe was told to end is over.
        using var end = cancelled.Register(source.CancelPendingRead);
        try
        {
            while (true)
            {
                var read = await source.ReadAsync(CancellationToken.None);
                bool isHeld = true;
                foreach (var piece in read.Buffer) isHeld = isHeld && body.TryAdd(piece.Span);
                source.AdvanceTo(read.Buffer.End);
                if (read.IsCanceled) throw new OperationCanceledException(cancelled);
                if (!isHeld)
                {
                    body.Dispose();
                    return null;
                }
                if (read.IsCompleted) return body;
            }
        }
        catch
        {
            body.Dispose();
            throw;
        }
    }

    public sealed class Body(HeldBytes owner) : IDisposable
    {
        private readonly MemoryStream _bytes = new();
        private long _held;

        public byte[] ToArray() => _bytes.ToArray();

        public bool TryAdd(ReadOnlySpan<byte> piece)
        {
            _held += piece.Length;
            if (Interlocked.Add(ref owner._held, piece.Length) > owner.Most) return false;
            _bytes.Write(piece);
            return true;
        }

        public void Dispose()
        {
            Interlocked.Add(ref owner._held, -_held);
            _held = 0;
        }
    }

    private long Most => most;
}
