using System.Runtime.CompilerServices;
using System.Security.Cryptography;
using System.Text;
using Microsoft.Extensions.AI;
using Qdrant.Client;
using Qdrant.Client.Grpc;

namespace PhotoSearch.Stores;

/// <summary>Photos in a Qdrant server, by its gRPC address such as http://localhost:6334.</summary>
public sealed class QdrantPhotos(string address, string name, int dimensions, IEmbeddingGenerator generator)
    : PhotoCollection(name, dimensions, generator)
{
    private const string Path = "path";

    private readonly QdrantClient _client = new(new Uri(address));

    public override Task<bool> CollectionExistsAsync(CancellationToken cancellationToken = default) =>
        _client.CollectionExistsAsync(Name, cancellationToken);

    public override async Task EnsureCollectionExistsAsync(CancellationToken cancellationToken = default)
    {
        if (await CollectionExistsAsync(cancellationToken)) return;
        await _client.CreateCollectionAsync(
            Name, new VectorParams { Size = (ulong)Dimensions, Distance = Distance.Cosine },
            cancellationToken: cancellationToken);
    }

    public override async Task EnsureCollectionDeletedAsync(CancellationToken cancellationToken = default)
    {
        if (await CollectionExistsAsync(cancellationToken))
            await _client.DeleteCollectionAsync(Name, cancellationToken: cancellationToken);
    }

    public override Task DeleteAsync(string key, CancellationToken cancellationToken = default) =>
        _client.DeleteAsync(Name, Id(key), cancellationToken: cancellationToken);

    protected override async Task<bool> ContainsAsync(string path, CancellationToken token) =>
        (await _client.RetrieveAsync(Name, Id(path), cancellationToken: token)).Count > 0;

    protected override Task WriteAsync(IReadOnlyList<(string Path, float[] Vector)> photos, CancellationToken token) =>
        _client.UpsertAsync(
            Name,
            [.. photos.Select(photo =>
                new PointStruct { Id = Id(photo.Path), Vectors = photo.Vector, Payload = { [Path] = photo.Path } })],
            cancellationToken: token);

    protected override async IAsyncEnumerable<(string Path, double Similarity)> NearestAsync(
        float[] vector, int count, [EnumeratorCancellation] CancellationToken token)
    {
        foreach (var point in await _client.QueryAsync(Name, vector, limit: (ulong)count, cancellationToken: token))
            yield return (point.Payload[Path].StringValue, point.Score);
    }

    protected override void Dispose(bool disposing)
    {
        if (disposing) _client.Dispose();
        base.Dispose(disposing);
    }

    // Points are numbered, or have UUIDs: a path's own.
    private static Guid Id(string path) => new(SHA256.HashData(Encoding.UTF8.GetBytes(path)).AsSpan(0, 16));
}
