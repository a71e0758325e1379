namespace MLNet.Ssl.Cli.Input;

/// <summary>A folder of images; the first subfolder on the way to an image is its label.</summary>
internal static class ImageFolder
{
    private static readonly string[] Extensions = [".jpg", ".jpeg", ".png", ".gif", ".webp", ".bmp"];

    public static bool IsImage(string path) => Extensions.Contains(Path.GetExtension(path),
        StringComparer.OrdinalIgnoreCase);

    public static ImageSource Open(DataChoice choice)
    {
        string root = choice.Path;
        string[] files = [.. Directory.EnumerateFiles(root, "*", SearchOption.AllDirectories).Where(IsImage)];
        string[] keys = [.. files.Select(file => Path.GetRelativePath(root, file).Replace('\\', '/'))];
        Array.Sort(keys, files, StringComparer.Ordinal);
        if (files.Length == 0)
            throw new InvalidDataException(
                $"'{root}' has no images ({string.Join(", ", Extensions)}), nor have its subfolders.");
        string?[] labels = [.. keys.Select(key => key.IndexOf('/', StringComparison.Ordinal) is var end and > 0
            ? key[..end] : null)];
        return ImageSource.OfFiles(root, keys, labels.All(label => label is null) ? null : labels, files);
    }
}
