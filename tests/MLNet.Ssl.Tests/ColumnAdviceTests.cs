using Microsoft.ML;
using Microsoft.ML.Data;
using Microsoft.ML.Transforms.Image;

namespace MLNet.Ssl.Tests;

/// <summary>Columns of a wrong type are refused with what to do about them.</summary>
public sealed class ColumnAdviceTests
{
    private const string Convert = "ConvertType", Size = "[VectorType(n)]", Concatenate = "Concatenate";

    private readonly MLContext _ml = new(seed: 1);

    private sealed class Row
    {
        [VectorType(3)]
        public float[] Good { get; set; } = [1, 2, 3];

        [VectorType(3)]
        public double[] Doubles { get; set; } = [1, 2, 3];

        public double[] SomeDoubles { get; set; } = [1, 2, 3];

        public float[] SomeSingles { get; set; } = [1, 2, 3];

        [VectorType(3)]
        public byte[] Bytes { get; set; } = [1, 2, 3];

        public byte[] SomeBytes { get; set; } = [1, 2, 3];

        [VectorType(3)]
        public bool[] Bools { get; set; } = [true, false, true];

        public float Single { get; set; }

        public double Double { get; set; }

        public string Text { get; set; } = "";

        [KeyType(3)]
        public uint Key { get; set; }

        [KeyType(3)]
        public uint Label { get; set; }

        [ImageType(16, 16)]
        public MLImage? Image { get; set; }
    }

    private sealed class ImageFile
    {
        public string ImagePath { get; set; } = "";
    }

    private IDataView View => _ml.Data.LoadFromEnumerable(Enumerable.Range(0, 4)
        .Select(i => new Row
        {
            Image = TestImages.Image(i),
            Single = i,
            Label = (uint)(1 + i % 2),
            Good = [i, i % 2, 3],
        }));

    [Theory]
    [InlineData("Doubles", Convert)]
    [InlineData("SomeDoubles", Convert, Size)]
    [InlineData("SomeSingles", Size)]
    [InlineData("Bytes", Convert)]
    [InlineData("Bools", Convert)]
    [InlineData("Single", Concatenate)]
    [InlineData("Double", Convert, Concatenate)]
    [InlineData("Key", "label")]
    public void AColumnOfAWrongTypeIsRefusedWithTheWayOut(string column, params string[] ways)
    {
        var ssl = _ml.SelfSupervised();
        using var images = ssl.Pretrain("Embedding", "Image", TestImages.Untrained).Fit(View);
        var estimator = ssl.Pretrain("Embedding", column, new SimClrOptions { Epochs = 0 });
        var knn = _ml.MulticlassClassification.Trainers.NearestNeighbors("Label", column);
        var shape = SchemaShapes.Of(View.Schema);
        foreach (Action act in new Action[]
        {
            () => estimator.Fit(View),
            () => estimator.GetOutputSchema(shape),
            () => knn.Fit(View),
            () => knn.GetOutputSchema(shape),
            () => ssl.Evaluate.ClosedForm(View, View, "Label", column),
            () => ssl.Index(View, "Text", column),
            () => ssl.FineTune("PredictedLabel", column, "Label", images).Fit(View),
        })
        {
            string message = Assert.Throws<ArgumentOutOfRangeException>(act).Message;
            Assert.Contains($"'{column}'", message);
            Assert.All(ways, way => Assert.Contains(way, message));
            if (!ways.Contains(Convert)) Assert.DoesNotContain(Convert, message);
            if (!ways.Contains(Size)) Assert.DoesNotContain(Size, message);
        }
    }

