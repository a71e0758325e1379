using Microsoft.ML;
using Microsoft.ML.Data;
using Microsoft.ML.Runtime;

namespace MLNet.Ssl.Tests;

public sealed class PretrainingEstimatorTests
{
    private readonly MLContext _ml = new(seed: 1);

    private PretrainingEstimator Estimator(string input = "Image", SimClrOptions? options = null) =>
        _ml.SelfSupervised().Pretrain("Embedding", input, options ?? TestImages.Untrained);

    private sealed class Wrong
    {
        public string Text { get; set; } = "";

        [KeyType(3)]
        public uint Key { get; set; }

        public float Number { get; set; }

        public float[] Variable { get; set; } = [];

        [VectorType(2, 2, 2)]
        public float[] TwoChannels { get; set; } = new float[8];

        [VectorType(3, 2, 2)]
        public byte[] Bytes { get; set; } = new byte[12];
    }

    [Theory]
    [InlineData("Key", "Key<UInt32", "no labels")]
    [InlineData("Number", "Single")]
    [InlineData("Variable", "Vector<Single")]
    [InlineData("TwoChannels", "Vector<Single, 2, 2, 2>")]
    [InlineData("Bytes", "Vector<Byte")]
    [InlineData("Nothing", "'Text'")]
    public void AColumnWithoutImagesIsRefusedByNameAndType(string column, params string[] parts)
    {
        var error = Assert.Throws<ArgumentOutOfRangeException>(() =>
            Estimator(column).Fit(_ml.Data.LoadFromEnumerable(new[] { new Wrong() })));
        Assert.Equal("inputSchema", error.ParamName);
        Assert.All(parts.Append($"'{column}'"), part => Assert.Contains(part, error.Message));
    }

    [Theory]
    [InlineData("Key")]
    [InlineData("Number")]
    [InlineData("Variable")]
    [InlineData("Bytes")]
    [InlineData("Nothing")]
    public void APipelineRefusesAWrongColumnBeforeItReadsARow(string column)
    {
        var rows = Enumerable.Range(0, 3)
            .Select<int, Wrong>(_ => throw new InvalidOperationException("a row was read"));
        var pipeline = _ml.Transforms.CopyColumns("Copy", "Number").Append(Estimator(column));
        var error = Assert.Throws<ArgumentOutOfRangeException>(() => pipeline.Fit(_ml.Data.LoadFromEnumerable(rows)));
        Assert.Contains($"'{column}'", error.Message);
    }

    [Fact]
    public void TheOutputIsAVectorOfTheEncodersWidth()
    {
        var view = _ml.View(TestImages.Rows(4));
        var shape = SchemaShapes.Of(view.Schema);
        var output = Assert.Single(Estimator().GetOutputSchema(shape), c => c.Name == "Embedding");
        Assert.Equal((SchemaShape.Column.VectorKind.Vector, NumberDataViewType.Single, false),
            (output.Kind, output.ItemType, output.IsKey));
        using var transformer = Estimator().Fit(view);
        var schema = transformer.GetOutputSchema(view.Schema);
        Assert.Equal(new VectorDataViewType(NumberDataViewType.Single, 16), schema["Embedding"].Type);
        Assert.Equal(["Number", "Label", "Image", "Embedding"], schema.Select(c => c.Name));
    }

    [Fact]
    public void AnOutputOfTheInputsNameTakesItsPlace()
    {
        var view = _ml.View(TestImages.Rows(4));
        var estimator = _ml.SelfSupervised().SimClr("Image", null, TestImages.Untrained);
        var column = Assert.Single(estimator.GetOutputSchema(SchemaShapes.Of(view.Schema)), c => c.Name == "Image");
        Assert.Equal(SchemaShape.Column.VectorKind.Vector, column.Kind);
        using var transformer = estimator.Fit(view);
        Assert.Equal(4,
            transformer.Transform(view).GetColumn<float[]>("Image").Count(embedding => embedding.Length == 16));
    }

    [Fact]
    public void FittingReadsEveryImageOnce()
    {
        var rows = TestImages.Rows(5);
        Estimator().Fit(_ml.View(rows)).Dispose();
        Assert.All(rows, row => Assert.Equal(1, row.Reads()));
    }

