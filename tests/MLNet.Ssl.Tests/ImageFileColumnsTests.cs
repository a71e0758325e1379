using Microsoft.ML;
using Microsoft.ML.Data;

namespace MLNet.Ssl.Tests;

/// <summary>Columns of paths and of bytes of image files, where images are wanted.</summary>
public sealed class ImageFileColumnsTests : IDisposable
{
    private readonly MLContext _ml = new(seed: 1);
    private readonly TemporaryFolder _folder = new();
    private readonly List<string> _log = [];

    public ImageFileColumnsTests() => _ml.Log += (_, e) =>
    {
        // Small sets are told of, and meant.
        if (e.Kind == Microsoft.ML.Runtime.ChannelMessageKind.Warning
            && !e.RawMessage.StartsWith("There are", StringComparison.Ordinal))
            lock (_log) _log.Add(e.RawMessage);
    };

    public void Dispose() => _folder.Dispose();

    private sealed class Photo
    {
        public string Path { get; set; } = "";

        public string Label { get; set; } = "";

        public byte[] Bytes { get; set; } = [];
    }

    private sealed class EmbeddedPhoto
    {
        public string Path { get; set; } = "";

        public float[] Embedding { get; set; } = [];
    }

    private sealed class Predicted
    {
        public string Path { get; set; } = "";

        public float[] Score { get; set; } = [];
    }

    private static readonly SimClrOptions Small = new()
    {
        Epochs = 2,
        BatchSize = 4,
        ImageSize = 48,
        Threads = 1,
        Seed = 3,
        Backbone = new ResNetOptions { BlocksPerStage = [1, 1], Width = 8, Stem = ResNetStem.Small },
    };

    /// <summary>Photos of several sizes, some of which are shrunk.</summary>
    private static string[] Photos(int count) =>
        [.. Directory.GetFiles(RealData.Path("photos"), "*.jpg", SearchOption.AllDirectories).Order()
            .Where((_, i) => i % 5 == 0).Take(count)];

    /// <summary>Rows with the paths, the bytes and the images of files.</summary>
    private IDataView View(IEnumerable<string> paths, bool decoded = false)
    {
        var rows = _ml.Data.LoadFromEnumerable(paths.Select((path, i) => new Photo
        {
            Path = path,
            Label = i % 2 == 0 ? "a" : "b",
            Bytes = File.Exists(path) ? File.ReadAllBytes(path) : [],
        }));
        var keyed = _ml.Transforms.Conversion.MapValueToKey("Label").Fit(rows).Transform(rows);
        return decoded ? _ml.Transforms.LoadImages("Image", imageFolder: null, "Path").Fit(keyed).Transform(keyed)
            : keyed;
    }

    private float[][] Embeddings(IDataView view) =>
        [.. _ml.Data.CreateEnumerable<EmbeddedPhoto>(view, reuseRowObject: false, ignoreMissingColumns: true)
            .Select(row => row.Embedding)];

    [Fact]
    public void TheSamePhotosTrainTheSameEncoderAsPathsAsBytesAndAsImages()
    {
        var ssl = _ml.SelfSupervised();
        var view = View(Photos(11), decoded: true);
        float[][]? expected = null;
        foreach (string column in new[] { "Image", "Path", "Bytes" })
        {
            using var encoder = ssl.Pretrain("Embedding", column, Small).Fit(view);
            var embedded = Embeddings(encoder.Transform(view));
            expected ??= embedded;
            Assert.Equal(expected, embedded);
            Assert.Equal(11, embedded.Select(e => e[0]).Distinct().Count());
        }
        Assert.Empty(_log);
    }

