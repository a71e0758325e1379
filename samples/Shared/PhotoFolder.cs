namespace MLNet.Ssl.Samples;

/// <summary>The photos of a folder and its subfolders.</summary>
public sealed class PhotoFolder
{
    private static readonly string[] Extensions = [".jpg", ".jpeg", ".png", ".gif", ".webp", ".bmp"];

    private PhotoFolder(string path, IReadOnlyList<string> files, IReadOnlyList<(string, string)> unreadable) =>
        (Path, Files, Unreadable) = (path, files, unreadable);

    /// <summary>The folder.</summary>
    public string Path { get; }

    /// <summary>The photos that can be read, in order of their paths.</summary>
    public IReadOnlyList<string> Files { get; }

    /// <summary>Files that cannot be read, and why.</summary>
    public IReadOnlyList<(string File, string Reason)> Unreadable { get; }

    /// <summary>Opens a folder.</summary>
    /// <param name="photos">The folder; null for the folder photos of the one that MLNETSSL_DATA names.</param>
    /// <exception cref="IOException">There is no folder, or not two photos in it.</exception>
    public static PhotoFolder Open(string? photos)
    {
        string? data = Environment.GetEnvironmentVariable("MLNETSSL_DATA");
        string folder = photos ?? (string.IsNullOrEmpty(data)
            ? throw new DirectoryNotFoundException(
                "Name a folder of photos: --photos <folder>, or set MLNETSSL_DATA to a folder with the subfolder "
                    + "photos.")
            : System.IO.Path.Combine(data, "photos"));
        if (!Directory.Exists(folder)) throw new DirectoryNotFoundException($"There is no folder {folder}.");
        List<string> files = [];
        List<(string, string)> unreadable = [];
        foreach (string file in Directory.EnumerateFiles(folder, "*", SearchOption.AllDirectories)
            .Order(StringComparer.Ordinal))
        {
            if (!Extensions.Contains(System.IO.Path.GetExtension(file), StringComparer.OrdinalIgnoreCase)) continue;
            try
            {
                // Before LoadImages reads it, which does not see when a file ends early or claims more pixels than
                // there is memory.
                _ = RgbImages.Load(file);
                files.Add(file);
            }
            catch (InvalidOperationException error)
            {
                unreadable.Add((file, error.InnerException?.Message ?? error.Message));
            }
        }
        return files.Count >= 2
            ? new(folder, files, unreadable)
            : throw new IOException(
                $"{folder} has {files.Count} readable photos ({string.Join(", ", Extensions)}); expected at least 2.");
    }

    /// <summary>The path within the folder.</summary>
    public string Name(string file) => System.IO.Path.GetRelativePath(Path, file);

    /// <summary>Photos spread evenly over the folder.</summary>
    public IEnumerable<string> Sample(int count)
    {
        count = Math.Min(count, Files.Count);
        return Enumerable.Range(0, count).Select(i => Files[(int)((i + 0.5) * Files.Count / count)]);
    }
}
