using System.Diagnostics;
using Microsoft.Extensions.AI;
using Microsoft.Extensions.Caching.Distributed;
using Microsoft.Extensions.Caching.Memory;
using SkiaSharp;

namespace MLNet.Ssl.Tests;

/// <summary>Encoders as embedding generators of Microsoft.Extensions.AI.</summary>
public sealed class EmbeddingGeneratorTests : IDisposable
{
    private readonly EmbeddingTransformer _transformer;

    public EmbeddingGeneratorTests()
    {
        using var generator = new TorchSharp.torch.Generator(5, TorchSharp.torch.CPU);
        var backbone = TestImages.Untrained.Backbone!.Create(generator);
        _transformer =
            new(new ImageEncoder(backbone, ImagePreprocessing.For(16)) { Method = "SimCLR" }, "Embedding", "Image");
    }

    public void Dispose() => _transformer.Dispose();

    private static byte[] Png(int seed, int width = 20, int height = 24)
    {
        using var image = TestImages.Image(seed, width: width, height: height);
        using var picture = SKImage.FromPixelCopy(
            new SKImageInfo(width, height, SKColorType.Bgra8888, SKAlphaType.Opaque), image.Pixels.ToArray());
        return picture.Encode(SKEncodedImageFormat.Png, 100).ToArray();
    }

    private static DataContent Photo(int seed) => new(Png(seed), "image/png");

    private float[] Expected(int seed)
    {
        var values = new float[_transformer.Encoder.EmbeddingDimension];
        _transformer.ImageEncoder.Embed([RgbImages.Decode(Png(seed))], values);
        return values;
    }

    [Fact]
    public async Task ManyPhotosAreEmbeddedAsTheEncoderEmbedsThem()
    {
        using var generator = _transformer.AsEmbeddingGenerator();
        // More than a batch, and a memory that is part of an array.
        var padded = new byte[10 + Png(3).Length];
        Png(3).CopyTo(padded, 4);
        var photos = Enumerable.Range(0, 70).Select(Photo).Append(new(padded.AsMemory(4, Png(3).Length), "image/png"));
        var embeddings = await generator.GenerateAsync(photos);
        Assert.Equal(71, embeddings.Count);
        foreach (int i in new[] { 0, 1, 63, 64, 69 })
            TestImages.AssertClose(Expected(i), embeddings[i].Vector.ToArray());
        TestImages.AssertClose(Expected(3), embeddings[70].Vector.ToArray());
        Assert.All(embeddings, e => Assert.Equal("SimCLR-16", e.ModelId));
        Assert.True(embeddings.Select(e => e.Vector.Span[0]).Distinct().Count() > 60);
        Assert.Empty(await generator.GenerateAsync([]));
    }

    [Fact]
    public async Task MetadataAndEncoderAreServices()
    {
        using var generator = _transformer.AsEmbeddingGenerator("mine");
        var metadata = generator.GetService<EmbeddingGeneratorMetadata>()!;
        Assert.Equal(("MLNet.Ssl", "mine", 16),
            (metadata.ProviderName, metadata.DefaultModelId, metadata.DefaultModelDimensions));
        Assert.Same(_transformer, generator.GetService<EmbeddingTransformer>());
        Assert.Same(_transformer.Encoder, generator.GetService<ImageEncoder>());
        Assert.Same(generator, generator.GetService<IEmbeddingGenerator<DataContent, Embedding<float>>>());
        Assert.Null(generator.GetService(typeof(ImageEncoder), "key"));
        Assert.Null(generator.GetService(typeof(string)));
        Assert.Equal("mine", (await generator.GenerateAsync(Photo(1))).ModelId);
        Assert.Null(_transformer.ImageEncoder.AsEmbeddingGenerator().GetService<EmbeddingTransformer>());
        generator.Dispose();
        Assert.Equal(16, Expected(1).Length);
    }

    [Fact]
    public async Task ThreadsShareAGenerator()
    {
        using var generator = _transformer.AsEmbeddingGenerator();
        var expected = Enumerable.Range(0, 8).Select(Expected).ToArray();
        await Parallel.ForEachAsync(Enumerable.Range(0, 64), async (i, token) =>
            TestImages.AssertClose(expected[i % 8],
                (await generator.GenerateAsync(Photo(i % 8), cancellationToken: token)).Vector.ToArray()));
    }