    /// <summary>What is fitted, and what reads rows beside it, says the same.</summary>
    [Theory]
    [InlineData("Doubles", Convert)]
    [InlineData("SomeDoubles", Convert, Size)]
    [InlineData("SomeSingles", Size)]
    [InlineData("Single", Concatenate)]
    [InlineData("Double", Convert, Concatenate)]
    public void AColumnOfAWrongTypeIsRefusedByWhatIsFittedToo(string column, params string[] ways)
    {
        var ssl = _ml.SelfSupervised();
        using var encoder = ssl.Pretrain("Embedding", "Good", new SimClrOptions { Epochs = 0 }).Fit(View);
        using var knn = _ml.MulticlassClassification.Trainers.NearestNeighbors("Label", "Good").Fit(View);
        using var probe = _ml.MulticlassClassification.Trainers
            .LinearProbe("Label", "Good", new LinearProbeOptions { Epochs = 1 }).Fit(View);
        using var images = ssl.Pretrain("Embedding", "Image", TestImages.Untrained).Fit(View);
        using var network = ssl.FineTune("PredictedLabel", "Image", "Label", images,
            new() { Epochs = 1, BatchSize = 2 }).Fit(View);
        var wrong = _ml.Transforms.CopyColumns("Good", column).Append(_ml.Transforms.CopyColumns("Image", column))
            .Fit(View).Transform(View);
        var evaluated = ssl.Pretrain("Embedding", "Good", new SimClrOptions { Epochs = 0 });
        var tuned = ssl.FineTune("PredictedLabel", "Image", "Label", images);
        using var folder = new TemporaryFolder();
        var index = new EmbeddingIndex(3);
        foreach (Action act in new Action[]
        {
            () => encoder.Transform(wrong),
            () => encoder.GetOutputSchema(wrong.Schema),
            () => knn.Transform(wrong),
            () => probe.Transform(wrong),
            () => network.Transform(wrong),
            () => images.Transform(wrong),
            () => evaluated.WithEvaluation(wrong, View).Fit(View),
            () => evaluated.WithEvaluation(View, wrong).Fit(View),
            () => tuned.WithValidation(wrong).Fit(View),
            () => ssl.Distill("PredictedLabel", "Image", null, network).Fit(wrong),
            () => ssl.Evaluate.NearestNeighbors(View, wrong, featureColumnName: "Good"),
            () => ssl.Evaluate.Linear(View, View, featureColumnName: "Good", validation: wrong),
            () => index.Add(wrong, "Text", "Good"),
            () => new PretrainReport().Write(folder.File("report.html"), encoder, wrong),
            () => new PretrainReport().Write(folder.File("report.html"), images, wrong),
        })
        {
            string message = Assert.ThrowsAny<ArgumentException>(act).Message;
            Assert.Contains(column is "Single" or "Double" ? "Single" : "Vector", message);
            Assert.All(ways, way => Assert.Contains(way, message));
        }
    }

    [Theory]
    [InlineData("SomeBytes", "bytes of image files")]
    [InlineData("Text", "image files by their paths", "OneHotEncoding")]
    public void AFileOfAnImageIsNoFeature(string column, params string[] ways)
    {
        var ssl = _ml.SelfSupervised();
        var knn = _ml.MulticlassClassification.Trainers.NearestNeighbors("Label", column);
        foreach (Action act in new Action[] { () => knn.Fit(View),
            () => ssl.Evaluate.ClosedForm(View, View, "Label", column), () => ssl.Index(View, "Text", column) })
        {
            string message = Assert.Throws<ArgumentOutOfRangeException>(act).Message;
            Assert.All(ways, way => Assert.Contains(way, message));
        }
        // What looks like a path, or like a file, is looked at when it is read.
        Assert.Contains($"Column '{column}', row 0", Assert.Throws<InvalidOperationException>(() =>
            ssl.Pretrain("Embedding", column, TestImages.Untrained).Fit(View)).Message);
    }

    [Fact]
    public void TheWayOutLeadsThere()
    {
        var steps = _ml.Transforms.Conversion.ConvertType("Double")
            .Append(_ml.Transforms.Conversion.ConvertType("Doubles"))
            .Append(_ml.Transforms.Concatenate("Features", "Double", "Single", "Doubles"));
        var data = steps.Fit(View).Transform(View);
        using var encoder = _ml.SelfSupervised().Pretrain("Embedding", "Features", new SimClrOptions { Epochs = 0 })
            .Fit(data);
        Assert.Equal(5, ((TableEncoder)encoder.Encoder).Columns);
    }

