using Microsoft.ML;
using Microsoft.ML.Data;

namespace MLNet.Ssl.Tests;

public sealed class EmbeddingTransformerTests : IDisposable
{
    private const int Count = 150;

    private readonly MLContext _ml = new(seed: 1);
    private readonly ImageRow[] _rows = TestImages.Rows(Count);
    private readonly IDataView _view;
    private readonly EmbeddingTransformer _transformer;

    public EmbeddingTransformerTests()
    {
        _view = _ml.View(_rows);
        _transformer = _ml.SelfSupervised().Pretrain(options: TestImages.Untrained).Fit(_ml.View(TestImages.Rows(4)));
    }

    public void Dispose() => _transformer.Dispose();

    [Fact]
    public void EveryRowGetsTheEmbeddingOfItsImage()
    {
        var embedded = _ml.Embeddings(_transformer.Transform(_view));
        Assert.Equal(Enumerable.Range(0, Count), embedded.Select(row => row.Number));
        var alone = new float[16];
        foreach (var row in embedded)
        {
            ((ImageEncoder)_transformer.Encoder)
                .Embed([new(TestImages.Rgb(row.Number), TestImages.Size, TestImages.Size)], alone);
            TestImages.AssertClose(alone, row.Embedding);
        }
        Assert.All(_rows, row => Assert.Equal(1, row.Reads()));
    }

    [Fact]
    public void ImagesPassThroughBesideTheirEmbedding()
    {
        var view = _transformer.Transform(_view);
        using var cursor = view.GetRowCursor(view.Schema);
        var image = cursor.GetGetter<MLImage>(view.Schema["Image"]);
        var number = cursor.GetGetter<int>(view.Schema["Number"]);
        var embedding = cursor.GetGetter<VBuffer<float>>(view.Schema["Embedding"]);
        int seen = 0;
        var (n, pixels, e) = (0, default(MLImage), default(VBuffer<float>));
        for (; cursor.MoveNext(); seen++)
        {
            embedding(ref e);
            image(ref pixels!);
            number(ref n);
            Assert.Equal(seen, n);
            Assert.Equal(TestImages.Image(n).Pixels.ToArray(), pixels!.Pixels.ToArray());
        }
        Assert.Equal(Count, seen);
    }

    [Fact]
    public void ImagesLoadedFromFilesAreEmbeddedBesideTheirPaths()
    {
        using var folder = new TemporaryFolder();
        var names = Enumerable.Range(0, 70).Select(i => $"{i}.png").ToArray();
        for (int i = 0; i < names.Length; i++) TestImages.Image(i).Save(folder.File(names[i]));
        var paths = _ml.Data.LoadFromEnumerable(names.Select((name, i) => new { Number = i, Label = name }));
        var loaded = _transformer.Transform(_ml.Transforms.LoadImages("Image", folder.Path, "Label").Fit(paths)
            .Transform(paths));
        var expected = _ml.Embeddings(_transformer.Transform(_view));
        var rows = _ml.Embeddings(loaded);
        Assert.Equal(names, rows.Select(row => row.Label));
        Assert.All(rows, row => TestImages.AssertClose(expected[row.Number].Embedding, row.Embedding));
    }

    [Fact]
    public void ImagesOfManySizesAreEmbeddedTogether()
    {
        (int Width, int Height)[] sizes = [(16, 16), (40, 23), (17, 90), (5, 8)];
        var rows =
            sizes.Select((size, i) => new ImageRow(i, TestImages.Image(i, width: size.Width, height: size.Height)));
        var alone = new float[16];
        foreach (var row in _ml.Embeddings(_transformer.Transform(_ml.View(rows))))
        {
            var (width, height) = sizes[row.Number];
            ((ImageEncoder)_transformer.Encoder)
                .Embed([new(TestImages.Rgb(row.Number, width, height), width, height)], alone);
            TestImages.AssertClose(alone, row.Embedding);
        }
    }