    [Fact]
    public void NoRowsAreRefused() =>
        Assert.Contains("'Image'",
            Assert.Throws<InvalidOperationException>(() => Estimator().Fit(_ml.View([]))).Message);

    [Fact]
    public void ABatchLargerThanTheDataIsRefused()
    {
        var options = TestImages.Untrained with { BatchSize = 10 };
        Assert.Contains("BatchSize", Assert.ThrowsAny<ArgumentException>(() =>
            Estimator(options: options).Fit(_ml.View(TestImages.Rows(4)))).Message);
    }

    [Fact]
    public void AMissingImageIsNamedByRow()
    {
        ImageRow[] rows = [.. TestImages.Rows(2), new(2, null)];
        Assert.Contains("'Image', row 2",
            Assert.Throws<InvalidOperationException>(() => Estimator().Fit(_ml.View(rows))).Message);
    }

    [Fact]
    public void AnImageThatCannotBeReadIsNamedByRowAndReason()
    {
        using var folder = new TemporaryFolder();
        TestImages.Image(1).Save(folder.File("good.png"));
        File.WriteAllText(folder.File("broken.png"), "this is no image");
        var paths = _ml.Data.LoadFromEnumerable(new[] { new { Path = "good.png" }, new { Path = "broken.png" } });
        var pipeline = _ml.Transforms.LoadImages("Image", folder.Path, "Path").Append(Estimator());
        var error = Assert.Throws<InvalidOperationException>(() => pipeline.Fit(paths));
        Assert.Contains("'Image', row 1", error.Message);
        Assert.Contains(error.InnerException!.Message, error.Message);
    }

    private sealed class PixelRow
    {
        [VectorType(3, 16, 16)]
        public float[] Planar { get; set; } = [];

        [VectorType(16, 16, 3)]
        public float[] Interleaved { get; set; } = [];
    }

    private static PixelRow Pixels(int seed)
    {
        var rgb = TestImages.Rgb(seed);
        return new()
        {
            Interleaved = [.. rgb.Select(v => (float)v)],
            Planar = [.. Enumerable.Range(0, 3).SelectMany(c => rgb.Where((_, i) => i % 3 == c)).Select(v => (float)v)],
        };
    }

    [Theory]
    [InlineData(float.NaN, "NaN")]
    [InlineData(float.PositiveInfinity, "row 1, slot 5")]
    [InlineData(-1f, "-1")]
    [InlineData(255.5f, "0 to 255")]
    public void PixelsThatAreNoPixelValuesAreNamedByRowAndSlot(float value, string part)
    {
        var rows = new[] { Pixels(0), Pixels(1), Pixels(2) };
        rows[1].Planar[5] = value;
        var message = Assert.Throws<InvalidOperationException>(() =>
            Estimator("Planar").Fit(_ml.Data.LoadFromEnumerable(rows))).Message;
        Assert.Contains("'Planar', row 1, slot 5", message);
        Assert.Contains(part, message);
    }

    [Fact]
    public void PixelsScaledToOneAreRefused()
    {
        var rows = Enumerable.Range(0, 3).Select(Pixels).ToArray();
        foreach (var row in rows) row.Planar = [.. row.Planar.Select(v => v / 255)];
        Assert.Contains("between 0 and 1", Assert.Throws<InvalidOperationException>(() =>
            Estimator("Planar").Fit(_ml.Data.LoadFromEnumerable(rows))).Message);
    }

    [Fact]
    public void AVectorOfAnotherLengthThanItsTypeIsRefused()
    {
        var rows = new[] { Pixels(0), new PixelRow { Planar = new float[7] } };
        Assert.Contains("row 1: the vector has 7 slots",
            Assert.Throws<InvalidOperationException>(() => Estimator("Planar").Fit(_ml.Data.LoadFromEnumerable(rows)))
                .Message);
    }

    [Fact]
    public void PlanarAndInterleavedPixelsAndImagesOfBothFormatsAreTheSame()
    {
        var pixels = _ml.Data.LoadFromEnumerable(Enumerable.Range(0, 4).Select(Pixels).ToArray());
        var expected = Embed(pixels, "Planar");
        Assert.Equal(expected, Embed(pixels, "Interleaved"));
        foreach (var format in new[] { MLPixelFormat.Bgra32, MLPixelFormat.Rgba32 })
            foreach (byte alpha in new byte[] { 255, 7 })
                Assert.Equal(expected, Embed(_ml.View([.. Enumerable.Range(0, 4)
                    .Select(i => new ImageRow(i, TestImages.Image(i, format, alpha)))]), "Image"));

        float[] Embed(IDataView view, string column)
        {
            using var transformer = Estimator(column, TestImages.Untrained with { Seed = 3 }).Fit(view);
            return [.. _ml.Embeddings(transformer.Transform(view)).SelectMany(row => row.Embedding)];
        }
    }

