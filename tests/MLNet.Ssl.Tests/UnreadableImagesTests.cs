using Microsoft.ML;

namespace MLNet.Ssl.Tests;

/// <summary>Files that cannot be read, among others, through LoadImages and through rows without an image.</summary>
public sealed class UnreadableImagesTests : IDisposable
{
    private readonly MLContext _ml = new(seed: 1);
    private readonly TemporaryFolder _folder = new();
    private readonly List<string> _log = [];
    private readonly IDataView _photos;
    private readonly string[] _good;

    private static readonly SimClrOptions Skipping =
        TestImages.Untrained with { OnUnreadableImage = OnUnreadableImage.Skip };

    public UnreadableImagesTests()
    {
        _ml.Log += (_, e) =>
        {
            if (e.Kind == Microsoft.ML.Runtime.ChannelMessageKind.Warning) lock (_log) _log.Add(e.RawMessage);
        };
        _good = [.. Enumerable.Range(0, 6).Select(i => _folder.File($"{i}.png"))];
        foreach (var (i, path) in _good.Index())
        {
            using var image = TestImages.Image(i);
            image.Save(path);
        }
        File.WriteAllText(_folder.File("text.jpg"), "no image");
        string[] paths = [_folder.File("text.jpg"), .. _good[..3], _folder.File("missing.png"), "", .. _good[3..]];
        var rows = _ml.Data.LoadFromEnumerable(
            paths.Select((path, i) => new Photo { Path = path, Label = i % 2 == 0 ? "a" : "b" }));
        _photos = _ml.Transforms.LoadImages("Image", imageFolder: null, "Path")
            .Append(_ml.Transforms.Conversion.MapValueToKey("Label")).Fit(rows).Transform(rows);
    }

    public void Dispose() => _folder.Dispose();

    private sealed class Photo
    {
        public string Path { get; set; } = "";

        public string Label { get; set; } = "";
    }

    private sealed class EmbeddedPhoto
    {
        public string Path { get; set; } = "";

        public float[] Embedding { get; set; } = [];
    }

    private EmbeddedPhoto[] Rows(IDataView view) =>
        [.. _ml.Data.CreateEnumerable<EmbeddedPhoto>(view, reuseRowObject: false, ignoreMissingColumns: true)];

    [Fact]
    public void FitThrowsAndNamesThePathOrLeavesOutAndCounts()
    {
        var ssl = _ml.SelfSupervised();
        string message = Assert.Throws<InvalidOperationException>(() =>
            ssl.Pretrain(options: TestImages.Untrained).Fit(_photos)).Message;
        Assert.Contains($"Column 'Image', row 0, '{_folder.File("text.jpg")}': the image cannot be read", message);
        Assert.Empty(_log);

        using var skipped = ssl.Pretrain(options: Skipping).Fit(_photos);
        Assert.Contains(_log, line =>
            line.Contains($"row 0, '{_folder.File("text.jpg")}'") && line.Contains("left out, 1 so far"));
        Assert.Contains(_log, line =>
            line.Contains($"row 4, '{_folder.File("missing.png")}'") && line.Contains("left out, 2 so far"));
        Assert.Contains(_log, line => line.Contains("row 5: there is no image. (left out, 3 so far)"));
        Assert.Contains("3 of 9 images could not be read and were left out.", _log);

        // What was learned from is what could be read, in its order: without an epoch, the fingerprint
        // of the weights alone would not tell.
        var trained = Skipping with { Epochs = 1, BatchSize = 3, Seed = 3 };
        using var ofAll = ssl.Pretrain(options: trained).Fit(_photos);
        var rows = _ml.Data.LoadFromEnumerable(_good.Select(path => new Photo { Path = path }));
        var good = _ml.Transforms.LoadImages("Image", imageFolder: null, "Path").Fit(rows).Transform(rows);
        using var ofGood = ssl.Pretrain(options: trained with { OnUnreadableImage = OnUnreadableImage.Throw })
            .Fit(good);
        Assert.Equal(Rows(ofGood.Transform(good)).Select(row => row.Embedding),
            Rows(ofAll.Transform(good)).Select(row => row.Embedding));
    }

    [Fact]
    public void TransformThrowsOrLeavesOutTheRow()
    {
        var ssl = _ml.SelfSupervised();
        using var transformer = ssl.Pretrain(options: Skipping).Fit(_photos);
        _log.Clear();
        var rows = Rows(transformer.Transform(_photos));
        Assert.Equal(_good, rows.Select(row => row.Path));
        Assert.Contains(_log, line => line.Contains("left out, 3 so far"));
        foreach (var (i, row) in rows.Index())
        {
            var expected = new float[16];
            ((ImageEncoder)transformer.Encoder)
                .Embed([new(TestImages.Rgb(i), TestImages.Size, TestImages.Size)], expected);
            TestImages.AssertClose(expected, row.Embedding);
        }

        // A prediction has no row to leave out.
        using var engine = _ml.Model.CreatePredictionEngine<ImageInput, EmbeddedRow>(transformer,
            new PredictionEngineOptions { OwnsTransformer = false });
        Assert.All(engine.Predict(new ImageInput()).Embedding, value => Assert.True(float.IsNaN(value)));

        ssl.Model.Save(transformer, _photos.Schema, _folder.File("model.zip"));
        using var loaded = (EmbeddingTransformer)ssl.Model.Load(_folder.File("model.zip"), out _);
        Assert.Contains("Column 'Image', row 0",
            Assert.Throws<InvalidOperationException>(() => Rows(loaded.Transform(_photos))).Message);
        loaded.OnUnreadableImage = OnUnreadableImage.Skip;
        Assert.Equal(_good, Rows(loaded.Transform(_photos)).Select(row => row.Path));
        Assert.Throws<ArgumentOutOfRangeException>(() => loaded.OnUnreadableImage = (OnUnreadableImage)9);
    }