    [Fact]
    public void ThePredictionEngineGivesTheCursorsValues()
    {
        var embedded = _ml.Embeddings(_transformer.Transform(_view));
        using var engine = _ml.Model.CreatePredictionEngine<ImageInput, EmbeddedRow>(_transformer,
            new PredictionEngineOptions { OwnsTransformer = false });
        foreach (var row in embedded)
            TestImages.AssertClose(row.Embedding,
                engine.Predict(new() { Image = TestImages.Image(row.Number) }).Embedding);
    }

    [Fact]
    public async Task ManyEnginesShareOneTransformer()
    {
        var embedded = _ml.Embeddings(_transformer.Transform(_view));
        await Task.WhenAll(Enumerable.Range(0, 6).Select(worker => Task.Run(() =>
        {
            var engine = _ml.Model.CreatePredictionEngine<ImageInput, EmbeddedRow>(_transformer,
                new PredictionEngineOptions { OwnsTransformer = false });
            for (int i = worker; i < Count; i += 6)
                TestImages.AssertClose(embedded[i].Embedding,
                    engine.Predict(new() { Image = TestImages.Image(i) }).Embedding);
        })));
    }

    [Fact]
    public async Task ManyCursorsShareOneTransformer()
    {
        var view = _transformer.Transform(_view);
        var expected = _ml.Embeddings(view).Select(row => row.Embedding).ToArray();
        await Task.WhenAll(Enumerable.Range(0, 4).Select(_ => Task.Run(() =>
            Assert.Equal(expected, _ml.Embeddings(view).Select(row => row.Embedding)))));
    }

    [Fact]
    public void AnEngineDisposesOfItsTransformerUnlessToldNotTo()
    {
        var transformer = _ml.SelfSupervised().Pretrain(options: TestImages.Untrained)
            .Fit(_ml.View(TestImages.Rows(4)));
        _ml.Model.CreatePredictionEngine<ImageInput, EmbeddedRow>(transformer,
            new PredictionEngineOptions { OwnsTransformer = false }).Dispose();
        Assert.Equal(Count, _ml.Embeddings(transformer.Transform(_view)).Length);
        _ml.Model.CreatePredictionEngine<ImageInput, EmbeddedRow>(transformer).Dispose();
        Assert.Throws<ObjectDisposedException>(() => _ml.Embeddings(transformer.Transform(_view)));
    }

    [Fact]
    public void AChainDisposesOfTheTransformerInIt()
    {
        var chain = _ml.Transforms.CopyColumns("Copy", "Number")
            .Append(_ml.SelfSupervised().Pretrain(options: TestImages.Untrained)).Fit(_view);
        Assert.Equal(Count, _ml.Embeddings(chain.Transform(_view)).Length);
        chain.Dispose();
        Assert.Throws<ObjectDisposedException>(() => _ml.Embeddings(chain.Transform(_view)));
    }

    [Fact]
    public void AnImageThatCannotBeReadFailsInItsTurn()
    {
        var rows = TestImages.Rows(100);
        rows[70] = new(70, null);
        int seen = 0;
        var error = Assert.Throws<InvalidOperationException>(() =>
        {
            foreach (var _ in _ml.Data.CreateEnumerable<EmbeddedRow>(_transformer.Transform(_ml.View(rows)),
                reuseRowObject: true)) seen++;
        });
        Assert.Equal(70, seen);
        Assert.Contains("'Image', row 70", error.Message);
    }

    [Fact]
    public void EmbeddingsCachedInAPipelineAreComputedOnce()
    {
        var pipeline = new EstimatorChain<ITransformer>()
            .Append(_ml.SelfSupervised().Pretrain(options: TestImages.Untrained))
            .AppendCacheCheckpoint(_ml)
            .Append(_ml.Transforms.NormalizeMeanVariance("Embedding"))
            .Append(_ml.Transforms.Conversion.MapValueToKey("Key", "Label"))
            .Append(_ml.MulticlassClassification.Trainers.LbfgsMaximumEntropy("Key", "Embedding"));
        using var model = pipeline.Fit(_view);
        // Once to pretrain, once to embed.
        Assert.All(_rows, row => Assert.Equal(2, row.Reads()));
        Assert.Equal(Count, _ml.Embeddings(model.Transform(_view)).Length);
    }
}
