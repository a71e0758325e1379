using Microsoft.ML.Data;
using MLNet.Ssl;

namespace PhotoSearch;

/// <summary>The photos of a folder and its subfolders.</summary>
public sealed class PhotoFolder
{
    private PhotoFolder(string path, IReadOnlyList<string> files, IReadOnlyList<(string, string)> unreadable) =>
        (Path, Files, Unreadable) = (path, files, unreadable);

    /// <summary>The folder.</summary>
    public string Path { get; }

    /// <summary>The photos that can be read, in order of their paths.</summary>
    public IReadOnlyList<string> Files { get; }

    /// <summary>Files that cannot be read, and why.</summary>
    public IReadOnlyList<(string File, string Reason)> Unreadable { get; }

    /// <summary>Opens a folder.</summary>
    /// <param name="data">What loads it.</param>
    /// <param name="photos">The folder; null for the folder photos of the one that MLNETSSL_DATA names.</param>
    /// <exception cref="IOException">There is no folder, or not two photos in it that can be read.</exception>
    /// <exception cref="InvalidOperationException">There is no photo in it.</exception>
    public static PhotoFolder Open(ImageDataCatalog data, string? photos)
    {
        string? shared = Environment.GetEnvironmentVariable("MLNETSSL_DATA");
        string folder = photos ?? (string.IsNullOrEmpty(shared)
            ? throw new DirectoryNotFoundException(
                "Name a folder of photos: --photos <folder>, or set MLNETSSL_DATA to a folder with the subfolder "
                    + "photos.")
            : System.IO.Path.Combine(shared, "photos"));
        List<string> files = [];
        List<(string, string)> unreadable = [];
        foreach (string file in data.LoadImageFolder(folder, withImages: false).GetColumn<string>("Path"))
        {
            try
            {
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
                $"{folder} has {files.Count} readable photos; expected at least 2.");
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
