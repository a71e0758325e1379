namespace MLNet.Ssl.ImageFiles;

/// <summary>The image files of a folder and of the folders in it.</summary>
internal static class ImageFolder
{
    private static readonly string[] Extensions = [".jpg", ".jpeg", ".png", ".gif", ".webp", ".bmp"];

    // A folder that may not be opened is an error, or its images would be missed without a word.
    private static readonly EnumerationOptions Everywhere = new()
    {
        RecurseSubdirectories = true,
        IgnoreInaccessible = false,
        AttributesToSkip = FileAttributes.Hidden | FileAttributes.System,
    };

    /// <summary>The files in order of their paths; hidden ones, such as those that macOS adds, are left out.</summary>
    /// <exception cref="DirectoryNotFoundException">There is no such folder.</exception>
    /// <exception cref="InvalidOperationException">There is no image file in it.</exception>
    public static string[] Files(string folder)
    {
        ArgumentException.ThrowIfNullOrEmpty(folder);
        if (!Directory.Exists(folder))
            throw new DirectoryNotFoundException(
                $"There is no folder '{folder}'"
                + $"{(File.Exists(folder) ? ", but a file: name the folder it is in" : "")}.");
        string[] files = [.. Directory.EnumerateFiles(folder, "*", Everywhere)
            .Where(IsImage)
            .Order(StringComparer.Ordinal)];
        return files.Length > 0 ? files : throw new InvalidOperationException(
            $"The folder '{folder}' and those in it have no image file ({string.Join(", ", Extensions)}).");
    }

    /// <summary>Whether a file's ending is an image's.</summary>
    public static bool IsImage(string file) =>
        Extensions.Contains(Path.GetExtension(file), StringComparer.OrdinalIgnoreCase);

    /// <summary>Name of the folder that the file is in; empty where that is the root itself.</summary>
    public static string Label(string root, string file)
    {
        string? within = Path.GetDirectoryName(Path.GetRelativePath(root, file));
        return Path.GetFileName(within) ?? "";
    }
}