    [Fact]
    public void EverythingThatTakesImagesTakesTheirFiles()
    {
        var ssl = _ml.SelfSupervised();
        var view = View(Photos(8), decoded: true);
        var report = new PretrainReport();
        var untrained = Small with { Epochs = 1, Progress = report };
        var results = new List<object>();
        foreach (string column in new[] { "Image", "Path", "Bytes" })
        {
            using var encoder = ssl.Pretrain("Embedding", column, untrained)
                .WithEvaluation(view, view, numberOfNeighbors: 1).Fit(view);
            report.Write(_folder.File("report.html"), encoder, view, "Label");
            encoder.SaveSafeTensors(_folder.File("weights.safetensors"));
            using var loaded = ssl.LoadPretrained("Embedding", column, _folder.File("weights.safetensors")).Fit(view);
            var tuning = new FineTuneOptions { Epochs = 1, BatchSize = 4, Threads = 1, Seed = 2 };
            using var classifier = ssl.FineTune("Predicted", column, "Label", encoder, tuning).Fit(view);
            using var student = ssl.Distill("Predicted", column, null, classifier,
                new() { Epochs = 1, BatchSize = 4, Threads = 1, Seed = 2 }).Fit(view);
            results.Add((object[])
            [
                Embeddings(loaded.Transform(view)), classifier.Transform(view).GetColumn<float[]>("Score").ToArray(),
                student.Transform(view).GetColumn<float[]>("Score").ToArray(), PageOf(_folder.File("report.html")),
            ]);
        }
        Assert.Equal(results[0], results[1]);
        Assert.Equal(results[0], results[2]);
    }

    /// <summary>The parts of a report that depend on the images.</summary>
    private static string[] PageOf(string path) =>
        [.. File.ReadAllText(path).Split('"').Where(part => part.StartsWith("data:image", StringComparison.Ordinal))];

    [Fact]
    public void APredictionTakesAPath()
    {
        var ssl = _ml.SelfSupervised();
        string[] photos = Photos(6);
        var view = View(photos);
        using var encoder = ssl.Pretrain("Embedding", "Path", Small with { Epochs = 0 }).Fit(view);
        using var engine = _ml.Model.CreatePredictionEngine<Photo, EmbeddedPhoto>(encoder,
            new PredictionEngineOptions { OwnsTransformer = false });
        foreach (var (path, expected) in photos.Zip(Embeddings(encoder.Transform(view))))
            TestImages.AssertClose(expected, engine.Predict(new() { Path = path }).Embedding);
        Assert.Contains("'none.jpg'",
            Assert.Throws<InvalidOperationException>(() => engine.Predict(new() { Path = "none.jpg" })).Message);
        var index = ssl.Index(encoder, photos);
        Assert.Equal(Embeddings(encoder.Transform(view)).Length, index.Count);
        Assert.Equal(photos[2], index.Search(encoder, photos[2], 1)[0].Key);
    }

    [Fact]
    public void AFileThatIsNoImageIsNamedOrLeftOutAndCounted()
    {
        var ssl = _ml.SelfSupervised();
        string[] good = Photos(9);
        File.WriteAllText(_folder.File("text.jpg"), "no image");
        File.WriteAllBytes(_folder.File("bomb.gif"), AttackImages.Gif44);
        File.WriteAllBytes(_folder.File("early.jpg"), File.ReadAllBytes(good[0])[..5000]);
        string[] paths = [good[0], _folder.File("text.jpg"), .. good[1..4], _folder.File("missing.png"), "",
            _folder.File("bomb.gif"), _folder.File("early.jpg"), .. good[4..]];
        foreach (string column in new[] { "Path", "Bytes" })
        {
            string message = Assert.Throws<InvalidOperationException>(() =>
                ssl.Pretrain("Embedding", column, Small).Fit(View(paths))).Message;
            Assert.Contains($"Column '{column}', row 1, '{_folder.File("text.jpg")}': the image cannot be read: it is "
                + "no image", message);
            using var untrained = ssl.Pretrain("Embedding", column, Small with { Epochs = 0 }).Fit(View(good));
            Assert.Contains($"Column '{column}', row 1, '{_folder.File("text.jpg")}'",
                Assert.Throws<InvalidOperationException>(() => Embeddings(untrained.Transform(View(paths)))).Message);
            Assert.Empty(_log);

            using var ofGood = ssl.Pretrain("Embedding", column, Small).Fit(View(good));
            using var ofAll = ssl.Pretrain("Embedding", column,
                Small with { OnUnreadableImage = OnUnreadableImage.Skip }).Fit(View(paths));
            Assert.Contains(_log, line => line.Contains("row 5, ") && line.Contains("left out, "));
            Assert.Contains("5 of 14 images could not be read and were left out.", _log);
            Assert.Equal(Embeddings(ofGood.Transform(View(good))), Embeddings(ofAll.Transform(View(paths))));
            _log.Clear();
        }
    }

