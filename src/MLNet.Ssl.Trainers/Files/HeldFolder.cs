namespace MLNet.Ssl.Files;

/// <summary>
/// A folder of temporary files for this process alone. It is deleted when it is disposed of; one that a process left
/// which was killed, when another is made.
/// </summary>
internal sealed class HeldFolder : IDisposable
{
    private const string LockName = "process.lock";

    private readonly FileStream _lock;

    private HeldFolder(string path, FileStream held) => (Path, _lock) = (path, held);

    public string Path { get; }

    /// <summary>Makes one in the system's folder of temporary files.</summary>
    /// <param name="prefix">What its name begins with; folders of this name that nobody holds are deleted.</param>
    /// <exception cref="IOException">It cannot be made.</exception>
    public static HeldFolder Create(string prefix)
    {
        foreach (string folder in Directory.EnumerateDirectories(System.IO.Path.GetTempPath(), prefix + "*"))
            DeleteIfLeft(folder);
        string path = Directory.CreateTempSubdirectory(prefix).FullName;
        return new(path, Hold(path, FileMode.CreateNew));
    }

    /// <exception cref="IOException">It cannot be deleted.</exception>
    /// <exception cref="UnauthorizedAccessException">Likewise.</exception>
    public void Dispose()
    {
        _lock.Dispose();
        Directory.Delete(Path, recursive: true);
    }

    // The system lets go of it with the process, however that ends.
    private static FileStream Hold(string folder, FileMode mode) =>
        new(System.IO.Path.Combine(folder, LockName), mode, FileAccess.ReadWrite, FileShare.None);

    private static void DeleteIfLeft(string folder)
    {
        try
        {
            // One that is being made has no lock yet, nor has one that is not ours.
            if (!File.Exists(System.IO.Path.Combine(folder, LockName))) return;
            Hold(folder, FileMode.Open).Dispose();
            Directory.Delete(folder, recursive: true);
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            // It is in use, somebody else's, or deleted meanwhile.
        }
    }
}