    [Fact]
    public void AnImageThatThePreprocessingDoesNotTakeIsNamedOrLeftOut()
    {
        var ssl = _ml.SelfSupervised();
        using (var encoder = ssl.Pretrain(options: TestImages.Untrained).Fit(_ml.View(TestImages.Rows(2))))
            ((ImageEncoder)encoder.Encoder).SaveSafeTensors(_folder.File("w.safetensors"));
        var rows = _ml.View([new(0, TestImages.Image(0)), new(1, TestImages.Image(1, width: 9, height: 15))]);
        using var cropping = ssl.LoadPretrained("Embedding", "Image", _folder.File("w.safetensors"),
            new() { Preprocessing = new() { CropSize = TestImages.Size } }).Fit(rows);
        string message = Assert.Throws<InvalidOperationException>(() => Rows(cropping.Transform(rows))).Message;
        Assert.Contains("Column 'Image', row 1", message);
        Assert.Contains("smaller than CropSize", message);
        cropping.OnUnreadableImage = OnUnreadableImage.Skip;
        Assert.Single(Rows(cropping.Transform(rows)));
    }

    [Fact]
    public void TheIndexFollowsItsTransformer()
    {
        var ssl = _ml.SelfSupervised();
        using var transformer = ssl.Pretrain(options: Skipping).Fit(_photos);
        _log.Clear();
        string bomb = _folder.File("bomb.gif");
        File.WriteAllBytes(bomb, AttackImages.Gif44);
        Assert.Equal(_good, ssl.Index(transformer, [.. _good, bomb]).Keys);
        Assert.Contains(_log, line => line.Contains($"'{bomb}' cannot be read: it has 65535×65535 pixels"));
        Assert.Contains("1 of 7 images could not be read and were left out.", _log);
        var told = new List<string>();
        _ = ssl.Index(transformer, [.. _good, bomb], (path, _) => told.Add(path));
        Assert.Equal([bomb], told);
        transformer.OnUnreadableImage = OnUnreadableImage.Throw;
        Assert.Contains($"'{bomb}'",
            Assert.Throws<InvalidOperationException>(() => ssl.Index(transformer, [.. _good, bomb])).Message);
        Assert.Contains($"'{bomb}'",
            Assert.Throws<InvalidOperationException>(() => ssl.AttentionMaps(transformer, bomb)).Message);
    }

    [Fact]
    public void EvaluationAndFineTuningLeaveOutToo()
    {
        var ssl = _ml.SelfSupervised();
        var measured = ssl.Pretrain(options: Skipping with { Epochs = 1, BatchSize = 3 })
            .WithEvaluation(_photos, _photos, numberOfNeighbors: 1);
        using var encoder = measured.Fit(_photos);
        Assert.Equal(3, _log.Count(line => line.Contains("3 of 9 images")));
        Assert.Throws<InvalidOperationException>(() =>
            ssl.Pretrain(options: TestImages.Untrained).WithEvaluation(_photos, _photos).Fit(_photos));

        var tuning = new FineTuneOptions { Epochs = 1, BatchSize = 3, Threads = 1 };
        Assert.Contains("row 0, '", Assert.Throws<InvalidOperationException>(() =>
            ssl.FineTune("Predicted", "Image", "Label", encoder, tuning).Fit(_photos)).Message);
        tuning = tuning with { OnUnreadableImage = OnUnreadableImage.Skip };
        using var classifier = ssl.FineTune("Predicted", "Image", "Label", encoder, tuning).Fit(_photos);
        Assert.Equal(_good, Rows(classifier.Transform(_photos)).Select(row => row.Path));
        using var student = ssl.Distill("Predicted", "Image", null, classifier,
            new() { Epochs = 1, BatchSize = 3, OnUnreadableImage = OnUnreadableImage.Skip }).Fit(_photos);
        Assert.Equal(_good, Rows(student.Transform(_photos)).Select(row => row.Path));

        var none = _ml.Data.TakeRows(_photos, 1);
        Assert.Contains("None of the 1 images",
            Assert.Throws<InvalidOperationException>(() => ssl.Pretrain(options: Skipping).Fit(none)).Message);
    }
}
