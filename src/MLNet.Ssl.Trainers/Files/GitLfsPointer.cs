namespace MLNet.Ssl.Files;

/// <summary>The short text that Git LFS leaves in the place of a large file until it is fetched.</summary>
internal static class GitLfsPointer
{
    private static ReadOnlySpan<byte> Start => "version https://git-lfs.github.com/spec/"u8;

    /// <summary>Bytes by which one is known.</summary>
    public const int Length = 40;

    /// <summary>Refuses a pointer; the stream stands where it stood.</summary>
    /// <exception cref="InvalidDataException">The stream holds one.</exception>
    public static void Refuse(Stream stream)
    {
        long position = stream.Position;
        Span<byte> start = stackalloc byte[Start.Length];
        int length = stream.ReadAtLeast(start, start.Length, throwOnEndOfStream: false);
        stream.Position = position;
        Refuse(start[..length]);
    }

    /// <inheritdoc cref="Refuse(Stream)"/>
    public static void Refuse(ReadOnlySpan<byte> file)
    {
        if (file.StartsWith(Start))
            throw new InvalidDataException(
                "it is a Git LFS pointer, not the file itself: run `git lfs pull` where it was cloned, or download the "
                    + "file itself.");
    }
}
