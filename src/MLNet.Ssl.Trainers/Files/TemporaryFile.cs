namespace MLNet.Ssl.Files;

/// <summary>Streams of others by way of a file of our own, which is gone when it is closed.</summary>
internal static class TemporaryFile
{
    /// <summary>A new, empty file.</summary>
    /// <param name="folder">Where; null or empty for the system's folder of temporary files.</param>
    public static FileStream Create(string? folder = null)
    {
        string path = Path.Combine(string.IsNullOrEmpty(folder) ? Path.GetTempPath() : folder,
            $"mlnet-ssl-{Path.GetRandomFileName()}");
        var file = new FileStream(path, FileMode.CreateNew, FileAccess.ReadWrite, FileShare.None, 1 << 16,
            FileOptions.DeleteOnClose);
        // Windows deletes it with a process that is killed; elsewhere a file without a name goes so.
        if (!OperatingSystem.IsWindows()) File.Delete(path);
        return file;
    }

    /// <summary>Writes into a stream, which stays open: all of it, or on failure nothing.</summary>
    /// <exception cref="ArgumentException">The stream cannot be written to.</exception>
    public static void Write(Stream destination, Action<Stream> write)
    {
        ArgumentNullException.ThrowIfNull(destination);
        if (!destination.CanWrite) throw new ArgumentException("The stream cannot be written to.", nameof(destination));
        using var file = Create();
        write(file);
        file.Position = 0;
        file.CopyTo(destination);
    }

    /// <summary>Reads a stream, which stays open, from where it stands to its end, in a form that can be sought
    /// in.</summary>
    /// <exception cref="ArgumentException">The stream cannot be read.</exception>
    /// <exception cref="InvalidDataException">The stream stands at its end.</exception>
    public static T Read<T>(Stream source, Func<Stream, T> read)
    {
        CheckReadable(source);
        if (source is { CanSeek: true, Position: 0 }) return read(source);
        using var file = Create();
        source.CopyTo(file);
        file.Position = 0;
        return read(file);
    }

    /// <inheritdoc cref="Read" path="/exception"/>
    public static void CheckReadable(Stream source)
    {
        ArgumentNullException.ThrowIfNull(source);
        if (!source.CanRead) throw new ArgumentException("The stream cannot be read.", nameof(source));
        if (source.CanSeek && source.Position >= source.Length)
            throw new InvalidDataException(source.Length == 0
                ? "The stream is empty."
                : "The stream stands at its end: set its Position to where the file begins.");
    }
}
