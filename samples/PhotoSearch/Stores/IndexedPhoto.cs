using Microsoft.Extensions.AI;

namespace PhotoSearch.Stores;

/// <summary>A photo in a vector store: under its path, by the embedding that the
/// collection's generator makes of it.</summary>
public sealed class IndexedPhoto
{
    public string Path { get; set; } = "";

    /// <summary>The file; null in what comes from the store, which keeps the embedding alone.</summary>
    public DataContent? Photo { get; set; }
}