    [Fact]
    public void AFileThatTurnsOutToBeDamagedIsNamedOrAnotherTakesItsPlace()
    {
        // Too long to be read when the beginnings are looked at.
        string path = _folder.File("early.jpg");
        var bytes = File.ReadAllBytes(RealData.Path("photos-awkward/exif-orientation-6.jpg"));
        File.WriteAllBytes(path, bytes[..200_000]);
        string[] photos = [.. Photos(7), path];
        var estimator = (OnUnreadableImage choice) =>
            _ml.SelfSupervised().Pretrain("Embedding", "Path", Small with { OnUnreadableImage = choice });
        string message = Assert.Throws<InvalidOperationException>(() =>
            estimator(OnUnreadableImage.Throw).Fit(View(photos))).Message;
        Assert.Contains($"Column 'Path', row 7, '{path}': the image cannot be read: the JPEG file ends early", message);
        using var encoder = estimator(OnUnreadableImage.Skip).Fit(View(photos));
        Assert.Contains(_log, line => line.Contains($"'{path}'")
            && line.EndsWith("(the next one takes its place, 1 so far)", StringComparison.Ordinal));
        Assert.Contains("1 of 8 images turned out to be damaged; others took their places.", _log);
        // The next one after the last is the first.
        using var twice = estimator(OnUnreadableImage.Throw).Fit(View([.. photos[..7], photos[0]]));
        Assert.Equal(Embeddings(twice.Transform(View(photos[..7]))), Embeddings(encoder.Transform(View(photos))));
    }

    [Fact]
    public void ARunFromPathsIsResumedToTheSameBits()
    {
        var options = Small with
        {
            Epochs = 4,
            CheckpointFolder = _folder.File("run"),
            CheckpointEvery = CheckpointInterval.Steps(1)
        };
        var ssl = _ml.SelfSupervised();
        var view = View(Photos(9));
        using var whole = ssl.Pretrain("Embedding", "Path", Small with { Epochs = 4 }).Fit(view);
        using var stop = new CancellationTokenSource();
        int seen = 0;
        var progress = new Collect(_ =>
        {
            if (++seen == 1) stop.Cancel();
        });
        Assert.ThrowsAny<OperationCanceledException>(() => ssl.Pretrain("Embedding", "Path",
            options with { CancellationToken = stop.Token, Progress = progress }).Fit(view));
        using var resumed = ssl.Pretrain("Embedding", "Path", options with { Resume = true }).Fit(view);
        Assert.Equal(Embeddings(whole.Transform(view)), Embeddings(resumed.Transform(view)));
        string message = Assert.Throws<ArgumentException>(() =>
            ssl.Pretrain("Embedding", "Path", options with { Resume = true }).Fit(View(Photos(10)[1..]))).Message;
        Assert.Contains("Fingerprint of the data", message);
    }

