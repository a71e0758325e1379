using Microsoft.ML;
using PhotoSearch.Stores;

namespace MLNet.Ssl.Tests;

/// <summary>
/// The sample's vector stores. MLNETSSL_PGVECTOR, a connection string, and MLNETSSL_QDRANT, an address,
/// name servers to test with.
/// </summary>
public sealed class PhotoStoreTests : IDisposable
{
    private readonly SmallPhotos _photos = new();

    public void Dispose() => _photos.Dispose();

    [Theory, InlineData("sqlite"), InlineData("pgvector"), InlineData("qdrant")]
    public async Task AStoreFindsWhatTheIndexFinds(string store)
    {
        string? connection = Environment.GetEnvironmentVariable($"MLNETSSL_{store.ToUpperInvariant()}");
        Assert.SkipWhen(connection is null
            && store != "sqlite", $"MLNETSSL_{store.ToUpperInvariant()} names no server.");
        using var photos = PhotoStores.Open(store, connection, _photos.Path, _photos.Generator);
        await photos.EnsureCollectionDeletedAsync();
        Assert.False(await photos.CollectionExistsAsync());
        await photos.EnsureCollectionExistsAsync();
        await photos.EnsureCollectionExistsAsync();
        Assert.True(await photos.CollectionExistsAsync());
        string[] files = [.. _photos.Folder.Files];
        await photos.UpsertAsync(files.Select(path =>
            new IndexedPhoto { Path = path, Photo = SmallPhotos.Content(path) }));
        await photos.UpsertAsync(new IndexedPhoto { Path = files[4], Photo = SmallPhotos.Content(files[4]) });

        var index = new MLContext().SelfSupervised().Index(_photos.Encoder, files);
        var expected = index.Search(_photos.Encoder, files[9], 5);
        var found = await photos.SearchAsync(SmallPhotos.Content(files[9]), 5).ToListAsync();
        Assert.Equal(expected.Select(n => n.Key), found.Select(n => n.Record.Path));
        Assert.Equal(expected.Select(n => (double)n.Similarity), found.Select(n => n.Score!.Value), (a, b) =>
            Math.Abs(a - b) < 1e-4);
        var query = (await _photos.Generator.GenerateAsync([SmallPhotos.Content(files[9])])).Single();
        var second = await photos.SearchAsync(query.Vector, 1, new() { Skip = 1 }).ToListAsync();
        Assert.Equal(expected[1].Key, Assert.Single(second).Record.Path);

        await photos.DeleteAsync(files[9]);
        Assert.Null(await photos.GetAsync(files[9]));
        Assert.Equal(files[8], (await photos.GetAsync(files[8]))!.Path);
        Assert.Equal(expected[1].Key,
            Assert.Single(await photos.SearchAsync(SmallPhotos.Content(files[9]), 1).ToListAsync()).Record.Path);
        await photos.EnsureCollectionDeletedAsync();
    }

    [Fact]
    public void AStoreIsNamedAndConnected()
    {
        Assert.Contains("sqlite, qdrant and pgvector",
            Assert.Throws<ArgumentException>(() => PhotoStores.Open("redis", null, ".", _photos.Generator)).Message);
        Assert.Contains("--connection",
            Assert.Throws<ArgumentException>(() => PhotoStores.Open("qdrant", null, ".", _photos.Generator)).Message);
    }
}
