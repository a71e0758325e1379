using Microsoft.ML;
using Microsoft.ML.Data;

namespace MLNet.Ssl.Tests;

public sealed class PretrainedEstimatorTests : IDisposable
{
    private readonly TemporaryFolder _folder = new();
    private readonly MLContext _ml = new(seed: 1);

    public void Dispose() => _folder.Dispose();

    private string Path => _folder.File("encoder.safetensors");

    [Fact]
    public void AnEncoderThatWasSavedEmbedsAsItDid()
    {
        var ssl = _ml.SelfSupervised();
        var view = _ml.View(TestImages.Rows(10));
        using var trained = ssl.Pretrain(options: TestImages.Untrained).Fit(view);
        trained.SaveSafeTensors(Path);
        var log = new List<string>();
        _ml.Log += (_, e) => log.Add(e.Message);
        // No name of a column means what it means to Pretrain.
        using var loaded = ssl.LoadPretrained("Embedding", null, Path).Fit(view);
        Assert.Equal(("SimCLR", "Image"), (loaded.Encoder.Method, loaded.InputColumnName));
        Assert.Contains(log, line =>
            line.Contains("tensors matched") && line.Contains("missing: none") && line.Contains("ignored: none"));
        var (expected, actual) = (_ml.Embeddings(trained.Transform(view)), _ml.Embeddings(loaded.Transform(view)));
        for (int i = 0; i < 10; i++) Assert.Equal(expected[i].Embedding, actual[i].Embedding);
    }

    [Fact]
    public void ItChainsAndReadsNoRowToFit()
    {
        using (var trained = _ml.SelfSupervised().Pretrain(options: TestImages.Untrained)
            .Fit(_ml.View(TestImages.Rows(4)))) trained.SaveSafeTensors(Path);
        var rows = TestImages.Rows(6);
        var view = _ml.View(rows);
        var pipeline = _ml.Transforms.CopyColumns("Copy", "Number")
            .Append(_ml.SelfSupervised().LoadPretrained("Embedding", "Image", Path))
            .Append(_ml.Transforms.Concatenate("Features", "Embedding"));
        Assert.Contains(pipeline.GetOutputSchema(SchemaShapes.Of(view.Schema)), column => column.Name == "Features");
        using var model = pipeline.Fit(view);
        Assert.All(rows, row => Assert.Equal(0, row.Reads()));
        Assert.Equal(16, ((VectorDataViewType)model.Transform(view).Schema["Features"].Type).Size);
    }

    [Fact]
    public void WhatCannotWorkFailsBeforeFit()
    {
        var ssl = _ml.SelfSupervised();
        Assert.Throws<FileNotFoundException>(() => ssl.LoadPretrained("Embedding", "Image", _folder.File("none.pth")));
        File.WriteAllText(_folder.File("text.pth"), "weights, honestly");
        Assert.Contains("text.pth", Assert.Throws<InvalidDataException>(() =>
            ssl.LoadPretrained("Embedding", "Image", _folder.File("text.pth"))).Message);
        using (var trained = ssl.Pretrain(options: TestImages.Untrained).Fit(_ml.View(TestImages.Rows(4))))
            trained.SaveSafeTensors(Path);
        Assert.Throws<ArgumentOutOfRangeException>(() =>
            ssl.LoadPretrained("Embedding", "Image", Path, new() { Heads = 0 }));
        var view = _ml.View(TestImages.Rows(4));
        var estimator = ssl.LoadPretrained("Embedding", "Elsewhere", Path);
        Assert.Contains("'Elsewhere'", Assert.Throws<ArgumentOutOfRangeException>(() =>
            estimator.GetOutputSchema(SchemaShapes.Of(view.Schema))).Message);
        Assert.Contains("'Elsewhere'", Assert.Throws<ArgumentOutOfRangeException>(() => estimator.Fit(view)).Message);
    }

    [Fact]
    public void ATransformerThatIsDisposedIsNotSaved()
    {
        var trained = _ml.SelfSupervised().Pretrain(options: TestImages.Untrained).Fit(_ml.View(TestImages.Rows(4)));
        trained.Dispose();
        Assert.Throws<ObjectDisposedException>(() => trained.SaveSafeTensors(Path));
        Assert.Empty(Directory.GetFiles(_folder.Path));
    }
}