    [Fact]
    public void ImagesThatACacheLeftOutAreMissedWithTheReason()
    {
        var ssl = _ml.SelfSupervised();
        using var encoder = ssl.Pretrain("Embedding", "Image", TestImages.Untrained).Fit(View);
        var cached = _ml.Data.Cache(View);
        foreach (Action act in new Action[]
        {
            () => ssl.Pretrain("Embedding", "Image", TestImages.Untrained).Fit(cached),
            () => _ml.Transforms.CopyColumns("Copy", "Text").AppendCacheCheckpoint(_ml)
                .Append(ssl.Pretrain("Embedding", "Image", TestImages.Untrained)).Fit(View),
            () => encoder.Transform(cached),
            () => ssl.FineTune("PredictedLabel", "Image", "Label", encoder).Fit(cached),
        })
        {
            string message = Assert.Throws<ArgumentOutOfRangeException>(act).Message;
            Assert.Contains("'Image'", message);
            Assert.Contains("ml.Data.Cache and AppendCacheCheckpoint leave image columns out", message);
        }
    }

    [Fact]
    public void AGitLfsPointerInPlaceOfAFileIsNamedAsOne()
    {
        using var folder = new TemporaryFolder();
        const string Pointer = "version https://git-lfs.github.com/spec/v1\noid "
            + "sha256:4d7a214614ab2935c943f9e0ff69d22eadbb8f32b1258daaa5e2ca24d17e2393\nsize 84183321\n";
        string Written(string name)
        {
            File.WriteAllText(folder.File(name), Pointer);
            return folder.File(name);
        }
        var ssl = _ml.SelfSupervised();
        using var encoder = ssl.Pretrain("Embedding", "Image", TestImages.Untrained).Fit(View);
        string run = Directory.CreateDirectory(folder.File("run")).FullName;
        Written("run/checkpoint-0000000001.safetensors");
        var trained = TestImages.Untrained with { Epochs = 1, BatchSize = 2 };
        IDataView Photo(string name) => _ml.Data.LoadFromEnumerable([new ImageFile { ImagePath = Written(name) }]);
        Assert.Single(Directory.GetFiles(run));
        foreach (Action act in new Action[]
        {
            () => ssl.Pretrain("Embedding", "Image", trained with { CheckpointFolder = run, Resume = true }).Fit(View),
            () => ssl.Pretrain("Embedding", "Image", trained with { ContinueFrom = run }).Fit(View),
            () => ssl.LoadPretrained("Embedding", "Image", Written("weights.safetensors.index.json")),
            () => ssl.Pretrain("Embedding", "ImagePath", TestImages.Untrained).Fit(Photo("path.jpg")),
            () => RgbImages.Load(Written("image.png")),
            () => RgbImages.Decode(System.Text.Encoding.ASCII.GetBytes(Pointer)),
            () => EmbeddingIndex.Load(new MemoryStream(System.Text.Encoding.ASCII.GetBytes(Pointer))),
            () => ssl.Model.Load(new MemoryStream(System.Text.Encoding.ASCII.GetBytes(Pointer)), out _),
            () => ssl.LoadPretrained("Embedding", "Image", Written("weights.pth")),
            () => ssl.LoadPretrained("Embedding", "Image", Written("weights.safetensors")),
            () => ssl.Pretrain("Embedding", "Image",
                TestImages.Untrained with { InitialWeights = Written("start.pth") }).Fit(View),
            () => ssl.Model.Load(Written("model.zip"), out _),
            () => EmbeddingIndex.Load(Written("index.zip")),
            () => ssl.Index(encoder, [Written("photo.jpg")]),
        })
            Assert.Contains("Git LFS pointer, not the file itself: run `git lfs pull`",
                Assert.ThrowsAny<Exception>(act).Message);
    }

    [Fact]
    public void TinyValuesInATableAreNamedByTheirSlots()
    {
        IDataView Table(float scale) => _ml.Data.LoadFromEnumerable(Enumerable.Range(0, 40)
            .Select(i => new Row { Good = [i, scale * i, scale * (i % 2)] }));
        var estimator = _ml.SelfSupervised().Pretrain("Embedding", "Good", new SimClrOptions { Epochs = 0 });
        string message = Assert.Throws<ArgumentException>(() => estimator.Fit(Table(1e-41f))).Message;
        Assert.Contains("Slot 1 has values that differ by 1.15e-40, which cannot be standardised", message);
        Assert.Contains("Multiply them by a constant such as 1e30", message);
        using var encoder = estimator.Fit(Table(1e-30f));
        Assert.All(encoder.Transform(Table(1e-30f)).GetColumn<float[]>("Embedding"), e =>
            Assert.All(e, v => Assert.True(float.IsFinite(v))));
    }
}