    [Fact]
    public void ACacheGivesTheSameBitsAndSparesTheDecoding()
    {
        var ssl = _ml.SelfSupervised();
        // Copies, which can be spoiled without a sign that they are.
        string[] photos = [.. Photos(9).Select((path, i) => _folder.File($"{i}.jpg"))];
        foreach (var (source, copy) in Photos(9).Zip(photos)) File.Copy(source, copy);
        using var expected = ssl.Pretrain("Embedding", "Path", Small).Fit(View(photos));
        var embeddings = Embeddings(expected.Transform(View(photos)));
        var cached = Small with { ImageCache = new(_folder.File("cache")) };
        var told = new List<string>();
        _ml.Log += (_, e) =>
        {
            if (e.RawMessage.StartsWith("Image cache", StringComparison.Ordinal)) told.Add(e.RawMessage);
        };
        foreach (string column in new[] { "Path", "Bytes" })
        {
            using var first = ssl.Pretrain("Embedding", column, cached).Fit(View(photos));
            Assert.Equal(embeddings, Embeddings(first.Transform(View(photos))));
        }
        // 16 of 18 places are rows of a whole batch.
        Assert.Equal(2, told.Count);
        var view = View(photos);
        var weights = Saved(expected);
        foreach (string path in photos)
        {
            var (bytes, time) = (File.ReadAllBytes(path), File.GetLastWriteTimeUtc(path));
            // The headers stay; what would be decoded does not.
            bytes.AsSpan(bytes.Length / 2).Fill(0x55);
            (bytes[^2], bytes[^1]) = (0xFF, 0xD9);
            File.WriteAllBytes(path, bytes);
            File.SetLastWriteTimeUtc(path, time);
        }
        using var second = ssl.Pretrain("Embedding", "Path", cached).Fit(view);
        Assert.Equal(weights, Saved(second));
        using var spoiled = ssl.Pretrain("Embedding", "Path", Small).Fit(view);
        Assert.NotEqual(weights, Saved(spoiled));
    }

    private byte[] Saved(EmbeddingTransformer encoder)
    {
        encoder.SaveSafeTensors(_folder.File("saved.safetensors"));
        return File.ReadAllBytes(_folder.File("saved.safetensors"));
    }

    [Fact]
    public void WhatMemoryHasNoRoomForGoesToDisk()
    {
        var ssl = _ml.SelfSupervised();
        var view = View(Photos(9), decoded: true);
        using var expected = ssl.Pretrain("Embedding", "Image", Small).Fit(view);
        foreach (string column in new[] { "Image", "Bytes" })
            foreach (var cache in new[] { null, new ImageCache(_folder.File("spill")) })
            {
                _log.Clear();
                using var spilled = ssl.Pretrain("Embedding", column,
                    Small with { MaxImageMemory = 1000, ImageCache = cache }).Fit(view);
                Assert.Equal(Saved(expected), Saved(spilled));
                string line = Assert.Single(_log, line => line.Contains("MaxImageMemory"));
                string folder = line[(line.IndexOf('\'', line.IndexOf("folder")) + 1)..line.LastIndexOf('\'')];
                Assert.Equal(cache is not null, Directory.Exists(folder));
            }
        Assert.Contains("MaxImageMemory is 0", Assert.Throws<ArgumentOutOfRangeException>(() =>
            ssl.Pretrain("Embedding", "Image", Small with { MaxImageMemory = 0 }).Fit(view)).Message);
        Assert.Contains("ImageCache.MaxBytes is 7", Assert.Throws<ArgumentOutOfRangeException>(() => ssl.Pretrain(
            "Embedding", "Path", Small with { ImageCache = new("x") { MaxBytes = 7 } }).Fit(view)).Message);
        Assert.Contains("MaxShorterSide is 0", Assert.Throws<ArgumentOutOfRangeException>(() =>
            ssl.Pretrain("Embedding", "Path", Small with { MaxShorterSide = 0 }).Fit(view)).Message);
    }

    [Fact]
    public void OrientationsAreAppliedAsExifDefinesThem()
    {
        // 3×2 pixels, named by their first channel.
        byte[] pixels = [.. Enumerable.Range(1, 6).SelectMany(n => (byte[])[(byte)n, 0, 0])];
        var image = new RgbImage(pixels, 3, 2);
        int[][] expected =
        [
            [1, 2, 3, 4, 5, 6], [3, 2, 1, 6, 5, 4], [6, 5, 4, 3, 2, 1], [4, 5, 6, 1, 2, 3],
            [1, 4, 2, 5, 3, 6], [4, 1, 5, 2, 6, 3], [6, 3, 5, 2, 4, 1], [3, 6, 2, 5, 1, 4],
        ];
        for (int orientation = 1; orientation <= 8; orientation++)
        {
            var shown = Orientation.Apply(image, orientation, new PixelBuffer());
            Assert.Equal(orientation < 5 ? (3, 2) : (2, 3), (shown.Width, shown.Height));
            Assert.Equal(expected[orientation - 1],
                shown.Pixels.ToArray().Where((_, i) => i % 3 == 0).Select(v => (int)v));
        }
    }

