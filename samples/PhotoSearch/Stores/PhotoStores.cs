using Microsoft.Extensions.AI;

namespace PhotoSearch.Stores;

/// <summary>The stores that there are.</summary>
public static class PhotoStores
{
    /// <summary>Opens a collection of photos, which may not be there yet.</summary>
    /// <param name="store">sqlite, qdrant or pgvector.</param>
    /// <param name="connection">A connection string; of Qdrant, its address. Null of SQLite
    /// means a file in the folder.</param>
    /// <param name="folder">Folder of what the sample writes.</param>
    /// <param name="generator">What embeds photos.</param>
    /// <exception cref="ArgumentException">The store is none of these, or needs a connection.</exception>
    public static PhotoCollection Open(
        string store, string? connection, string folder, IEmbeddingGenerator<DataContent, Embedding<float>> generator)
    {
        const string Name = "photos";
        int dimensions = generator.GetService<EmbeddingGeneratorMetadata>()!.DefaultModelDimensions!.Value;
        return store switch
        {
            "sqlite" => new SqlitePhotos(
                connection ?? $"Data Source={Path.Combine(folder, "photos.db")}", Name, dimensions, generator),
            "qdrant" =>
                new QdrantPhotos(connection ?? throw Missing("http://localhost:6334"), Name, dimensions, generator),
            "pgvector" => new PgVectorPhotos(
                connection
                    ?? throw Missing("'Host=localhost;Username=me;Database=photos'"), Name, dimensions, generator),
            _ => throw new ArgumentException($"There is no store '{store}'; there are sqlite, qdrant and pgvector."),
        };

        ArgumentException Missing(string example) =>
            new($"--store {store} needs --connection, such as {example}.");
    }
}