    [Fact]
    public async Task ACancelledTokenStopsBeforeTheNextPhoto()
    {
        using var generator = _transformer.AsEmbeddingGenerator();
        using var cancellation = new CancellationTokenSource();
        int read = 0;
        IEnumerable<DataContent> Photos()
        {
            for (; ; read++)
            {
                if (read == 100) cancellation.Cancel();
                yield return Photo(read % 5);
            }
        }
        await Assert.ThrowsAnyAsync<OperationCanceledException>(() =>
            generator.GenerateAsync(Photos(), cancellationToken: cancellation.Token));
        Assert.Equal(100, read);
    }

    [Fact]
    public async Task WhatIsNoPhotoIsNamedByItsNumber()
    {
        using var generator = _transformer.AsEmbeddingGenerator();
        var text = await Assert.ThrowsAsync<ArgumentException>(() =>
            generator.GenerateAsync([Photo(1), new(new byte[] { 1 }, "text/plain")]));
        Assert.Contains("Value 1 is of the media type 'text/plain'", text.Message);
        var cut = await Assert.ThrowsAsync<InvalidDataException>(() =>
            generator.GenerateAsync([Photo(1), Photo(2), new(Png(3).AsMemory(0, 200), "image/png")]));
        Assert.StartsWith("Value 2 cannot be read: ", cut.Message);
        var other = await Assert.ThrowsAsync<ArgumentException>(() =>
            generator.GenerateAsync([Photo(1)], new() { Dimensions = 7 }));
        Assert.Contains("options.Dimensions is 7; the encoder gives embeddings of 16", other.Message);
        await Assert.ThrowsAsync<ArgumentNullException>(() => generator.GenerateAsync((IEnumerable<DataContent>)null!));
        await Assert.ThrowsAsync<ArgumentException>(() => generator.GenerateAsync([null!]));
    }

    private sealed class Counting(IEmbeddingGenerator<DataContent, Embedding<float>> inner)
        : DelegatingEmbeddingGenerator<DataContent, Embedding<float>>(inner)
    {
        public int Embedded { get; private set; }

        public override Task<GeneratedEmbeddings<Embedding<float>>> GenerateAsync(
            IEnumerable<DataContent> values, EmbeddingGenerationOptions? options = null,
            CancellationToken cancellationToken = default)
        {
            var photos = values.ToArray();
            Embedded += photos.Length;
            return base.GenerateAsync(photos, options, cancellationToken);
        }
    }

    [Fact]
    public async Task CachingAndTelemetryWrapIt()
    {
        const string Source = "generator of the tests";
        var activities = new List<Activity>();
        using var listener = new ActivityListener
        {
            ShouldListenTo = source => source.Name == Source,
            Sample = (ref ActivityCreationOptions<ActivityContext> _) => ActivitySamplingResult.AllData,
            ActivityStopped = activities.Add,
        };
        ActivitySource.AddActivityListener(listener);
        var counted = new Counting(_transformer.AsEmbeddingGenerator());
        using var generator = counted.AsBuilder()
            .UseDistributedCache(new MemoryDistributedCache(
                Microsoft.Extensions.Options.Options.Create(new MemoryDistributedCacheOptions())))
            .UseOpenTelemetry(sourceName: Source).Build();
        var first = await generator.GenerateAsync([Photo(1), Photo(2)]);
        var second = await generator.GenerateAsync([Photo(2), Photo(3), Photo(1)]);
        Assert.Equal(3, counted.Embedded);
        TestImages.AssertClose(first[0].Vector.ToArray(), second[2].Vector.ToArray(), 0);
        TestImages.AssertClose(Expected(3), second[1].Vector.ToArray());
        Assert.Equal("SimCLR-16", generator.GetService<EmbeddingGeneratorMetadata>()!.DefaultModelId);
        Assert.Contains(activities, activity => Equals(activity.GetTagItem("gen_ai.request.model"), "SimCLR-16"));
    }
}
