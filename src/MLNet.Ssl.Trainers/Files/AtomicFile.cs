namespace MLNet.Ssl.Files;

/// <summary>Files that are written wholly or not at all.</summary>
internal static class AtomicFile
{
    /// <summary>
    /// Writes a new file beside <paramref name="path"/> and then puts it in that place, over what was there; on failure
    /// nothing changes.
    /// </summary>
    /// <exception cref="IOException">The folder does not exist or the file cannot be written.</exception>
    /// <exception cref="UnauthorizedAccessException">The folder may not be written to, or the path is that of a
    /// folder.</exception>
    public static void Write(string path, Action<Stream> write)
    {
        ArgumentException.ThrowIfNullOrWhiteSpace(path);
        string target = Target(path), folder = Path.GetDirectoryName(target) ?? target;
        if (Directory.Exists(target))
            throw new UnauthorizedAccessException($"'{path}' is a folder; expected the path of a file.");
        if (!Directory.Exists(folder))
            throw new DirectoryNotFoundException($"'{path}' cannot be written: there is no folder '{folder}'.");
        string temporary = $"{target}.{Path.GetRandomFileName()}.tmp";
        try
        {
            using (var stream = new FileStream(temporary, FileMode.CreateNew, FileAccess.Write))
            {
                write(stream);
                stream.Flush(flushToDisk: true);
            }
            File.Move(temporary, target, overwrite: true);
        }
        catch
        {
            File.Delete(temporary);
            throw;
        }
    }

    /// <summary>The file itself, where the path is that of a link, which stays one.</summary>
    private static string Target(string path) =>
        (File.Exists(path) ? File.ResolveLinkTarget(path, returnFinalTarget: true)?.FullName : null)
        ?? Path.GetFullPath(path);
}
