using System.IO.Compression;
using System.Text.Json.Nodes;
using Microsoft.ML;
using Microsoft.ML.Data;
using Microsoft.ML.Transforms.Image;

namespace MLNet.Ssl.Tests;

public sealed class ModelFileTests : IDisposable
{
    private readonly MLContext _ml = new(seed: 1);
    private readonly TemporaryFolder _folder = new();

    private ModelFileCatalog Files => _ml.SelfSupervised().Model;

    public void Dispose() => _folder.Dispose();

    [Fact]
    public void ALoadedModelGivesTheSamePredictionsToTheLastBitHereAndInAFreshProcess()
    {
        var expected = new Dictionary<string, byte[]>();
        foreach (string kind in SavedModels.Kinds)
        {
            var model = SavedModels.Fit(_ml, kind);
            Files.Save(model, SavedModels.Rows(_ml, kind).Schema, _folder.File(kind + ".zip"));
            expected[kind] = SavedModels.Answers(_ml, model, kind);
            (model as IDisposable)?.Dispose();
            var loaded = Files.Load(_folder.File(kind + ".zip"), out _);
            Assert.True(expected[kind].AsSpan().SequenceEqual(SavedModels.Answers(_ml, loaded, kind)), kind);
            (loaded as IDisposable)?.Dispose();
        }
        FreshProcess.Predict(_folder.Path);
        foreach (string kind in SavedModels.Kinds)
            Assert.True(expected[kind].AsSpan().SequenceEqual(File.ReadAllBytes(_folder.File(kind + ".bin"))), kind);
    }

    [Fact]
    public async Task EnginesAndAPoolOnALoadedModelAgreeWithItsView()
    {
        using var fitted = (IDisposable)SavedModels.Fit(_ml, "images with neighbours");
        Files.Save((ITransformer)fitted, null, _folder.File("model.zip"));
        var model = Files.Load(_folder.File("model.zip"), out var schema);
        Assert.Null(schema);
        var rows = Enumerable.Range(0, 70).Select(i => new SavedModels.Labelled { Image = TestImages.Image(i) })
            .ToArray();
        var expected = SavedModels.Ask(_ml, model, SavedModels.Rows(_ml, "images"));
        using (var pool = Files.CreatePredictionPool<SavedModels.Labelled, SavedModels.Answer>(model,
            new() { OwnsTransformer = true }))
        {
            var answers = new SavedModels.Answer[rows.Length];
            await Parallel.ForAsync(0, rows.Length, new ParallelOptions { MaxDegreeOfParallelism = 8 }, async (i, _) =>
            {
                await Task.Yield();
                answers[i] = pool.Predict(rows[i]);
            });
            for (int i = 0; i < rows.Length; i++)
            {
                Assert.Equal(expected[i].Class, answers[i].Class);
                TestImages.AssertClose(expected[i].Embedding, answers[i].Embedding);
                TestImages.AssertClose(expected[i].Score, answers[i].Score, 1e-4f);
            }
            var error = Assert.ThrowsAny<Exception>(() => pool.Predict(new()));
            Assert.Contains("there is no image", error.ToString());
            Assert.Equal(expected[3].Class, pool.Predict(rows[3]).Class);
        }
        // The pool's end is not the model's.
        using var engine = _ml.Model.CreatePredictionEngine<SavedModels.Labelled, SavedModels.Answer>(model);
        Assert.Equal(expected[5].Class, engine.Predict(rows[5]).Class);
    }

    [Fact]
    public void AVectorModelPredictsThroughAPoolToo()
    {
        var model = SavedModels.Fit(_ml, "table with LBFGS");
        Files.Save(model, null, _folder.File("model.zip"));
        var loaded = Files.Load(_folder.File("model.zip"), out _);
        var rows = SavedModels.Measures(20);
        var expected = SavedModels.Ask(_ml, model, _ml.Data.LoadFromEnumerable(rows));
        using var pool = Files.CreatePredictionPool<SavedModels.Measure, SavedModels.Answer>(loaded);
        Parallel.For(0, rows.Length, i =>
            TestImages.AssertClose(expected[i].Score, pool.Predict(rows[i]).Score, 1e-4f));
    }

    [Fact]
    public void TheSchemaComesBackWithImagesKeysAndNames()
    {
        var builder = new DataViewSchema.Builder();
        builder.AddColumn("Image", new ImageDataViewType(20, 30));
        builder.AddColumn("Number", NumberDataViewType.Int32);
        var names = new DataViewSchema.Annotations.Builder();
        names.Add("SlotNames", new VectorDataViewType(TextDataViewType.Instance, 2),
            (ref VBuffer<ReadOnlyMemory<char>> value) =>
            value = new(2, ["left".AsMemory(), "right".AsMemory()]));
        builder.AddColumn("Vector", new VectorDataViewType(NumberDataViewType.Single, 2), names.ToAnnotations());
        builder.AddColumn("Any", new ImageDataViewType());
        builder.AddColumn("Key", new KeyDataViewType(typeof(uint), 5));
        var schema = builder.ToSchema();
        var model = _ml.Transforms.CopyColumns("Copy", "Number")
            .Fit(_ml.Data.LoadFromEnumerable(new[] { new { Number = 1 } }));
        Files.Save(model, schema, _folder.File("model.zip"));
        Files.Load(_folder.File("model.zip"), out var loaded);
        Assert.Equal(schema.Select(c => (c.Name, c.Type.ToString())), loaded!.Select(c => (c.Name, c.Type.ToString())));
        VBuffer<ReadOnlyMemory<char>> slots = default;
        loaded!["Vector"].Annotations.GetValue("SlotNames", ref slots);
        Assert.Equal(["left", "right"], slots.DenseValues().Select(slot => slot.ToString()));
    }

