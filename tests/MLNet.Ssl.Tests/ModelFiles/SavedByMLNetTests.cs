using Microsoft.ML;
using Microsoft.ML.Data;
using Microsoft.ML.Transforms.Image;

namespace MLNet.Ssl.Tests;

/// <summary><c>ml.Model.Save</c> and <c>ml.Model.Load</c>, without a word of this library.</summary>
public sealed class SavedByMLNetTests : IDisposable
{
    private readonly MLContext _ml = new(seed: 1);
    private readonly TemporaryFolder _folder = new();

    public void Dispose() => _folder.Dispose();

    [Fact]
    public void AFreshProcessGivesTheSameAnswersWithoutLibtorch()
    {
        var expected = new Dictionary<string, SavedModels.Answer[]>();
        foreach (string kind in SavedModels.Kinds)
        {
            var model = SavedModels.Fit(_ml, kind);
            var rows = SavedModels.Rows(_ml, kind);
            expected.Add(kind, SavedModels.Ask(_ml, model, rows));
            _ml.Model.Save(model, rows.Schema, _folder.File(kind + ".zip"));
            ((IDisposable)model).Dispose();
        }
        FreshProcess.Run("predict by ML.NET", _folder.Path);
        AssertTheSame(expected);
    }

    [Fact]
    public void ModelsBehindResizeImagesOfSeveralSizesAnswerInAFreshProcess()
    {
        ResizedModels.Write(_folder.Path);
        var schema = _ml.Data.LoadFromEnumerable<ResizedModels.ImageFile>([]).Schema;
        var expected = new Dictionary<string, SavedModels.Answer[]>();
        foreach (string kind in ResizedModels.Kinds)
        {
            var model = ResizedModels.Fit(_ml, kind, _folder.Path);
            expected.Add(kind, ResizedModels.Ask(_ml, model, _folder.Path));
            // What this library's own file keeps is saved as well.
            var saved = kind == "neighbours" ? model : ByItsOwnFile(model, schema);
            _ml.Model.Save(saved, schema, _folder.File(kind + ".zip"));
            ((IDisposable)model).Dispose();
            ((IDisposable)saved).Dispose();
        }
        FreshProcess.Run("predict resized by ML.NET", _folder.Path);
        AssertTheSame(expected);
    }

    private void AssertTheSame(Dictionary<string, SavedModels.Answer[]> expected)
    {
        foreach (string kind in expected.Keys)
        {
            var answers = SavedByMLNet.Read(_folder.File(kind + ".json"));
            Assert.Equal(expected[kind].Select(a => (a.Class, a.PredictedLabel)),
                answers.Select(a => (a.Class, a.PredictedLabel)));
            foreach (var (e, a) in expected[kind].Zip(answers))
            {
                TestImages.AssertClose(e.Embedding, a.Embedding);
                TestImages.AssertClose(e.Score, a.Score, 1e-4f);
            }
            Assert.True(expected[kind].Select(a => a.Class).Distinct().Count() > 1, kind);
        }
    }

    private sealed class Photo
    {
        [ImageType(1, 1)]
        public MLImage? Image { get; set; }

        public string Name { get; set; } = "";
    }

    // Sizes of all aspects, smaller and larger than what the network sees.
    private static Photo[] Photos() =>
        [.. Enumerable.Range(0, 24).Select(i => new Photo { Image = TestImages.Image(i, width: 9 + 7 * i,
            height: 60 - 2 * i), Name = new[] { "red", "green", "blue" }[i % 3] })];

    private ITransformer Reloaded(ITransformer model, DataViewSchema schema)
    {
        using var stream = new MemoryStream();
        _ml.Model.Save(model, schema, stream);
        stream.Position = 0;
        return _ml.Model.Load(stream, out _);
    }

    /// <summary>The model as the library's own format keeps it.</summary>
    private ITransformer ByItsOwnFile(ITransformer model, DataViewSchema schema)
    {
        using var stream = new MemoryStream();
        _ml.SelfSupervised().Model.Save(model, schema, stream);
        stream.Position = 0;
        return _ml.SelfSupervised().Model.Load(stream, out _);
    }

    [Theory, InlineData(Interpolation.Bicubic), InlineData(Interpolation.Bilinear)]
    public void ImagesOfAnySizeGiveTheSameEmbeddings(Interpolation interpolation)
    {
        using var original = new EmbeddingTransformer(
            Encoder(new() { Resize = 20, CropSize = 16, Interpolation = interpolation }), "Image", "Image");
        var view = _ml.Data.LoadFromEnumerable(Photos());
        var model = Reloaded(original, view.Schema);
        var (expected, actual) = (original.Transform(view), model.Transform(view));
        Assert.Equal(expected.Schema["Image"].Type, actual.Schema["Image"].Type);
        Assert.Equal(expected.Schema.Where(c => !c.IsHidden).Select(c => c.Name).Order(),
            actual.Schema.Where(c => !c.IsHidden).Select(c => c.Name).Order());
        Same(expected, actual, "Image");
        Assert.True(Column(actual, "Image").Select(e => e[0]).Distinct().Count() > 20);
    }

