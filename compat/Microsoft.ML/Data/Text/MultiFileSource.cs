namespace Microsoft.ML.Data;

public interface IMultiStreamSource
{
    int Count { get; }
    string GetPathOrNull(int index);
    Stream Open(int index);
    TextReader OpenTextReader(int index);
}

/// <summary>Files read one after the other.</summary>
public sealed class MultiFileSource : IMultiStreamSource
{
    private readonly string[] _paths;

    public MultiFileSource(params string[] paths)
    {
        _paths = paths ?? [];
        foreach (var path in _paths)
        {
            ArgumentNullException.ThrowIfNull(path, nameof(paths));
            if (!File.Exists(path)) throw new FileNotFoundException($"File does not exist at path: {path}", path);
        }
    }

    public int Count => _paths.Length;
    public string GetPathOrNull(int index) => _paths[index];
    public Stream Open(int index) => File.OpenRead(_paths[index]);
    public TextReader OpenTextReader(int index) => new StreamReader(_paths[index]);
}