    [Fact]
    public void ScopesOfAChainAreKept()
    {
        var rows = _ml.Data.LoadFromEnumerable(new[] { new { A = 1 } });
        ITransformer Copy(string name) => _ml.Transforms.CopyColumns(name, "A").Fit(rows);
        var chain = new TransformerChain<ITransformer>(
            [Copy("B"), Copy("C"), Copy("D")],
            [TransformerScope.Training, TransformerScope.Everything, TransformerScope.TrainTest]);
        Files.Save(chain, rows.Schema, _folder.File("model.zip"));
        var loaded = Assert.IsType<TransformerChain<ITransformer>>(Files.Load(_folder.File("model.zip"), out _));
        Assert.Equal(["A", "C"],
            loaded.GetModelFor(TransformerScope.Scoring).GetOutputSchema(rows.Schema).Select(c => c.Name));
        Assert.Equal(["A", "C", "D"],
            loaded.GetOutputSchema(rows.Schema, TransformerScope.Testing).Select(c => c.Name));
        Assert.Equal(["A", "B", "C", "D"],
            loaded.GetOutputSchema(rows.Schema, TransformerScope.Everything).Select(c => c.Name));
    }

    [Fact]
    public void TheFileIsReadableByOtherTools()
    {
        var model = SavedModels.Fit(_ml, "images with neighbours");
        Files.Save(model, null, _folder.File("model.zip"));
        using var archive = ZipFile.OpenRead(_folder.File("model.zip"));
        using var stream = archive.GetEntry("model.json")!.Open();
        var json = JsonNode.Parse(stream)!;
        Assert.Equal(("MLNet.Ssl.Model", 1, ModelWriter.LibraryVersion),
            ((string)json["format"]!, (int)json["formatVersion"]!, (string)json["libraryVersion"]!));
        Assert.StartsWith("0.", ModelWriter.LibraryVersion);
        var embedding = json["model"]!["members"]!.AsArray().Select(m => m!["transformer"]!)
            .Single(p => (string)p["kind"]! == "embedding");
        Assert.Equal("SimCLR", (string)embedding["method"]!);
        Assert.Equal("resnet", (string)embedding["backbone"]!["kind"]!);
        Assert.Equal("Small", (string)embedding["backbone"]!["stem"]!);
        Assert.Equal("8", (string)embedding["options"]!["BatchSize"]!);
        Assert.Equal(16, (int)embedding["images"]!["cropSize"]!);
        archive.GetEntry((string)embedding["weights"]!)!.ExtractToFile(_folder.File("encoder.safetensors"));
        Assert.True(SafeTensors.Read(_folder.File("encoder.safetensors")).ContainsKey("conv1.weight"));
    }

    [Fact]
    public void WhatIsKnownOfTheTrainingSurvivesASecondSave()
    {
        using var fitted = _ml.SelfSupervised().Pretrain(options: TestImages.Untrained with { Seed = 5 })
            .Fit(_ml.View(TestImages.Rows(4)));
        Files.Save(fitted, null, _folder.File("1.zip"));
        using var once = Assert.IsType<EmbeddingTransformer>(Files.Load(_folder.File("1.zip"), out _));
        Files.Save(once, null, _folder.File("2.zip"));
        Assert.Equal(File.ReadAllBytes(_folder.File("1.zip")).Length, File.ReadAllBytes(_folder.File("2.zip")).Length);
        using var twice = Assert.IsType<EmbeddingTransformer>(Files.Load(_folder.File("2.zip"), out _));
        Assert.Equal("SimCLR", twice.Encoder.Method);
        Assert.Equal("5", twice.Encoder.TrainingOptions["Seed"]);
        Assert.Equal(fitted.Encoder.TrainingOptions.OrderBy(o => o.Key),
            twice.Encoder.TrainingOptions.OrderBy(o => o.Key));
        Assert.Equal(((ImageEncoder)fitted.Encoder).Preprocessing, ((ImageEncoder)twice.Encoder).Preprocessing);
    }

    private sealed class Foreign : ITransformer
    {
        public bool IsRowToRowMapper => true;

        public DataViewSchema GetOutputSchema(DataViewSchema inputSchema) => inputSchema;

        public IRowToRowMapper GetRowToRowMapper(DataViewSchema inputSchema) => throw new NotSupportedException();

        public IDataView Transform(IDataView input) => input;

        void ICanSaveModel.Save(ModelSaveContext ctx) => throw new NotSupportedException("I cannot be saved.");
    }

    [Fact]
    public void ATransformerThatCannotBeSavedIsNamedAndTheOldFileStays()
    {
        string path = _folder.File("model.zip");
        File.WriteAllText(path, "old");
        var error = Assert.Throws<NotSupportedException>(() =>
            Files.Save(new TransformerChain<ITransformer>(new Foreign()), null, path));
        Assert.Contains("Foreign cannot be saved by ML.NET: I cannot be saved.", error.Message);
        Assert.Equal("old", File.ReadAllText(path));
        Assert.Single(Directory.GetFiles(_folder.Path));

        var disposed = SavedModels.Fit(_ml, "images with neighbours");
        ((IDisposable)disposed).Dispose();
        Assert.Throws<ObjectDisposedException>(() => Files.Save(disposed, null, path));
        Assert.Throws<ArgumentNullException>(() => Files.Save(null!, null, path));
        Assert.Throws<DirectoryNotFoundException>(() =>
            Files.Save(new TransformerChain<ITransformer>(), null, _folder.File("none/model.zip")));
        Assert.Throws<FileNotFoundException>(() => Files.Load(_folder.File("none.zip"), out _));
    }
}