    [Theory, InlineData(3, 20, 24), InlineData(20, 24, 3)]
    public void VectorsOfPixelsGiveTheSameEmbeddings(int a, int b, int c)
    {
        var definition = SchemaDefinition.Create(typeof(Pixels));
        definition[nameof(Pixels.Image)].ColumnType = new VectorDataViewType(NumberDataViewType.Single, a, b, c);
        var rows = Enumerable.Range(0, 6)
            .Select(i => new Pixels { Image = [.. TestImages.Rgb(i, 20, 24).Select(v => (float)v)] }).ToArray();
        var view = _ml.Data.LoadFromEnumerable(rows, definition);
        using var original = _ml.SelfSupervised().Pretrain(options: TestImages.Untrained).Fit(view);
        var model = Reloaded(original, view.Schema);
        Same(original.Transform(view), model.Transform(view), "Embedding");
        using var again = (EmbeddingTransformer)ByItsOwnFile(original, view.Schema);
        Same(original.Transform(view), Reloaded(again, view.Schema).Transform(view), "Embedding");
        rows[1].Image[7] = 256;
        Assert.Contains("256 is no pixel value",
            Assert.ThrowsAny<Exception>(() => Column(model.Transform(view), "Embedding")).ToString());
    }

    private sealed class PhotoFile
    {
        public string Path { get; set; } = "";

        public byte[] Bytes { get; set; } = [];
    }

    [Theory, InlineData("Path"), InlineData("Bytes")]
    public void FilesGiveTheSameEmbeddings(string column)
    {
        var files = Enumerable.Range(0, 5).Select(i =>
        {
            string path = _folder.File($"{i}.png");
            using (var image = TestImages.Image(i, width: 20 + i, height: 30)) image.Save(path);
            return new PhotoFile { Path = path, Bytes = File.ReadAllBytes(path) };
        }).ToArray();
        var view = _ml.Data.LoadFromEnumerable(files);
        using var original = _ml.SelfSupervised().Pretrain("Embedding", column, TestImages.Untrained).Fit(view);
        var model = Reloaded(original, view.Schema);
        Same(original.Transform(view), model.Transform(view), "Embedding");
        using var again = (EmbeddingTransformer)ByItsOwnFile(original, view.Schema);
        Same(original.Transform(view), Reloaded(again, view.Schema).Transform(view), "Embedding");
        Assert.Equal(5, Column(model.Transform(view), "Embedding").Select(e => e[0]).Distinct().Count());
    }

    private sealed class Pixels
    {
        public float[] Image { get; set; } = [];
    }

    [Fact]
    public void AFineTunedClassifierKeepsClassesScoresAndTheirNames()
    {
        var view = _ml.Data.LoadFromEnumerable(Photos());
        var labelled = _ml.Transforms.Conversion.MapValueToKey("Class", "Name").Fit(view).Transform(view);
        using var encoder = new EmbeddingTransformer(Encoder(ImagePreprocessing.For(16)), "Embedding", "Image");
        using var original = _ml.SelfSupervised()
            .FineTune("Predicted", "Image", "Class", encoder, new() { Epochs = 2, BatchSize = 8 }).Fit(labelled);
        var model = Reloaded(original, labelled.Schema);
        var (expected, actual) = (original.Transform(labelled), model.Transform(labelled));
        Same(expected, actual, "Score", 1e-5f);
        Assert.Equal(Keys(expected), Keys(actual));
        Assert.Equal(expected.Schema["Predicted"].Type, actual.Schema["Predicted"].Type);
        Assert.Equal(["red", "green", "blue"], Annotation(actual, "Predicted", "KeyValues"));
        Assert.Equal(Annotation(expected, "Predicted", "KeyValues"), Annotation(actual, "Predicted", "KeyValues"));
        Assert.Equal(Annotation(expected, "Score", "SlotNames"), Annotation(actual, "Score", "SlotNames"));
        Assert.Equal(
            _ml.MulticlassClassification.Evaluate(expected, "Class", "Score", "Predicted").LogLoss,
            _ml.MulticlassClassification.Evaluate(actual, "Class", "Score", "Predicted").LogLoss, 1e-4);

        static uint[] Keys(IDataView view) => [.. view.GetColumn<uint>("Predicted")];
    }

    private sealed class Features
    {
        [VectorType(4)]
        public float[] Embedding { get; set; } = [];

        public float Number { get; set; }

        [KeyType(3)]
        public uint Unnamed { get; set; }
    }

