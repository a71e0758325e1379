using System.Net;
using Microsoft.AspNetCore.Hosting.Server;
using Microsoft.AspNetCore.Hosting.Server.Features;
using Microsoft.Extensions.AI;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.ML;
using PhotoSearch;
using PhotoSearch.Stores;

namespace MLNet.Ssl.Tests;

/// <summary>
/// The sample's vector stores and its site. MLNETSSL_PGVECTOR, a connection string, and MLNETSSL_QDRANT, an address,
/// name servers to test with.
/// </summary>
public sealed class PhotoStoreTests : IDisposable
{
    private readonly TemporaryFolder _folder = new();
    private readonly EmbeddingTransformer _transformer;
    private readonly IEmbeddingGenerator<DataContent, Embedding<float>> _generator;

    public PhotoStoreTests()
    {
        using var generator = new TorchSharp.torch.Generator(5, TorchSharp.torch.CPU);
        _transformer = new(new ImageEncoder(TestImages.Untrained.Backbone!.Create(generator),
            ImagePreprocessing.For(16)), "Embedding", "Image");
        _generator = _transformer.AsEmbeddingGenerator();
        Directory.CreateDirectory(_folder.File("photos"));
        for (int i = 0; i < 70; i++)
        {
            using var image = TestImages.Image(i);
            image.Save(_folder.File($"photos/{i:00}.png"));
        }
    }

    public void Dispose()
    {
        Microsoft.Data.Sqlite.SqliteConnection.ClearAllPools();
        _generator.Dispose();
        _transformer.Dispose();
        _folder.Dispose();
    }

    [Theory, InlineData("sqlite"), InlineData("pgvector"), InlineData("qdrant")]
    public async Task AStoreFindsWhatTheIndexFinds(string store)
    {
        string? connection = Environment.GetEnvironmentVariable($"MLNETSSL_{store.ToUpperInvariant()}");
        Assert.SkipWhen(connection is null
            && store != "sqlite", $"MLNETSSL_{store.ToUpperInvariant()} names no server.");
        using var photos = PhotoStores.Open(store, connection, _folder.Path, _generator);
        await photos.EnsureCollectionDeletedAsync();
        Assert.False(await photos.CollectionExistsAsync());
        await photos.EnsureCollectionExistsAsync();
        await photos.EnsureCollectionExistsAsync();
        Assert.True(await photos.CollectionExistsAsync());
        string[] files = [.. PhotoFolder.Open(new MLContext().SelfSupervised().Data, _folder.File("photos")).Files];
        await photos.UpsertAsync(files.Select(path => new IndexedPhoto { Path = path, Photo = Content(path) }));
        await photos.UpsertAsync(new IndexedPhoto { Path = files[4], Photo = Content(files[4]) });

        var index = new MLContext().SelfSupervised().Index(_transformer, files);
        var expected = index.Search(_transformer, files[9], 5);
        var found = await photos.SearchAsync(Content(files[9]), 5).ToListAsync();
        Assert.Equal(expected.Select(n => n.Key), found.Select(n => n.Record.Path));
        Assert.Equal(expected.Select(n => (double)n.Similarity), found.Select(n => n.Score!.Value), (a, b) =>
            Math.Abs(a - b) < 1e-4);
        var (_, query) = await _generator.GenerateAndZipAsync([Content(files[9])]) is [var only] ? only : default;
        var second = await photos.SearchAsync(query.Vector, 1, new() { Skip = 1 }).ToListAsync();
        Assert.Equal(expected[1].Key, Assert.Single(second).Record.Path);

        await photos.DeleteAsync(files[9]);
        Assert.Null(await photos.GetAsync(files[9]));
        Assert.Equal(files[8], (await photos.GetAsync(files[8]))!.Path);
        Assert.Equal(expected[1].Key,
            Assert.Single(await photos.SearchAsync(Content(files[9]), 1).ToListAsync()).Record.Path);
        await photos.EnsureCollectionDeletedAsync();
    }

    [Fact]
    public void AStoreIsNamedAndConnected()
    {
        Assert.Contains("sqlite, qdrant and pgvector",
            Assert.Throws<ArgumentException>(() => PhotoStores.Open("redis", null, ".", _generator)).Message);
        Assert.Contains("--connection",
            Assert.Throws<ArgumentException>(() => PhotoStores.Open("qdrant", null, ".", _generator)).Message);
    }

    [Fact]
    public async Task ThePageAnswersAPhoto()
    {
        using var photos = PhotoStores.Open("sqlite", null, _folder.Path, _generator);
        await photos.EnsureCollectionExistsAsync();
        var folder = PhotoFolder.Open(new MLContext().SelfSupervised().Data, _folder.File("photos"));
        await photos.UpsertAsync(folder.Files.Select(path => new IndexedPhoto { Path = path, Photo = Content(path) }));
        await using var site = SearchSite.Build(photos, folder, 3, "http://127.0.0.1:0");
        await site.StartAsync();
        string address = site.Services.GetRequiredService<IServer>()
            .Features.Get<IServerAddressesFeature>()!.Addresses.Single();
        using var client = new HttpClient { BaseAddress = new(address) };
        Assert.Contains("<form", await client.GetStringAsync("/"));
        var (status, page) = await Post(File.ReadAllBytes(folder.Files[5]));
        Assert.Equal(HttpStatusCode.OK, status);
        Assert.Equal(4, page.Split("<figure").Length - 1);
        Assert.Contains("05.png", page);
        (status, page) = await Post([1, 2, 3]);
        Assert.Equal(HttpStatusCode.BadRequest, status);
        Assert.Contains("cannot be read", page);

        async Task<(HttpStatusCode, string)> Post(byte[] photo)
        {
            using var form = new MultipartFormDataContent { { new ByteArrayContent(photo), "photo", "query.png" } };
            using var answer = await client.PostAsync("/", form);
            return (answer.StatusCode, await answer.Content.ReadAsStringAsync());
        }
    }

    private static DataContent Content(string path) => new(File.ReadAllBytes(path), "image/png");
}
