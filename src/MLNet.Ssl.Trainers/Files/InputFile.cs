using Microsoft.Win32.SafeHandles;

namespace MLNet.Ssl.Files;

/// <summary>Files that users name to be read.</summary>
internal static class InputFile
{
    /// <summary>Opens a file; others may read it meanwhile.</summary>
    /// <exception cref="IOException">There is none, or it is a folder.</exception>
    /// <exception cref="UnauthorizedAccessException">It may not be read.</exception>
    public static FileStream Open(string path) =>
        Opened(path, name => new FileStream(name, FileMode.Open, FileAccess.Read, FileShare.Read));

    /// <inheritdoc cref="Open"/>
    public static SafeFileHandle OpenHandle(string path) => Opened(path, name => File.OpenHandle(name));

    private static T Opened<T>(string path, Func<string, T> open)
    {
        try
        {
            return open(path);
        }
        // Of a folder systems say that access is denied.
        catch (UnauthorizedAccessException e) when (Directory.Exists(path))
        {
            throw new IOException($"'{path}' is a folder; expected a file.", e);
        }
    }
}