    [Theory, InlineData("Number"), InlineData("Unnamed")]
    public void ClassesThatAreNoTextKeepTheirValues(string label)
    {
        var random = new Random(3);
        var view = _ml.Data.LoadFromEnumerable(Enumerable.Range(0, 40).Select(i => new Features
        {
            Embedding = [.. Enumerable.Range(0, 4).Select(_ => (float)random.NextDouble() - 0.5f)],
            Number = 2.5f * (i % 3) - 1,
            Unnamed = 1 + (uint)i % 3,
        }).ToArray());
        if (label == "Number") view = _ml.Transforms.Conversion.MapValueToKey("Number").Fit(view).Transform(view);
        foreach (ITransformer original in new ITransformer[]
        {
            _ml.MulticlassClassification.Trainers.NearestNeighbors(label, "Embedding", numberOfNeighbors: 7).Fit(view),
            _ml.MulticlassClassification.Trainers.LinearProbe(label, "Embedding",
                new() { Epochs = 3, LearningRates = [0.1] }).Fit(view),
        })
        {
            var model = Reloaded(original, view.Schema);
            var (expected, actual) = (original.Transform(view), model.Transform(view));
            Same(expected, actual, "Score", 1e-5f);
            Assert.Equal(expected.GetColumn<uint>("PredictedLabel"), actual.GetColumn<uint>("PredictedLabel"));
            Assert.Equal(expected.Schema["PredictedLabel"].Type, actual.Schema["PredictedLabel"].Type);
            if (label == "Number")
            {
                var back = _ml.Transforms.Conversion.MapKeyToValue("Back", "PredictedLabel");
                Assert.Equal(back.Fit(expected).Transform(expected).GetColumn<float>("Back"),
                    back.Fit(actual).Transform(actual).GetColumn<float>("Back"));
            }
            ((IDisposable)original).Dispose();
        }
    }

    private sealed class Embedded
    {
        public float[] Embedding { get; set; } = [];
    }

    [Fact]
    public void EnginesAndPoolsOfManyThreadsPredictAsTheOriginal()
    {
        using var original = new EmbeddingTransformer(Encoder(ImagePreprocessing.For(16)), "Embedding", "Image");
        var photos = Photos();
        var view = _ml.Data.LoadFromEnumerable(photos);
        var expected = Column(original.Transform(view), "Embedding");
        var model = Reloaded(original, view.Schema);
        using (var engine = _ml.Model.CreatePredictionEngine<Photo, Embedded>(model,
            new PredictionEngineOptions { OwnsTransformer = false }))
            for (int i = 0; i < photos.Length; i++)
                TestImages.AssertClose(expected[i], engine.Predict(photos[i]).Embedding);
        using var pool = _ml.SelfSupervised().Model.CreatePredictionPool<Photo, Embedded>(model);
        Parallel.For(0, 96, new() { MaxDegreeOfParallelism = 8 }, i =>
            TestImages.AssertClose(expected[i % photos.Length], pool.Predict(photos[i % photos.Length]).Embedding));
    }

    [Fact]
    public void WhatCannotBeSavedSaysWhyAndNamesTheWayOut()
    {
        using var uncropped = new EmbeddingTransformer(Encoder(new() { Resize = 16 }), "Embedding", "Image");
        var error = Assert.Throws<NotSupportedException>(() => _ml.Model.Save(uncropped, null, new MemoryStream()));
        Assert.Contains("EmbeddingTransformer cannot be saved by ml.Model.Save", error.Message);
        Assert.Contains("CropSize is null", error.Message);
        Assert.Contains("ml.SelfSupervised().Model.Save(model, schema, path)", error.Message);
        uncropped.Dispose();
        Assert.Throws<ObjectDisposedException>(() => _ml.Model.Save(uncropped, null, new MemoryStream()));
    }

    [Fact]
    public void AnImageThatCannotBeTakenIsRefused()
    {
        using var original = new EmbeddingTransformer(Encoder(ImagePreprocessing.For(16)), "Embedding", "Image");
        var view = _ml.Data.LoadFromEnumerable(new[] { new Photo() });
        var model = Reloaded(original, view.Schema);
        Assert.Contains("There is no image",
            Assert.ThrowsAny<Exception>(() => Column(model.Transform(view), "Embedding")).ToString());
    }

    private static ImageEncoder Encoder(ImagePreprocessing preprocessing)
    {
        using var generator = new TorchSharp.torch.Generator(5, TorchSharp.torch.CPU);
        return new(TestImages.Untrained.Backbone!.Create(generator), preprocessing);
    }

    private static float[][] Column(IDataView view, string name) => [.. view.GetColumn<float[]>(name)];

    private static void Same(IDataView expected, IDataView actual, string column, float tolerance = 1e-5f)
    {
        var (e, a) = (Column(expected, column), Column(actual, column));
        Assert.Equal(e.Length, a.Length);
        for (int i = 0; i < e.Length; i++) TestImages.AssertClose(e[i], a[i], tolerance);
    }

    private static string[] Annotation(IDataView view, string column, string kind)
    {
        VBuffer<ReadOnlyMemory<char>> values = default;
        view.Schema[column].Annotations.GetValue(kind, ref values);
        return [.. values.DenseValues().Select(text => text.ToString())];
    }
}
