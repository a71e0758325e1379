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
    public async Task<Body?> ReadAsync(Stream source, CancellationToken cancelled)
    {
        var body = new Body(this);
        var piece = new byte[1 << 16];
        try
        {
            for (int read; (read = await source.ReadAsync(piece, cancelled)) > 0;)
            {
                if (!body.TryAdd(piece.AsSpan(0, read)))
                {
                    body.Dispose();
                    return null;
                }
            }
            return body;
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