    [Fact]
    public void PhotosAreTurnedWhereThatIsAskedFor()
    {
        string turned = RealData.Path("photos-awkward/exif-orientation-6.jpg"),
            small = RealData.Path("photos-awkward/exif-orientation-3-small.jpg");
        Assert.Equal((6, 1200, 1800), (RgbImages.ReadHeader(File.ReadAllBytes(turned)).Orientation,
            RgbImages.Load(turned).Width, RgbImages.Load(turned).Height));
        var upright = RgbImages.Load(turned, applyExifOrientation: true);
        Assert.Equal((1800, 1200), (upright.Width, upright.Height));
        upright.Save(_folder.File("upright.png"));
        RgbImages.Load(small, applyExifOrientation: true).Save(_folder.File("small.png"));
        string[] photos = [.. Photos(6), turned, small],
            shown = [.. photos[..6], _folder.File("upright.png"), _folder.File("small.png")];

        var ssl = _ml.SelfSupervised();
        var applied = Small with { ApplyExifOrientation = true, MaxShorterSide = 700 };
        using var stored = ssl.Pretrain("Embedding", "Path", applied with { ApplyExifOrientation = false })
            .Fit(View(photos));
        Assert.Contains("2 of 8 images of column 'Path' are stored turned or mirrored", Assert.Single(_log));
        _log.Clear();
        foreach (string column in new[] { "Path", "Bytes" })
        {
            using var encoder = ssl.Pretrain("Embedding", column, applied).Fit(View(photos));
            using var expected = ssl.Pretrain("Embedding", column, applied).Fit(View(shown));
            Assert.Equal(Embeddings(expected.Transform(View(shown))), Embeddings(encoder.Transform(View(photos))));
            Assert.NotEqual(Embeddings(stored.Transform(View(photos)))[6],
                Embeddings(encoder.Transform(View(photos)))[6]);
            ssl.Model.Save(encoder, null, _folder.File("model.zip"));
            using var loaded = (EmbeddingTransformer)ssl.Model.Load(_folder.File("model.zip"), out _);
            Assert.True(loaded.ApplyExifOrientation);
            Assert.Equal(Embeddings(encoder.Transform(View(photos))), Embeddings(loaded.Transform(View(photos))));
            Assert.Equal("small.png", Path.GetFileName(ssl.Index(encoder, shown).Search(encoder, small, 1)[0].Key));
        }
        Assert.Empty(_log);
    }

    [Fact]
    public void ALargeJpegIsDecodedAtAFractionThatShrinksToTheSame()
    {
        var file = new EncodedImage(RealData.Path("photos-awkward/exif-orientation-6.jpg"), null);
        PixelBuffer whole = new(), part = new();
        var expected = whole.Shrink(file.Decode(whole, upright: false), 256);
        var decoded = Fraction(256);
        Assert.Equal((600, 900), (decoded.Width, decoded.Height));
        var actual = part.Shrink(decoded, 256);
        Assert.Equal((expected.Width, expected.Height), (actual.Width, actual.Height));
        double difference = expected.Pixels.ToArray().Zip(actual.Pixels.ToArray(), (a, b) => Math.Abs(a - b)).Average();
        TestContext.Current.TestOutputHelper!.WriteLine($"{difference:0.000} levels");
        Assert.InRange(difference, 0, 1);
        // Twice the side must be left.
        Assert.Equal(1200, Fraction(301).Width);

        RgbImage Fraction(int shorterSide) =>
            ImageDecoder.Decode(file.Read(part), RgbImages.MaxPixels, part, upright: false, shorterSide);
    }
}