    [Fact]
    public void ExtractedPixelsAreLearntFromAndEmbedded()
    {
        // ResizeImages and ExtractPixels dispose of the images that they have read.
        IDataView View() => _ml.View(TestImages.Rows(4));
        var images = Estimator(options: TestImages.Untrained with { Seed = 3 }).Fit(View());
        var pixels = _ml.Transforms.ResizeImages("Small", TestImages.Size, TestImages.Size, "Image")
            .Append(_ml.Transforms.ExtractPixels("Pixels", "Small"))
            .Append(Estimator("Pixels", TestImages.Untrained with { Seed = 3 }))
            .Fit(View());
        Assert.Equal(_ml.Embeddings(images.Transform(View())).Select(row => row.Embedding),
            _ml.Embeddings(pixels.Transform(View())).Select(row => row.Embedding));
    }

    [Fact]
    public void TheContextsSeedDecidesAndFittingAgainRepeats()
    {
        static float[] First(PretrainingEstimator estimator, MLContext ml)
        {
            using var transformer = estimator.Fit(ml.View(TestImages.Rows(3)));
            return ml.Embeddings(transformer.Transform(ml.View(TestImages.Rows(3))))[0].Embedding;
        }

        static (float[] Once, float[] Again) Fit(int seed)
        {
            var ml = new MLContext(seed);
            var estimator = ml.SelfSupervised().Pretrain(options: TestImages.Untrained);
            return (First(estimator, ml), First(estimator, ml));
        }

        var (once, again) = Fit(1);
        Assert.Equal(once, again);
        Assert.Equal(once, Fit(1).Once);
        Assert.NotEqual(once, Fit(2).Once);
    }

    [Fact]
    public void TrainingMovesTheEncoder()
    {
        var options = TestImages.Untrained with { Seed = 3, BatchSize = 4 };
        var view = _ml.View(TestImages.Rows(8));
        using var before = Estimator(options: options).Fit(view);
        using var after = Estimator(options: options with { Epochs = 2 }).Fit(view);
        Assert.NotEqual(_ml.Embeddings(before.Transform(view))[0].Embedding,
            _ml.Embeddings(after.Transform(view))[0].Embedding);
    }

    [Fact]
    public void WithoutOptionsTheLogSaysWhatIsUsed()
    {
        _ml.Log += (_, e) =>
        {
            if (e.Message.Contains("MethodName = SimCLR: no options were given"))
                throw new OperationCanceledException(e.Source);
        };
        Assert.Contains("Pretrain", Assert.Throws<OperationCanceledException>(() =>
            _ml.SelfSupervised().Pretrain().Fit(_ml.View(TestImages.Rows(4)))).Message);
    }

    [Fact]
    public void WhatTheTrainerChoseIsLogged()
    {
        var messages = new List<LoggingEventArgs>();
        _ml.Log += (_, e) => messages.Add(e);
        Estimator().Fit(_ml.View(TestImages.Rows(4))).Dispose();
        Assert.Contains(messages, m =>
            m.Kind == ChannelMessageKind.Info && m.Message.Contains("BatchSize = 2: of 4 rows"));
    }

    [Fact]
    public void AGpuThatIsNotThereIsRefusedUnlessTheContextFallsBack()
    {
        _ml.GpuDeviceId = 99;
        var view = _ml.View(TestImages.Rows(4));
        Assert.Contains("GpuDeviceId is 99",
            Assert.Throws<InvalidOperationException>(() => Estimator().Fit(view)).Message);

        var warnings = new List<string>();
        _ml.Log += (_, e) => { if (e.Kind == ChannelMessageKind.Warning) warnings.Add(e.Message); };
        _ml.FallbackToCpu = true;
        Estimator().Fit(view).Dispose();
        Assert.Contains(warnings, w => w.Contains("GpuDeviceId is 99"));
    }
}
