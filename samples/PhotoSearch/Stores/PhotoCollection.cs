using System.Diagnostics.CodeAnalysis;
using System.Linq.Expressions;
using System.Numerics.Tensors;
using System.Runtime.CompilerServices;
using Microsoft.Extensions.AI;
using Microsoft.Extensions.VectorData;
using Microsoft.Extensions.VectorData.ProviderServices;

namespace PhotoSearch.Stores;

/// <summary>
/// Photos under their paths in a vector store, as Microsoft.Extensions.VectorData has collections: the generator of the
/// vector property makes the embeddings, of photos that are added and of those that are searched for. A store says
/// where vectors of length 1 are kept and how the nearest are found.
/// </summary>
public abstract class PhotoCollection(string name, int dimensions, IEmbeddingGenerator generator)
    : VectorStoreCollection<string, IndexedPhoto>
{
    private const int PhotosAtATime = 64;

    private readonly CollectionModel _model = new ModelBuilder().Build(
        typeof(IndexedPhoto), typeof(string), new VectorStoreCollectionDefinition
        {
            Properties =
            {
                new VectorStoreKeyProperty(nameof(IndexedPhoto.Path), typeof(string)),
                new VectorStoreVectorProperty<DataContent>(nameof(IndexedPhoto.Photo), dimensions)
                {
                    DistanceFunction = DistanceFunction.CosineSimilarity,
                },
            },
        }, generator);

    public override string Name => name;

    protected int Dimensions => dimensions;

    public override Task UpsertAsync(IndexedPhoto record, CancellationToken cancellationToken = default) =>
        UpsertAsync([record], cancellationToken);

    public override async Task UpsertAsync(
        IEnumerable<IndexedPhoto> records, CancellationToken cancellationToken = default)
    {
        foreach (var photos in records.Chunk(PhotosAtATime))
        {
            var embeddings = await _model.VectorProperty.GenerateEmbeddingsAsync(
                photos.Select(photo => (object?)photo.Photo), cancellationToken);
            await WriteAsync(
                [.. photos.Zip(embeddings, (photo, e) => (photo.Path, Normalized(((Embedding<float>)e).Vector)))],
                cancellationToken);
        }
    }

    public override async IAsyncEnumerable<VectorSearchResult<IndexedPhoto>> SearchAsync<TInput>(
        TInput searchValue, int top, VectorSearchOptions<IndexedPhoto>? options = null,
        [EnumeratorCancellation] CancellationToken cancellationToken = default)
    {
        if (options?.Filter is not null)
            throw new NotSupportedException("These collections have nothing to filter by.");
        var vector = searchValue switch
        {
            ReadOnlyMemory<float> values => values,
            Embedding<float> embedding => embedding.Vector,
            _ => ((Embedding<float>)await _model.VectorProperty.GenerateEmbeddingAsync(searchValue, cancellationToken))
                .Vector,
        };
        int skip = options?.Skip ?? 0;
        await foreach (var (path, similarity) in NearestAsync(Normalized(vector), skip + top, cancellationToken))
        {
            if (skip-- > 0) continue;
            if (options?.ScoreThreshold is { } least && similarity < least) yield break;
            yield return new(new() { Path = path }, similarity);
        }
    }

    public override async Task<IndexedPhoto?> GetAsync(
        string key, RecordRetrievalOptions? options = null, CancellationToken cancellationToken = default) =>
        await ContainsAsync(key, cancellationToken) ? new() { Path = key } : null;

    public override IAsyncEnumerable<IndexedPhoto> GetAsync(
        Expression<Func<IndexedPhoto, bool>> filter, int top,
        FilteredRecordRetrievalOptions<IndexedPhoto>? options = null,
        CancellationToken cancellationToken = default) =>
        throw new NotSupportedException("These collections have nothing to filter by.");

    public override object? GetService(Type serviceType, object? serviceKey = null) =>
        serviceKey is null && serviceType.IsInstanceOfType(this) ? this : null;

    /// <summary>Adds photos with their embeddings, of length 1, or puts them in the place
    /// of those of their paths.</summary>
    protected abstract Task WriteAsync(IReadOnlyList<(string Path, float[] Vector)> photos, CancellationToken token);

    /// <summary>The photos whose embeddings have the greatest dot product with a vector of
    /// length 1, the nearest first.</summary>
    protected abstract IAsyncEnumerable<(string Path, double Similarity)> NearestAsync(
        float[] vector, int count, CancellationToken token);

    protected abstract Task<bool> ContainsAsync(string path, CancellationToken token);

    private static float[] Normalized(ReadOnlyMemory<float> vector)
    {
        float length = TensorPrimitives.Norm(vector.Span);
        var values = new float[vector.Length];
        TensorPrimitives.Divide(vector.Span, length > 0 ? length : 1, values);
        return values;
    }

    private sealed class ModelBuilder() : CollectionModelBuilder(
        new() { RequiresAtLeastOneVector = true, SupportsMultipleVectors = false })
    {
        protected override IReadOnlyList<EmbeddingGenerationDispatcher> EmbeddingGenerationDispatchers { get; } =
            [EmbeddingGenerationDispatcher.Create<Embedding<float>>()];

        protected override bool IsDataPropertyTypeValid(Type type, [NotNullWhen(false)] out string? supportedTypes)
        {
            supportedTypes = "none";
            return false;
        }

        protected override bool IsVectorPropertyTypeValid(Type type, [NotNullWhen(false)] out string? supportedTypes)
        {
            supportedTypes = "ReadOnlyMemory<float>, Embedding<float>";
            return type == typeof(ReadOnlyMemory<float>) || type == typeof(Embedding<float>);
        }
    }
}
