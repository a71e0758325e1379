namespace MLNet.Ssl.Tensors;

/// <summary>
/// Networks or tensors that several threads compute with, and that any may dispose of: they are freed at once, or
/// behind the last computation that is under way. Freed under one, native code would read memory that is another's by
/// now.
/// </summary>
/// <param name="owner">Whose they are, for the exception.</param>
/// <param name="free">Frees them.</param>
internal sealed class SharedUse(object owner, Action free) : IDisposable
{
    private readonly Lock _gate = new();
    private int _users;
    private bool _disposed;

    /// <summary>Keeps them until the result is disposed of.</summary>
    /// <exception cref="ObjectDisposedException">They were disposed of.</exception>
    public Scope Begin()
    {
        lock (_gate)
        {
            ObjectDisposedException.ThrowIf(_disposed, owner);
            _users++;
        }
        return new(this);
    }

    public void Dispose()
    {
        lock (_gate)
        {
            if (_disposed) return;
            _disposed = true;
            if (_users > 0) return;
        }
        free();
    }

    private void End()
    {
        lock (_gate)
        {
            if (--_users > 0 || !_disposed) return;
        }
        free();
    }

    public readonly struct Scope(SharedUse use) : IDisposable
    {
        public void Dispose() => use.End();
    }
}
