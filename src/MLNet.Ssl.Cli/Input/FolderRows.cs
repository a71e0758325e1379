using MLNet.Ssl.ImageFiles;

namespace MLNet.Ssl.Cli.Input;

/// <summary>A folder of images, as <see cref="ImageDataCatalog.LoadImageFolder"/> has it: the folder that an
/// image is in is its label.</summary>
internal static class FolderRows
{
    public static ImageSource Open(DataChoice choice)
    {
        string[] files = ImageFolder.Files(choice.Path);
        string[] keys = [.. files.Select(file => Path.GetRelativePath(choice.Path, file).Replace('\\', '/'))];
        string?[] labels =
            [.. files.Select(file => ImageFolder.Label(choice.Path, file) is { Length: > 0 } label ? label : null)];
        return new ImagePaths(choice.Path, keys, labels.All(label => label is null) ? null : labels, files);
    }
}
