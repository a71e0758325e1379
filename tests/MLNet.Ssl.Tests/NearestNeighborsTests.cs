using Microsoft.ML;
using Microsoft.ML.Data;

namespace MLNet.Ssl.Tests;

public sealed class NearestNeighborsTests
{
    private readonly MLContext _ml = new(seed: 1);

    private sealed class Row
    {
        public string Class { get; set; } = "";

        [VectorType(2)]
        public float[] Features { get; set; } = [];
    }

    private sealed class Prediction
    {
        public string Class { get; set; } = "";

        public uint PredictedLabel { get; set; }

        public string PredictedClass { get; set; } = "";

        public float[] Score { get; set; } = [];
    }

    private static readonly string[] Classes = ["cat", "dog", "owl"];

    /// <summary>Three classes around three directions, in turn.</summary>
    private static Row[] Rows(int count, double spread = 0.1)
    {
        var random = new Random(7);
        return [.. Enumerable.Range(0, count).Select(i =>
        {
            double angle = i % 3 * 2 + (random.NextDouble() - 0.5) * spread, length = 0.5 + random.NextDouble();
            return new Row { Class = Classes[i % 3],
                Features = [(float)(length * Math.Cos(angle)), (float)(length * Math.Sin(angle))] };
        })];
    }

    private IEstimator<ITransformer> Pipeline(int k = 5) => _ml.Transforms.Conversion.MapValueToKey("Label", "Class")
        .Append(_ml.MulticlassClassification.Trainers.NearestNeighbors(numberOfNeighbors: k))
        .Append(_ml.Transforms.Conversion.MapKeyToValue("PredictedClass", "PredictedLabel"));

    [Fact]
    public void SeparateClassesAreToldApartThroughEvaluate()
    {
        var split = _ml.Data.TrainTestSplit(_ml.Data.LoadFromEnumerable(Rows(300)), 0.3);
        var scored = Pipeline().Fit(split.TrainSet).Transform(split.TestSet);
        var metrics = _ml.MulticlassClassification.Evaluate(scored, topKPredictionCount: 2);
        Assert.Equal((1.0, 1.0, 1.0), (metrics.MicroAccuracy, metrics.MacroAccuracy, metrics.TopKAccuracy));
        Assert.InRange(metrics.LogLoss, 0, 0.01);
        Assert.Contains("owl", metrics.ConfusionMatrix.GetFormattedConfusionTable());
        Assert.All(_ml.Data.CreateEnumerable<Prediction>(scored, false), row =>
            Assert.Equal(row.Class, row.PredictedClass));
    }

    [Fact]
    public void ScoresAreTheProbabilitiesOfTheNeighborsVotes()
    {
        // One neighbour at each of three angles; the query lies on the first.
        float[][] bank = [[1, 0], [0, 2], [-3, 0]];
        var train = bank.Select((f, i) => new Row { Class = Classes[i], Features = f });
        var model = Pipeline(k: 3).Fit(_ml.Data.LoadFromEnumerable(train));
        var scored = model.Transform(_ml.Data.LoadFromEnumerable(new[] { new Row { Features = [4, 0] } }));
        var row = Assert.Single(_ml.Data.CreateEnumerable<Prediction>(scored, false));
        double[] votes = [Math.Exp(1 / 0.07), 1, Math.Exp(-1 / 0.07)];
        TestImages.AssertClose(votes.Select(v => (float)(v / votes.Sum())), row.Score, 1e-7f);
        Assert.Equal((1u, "cat"), (row.PredictedLabel, row.PredictedClass));
    }

    [Fact]
    public void CrossValidationAccepts()
    {
        var folds = _ml.MulticlassClassification.CrossValidate(_ml.Data.LoadFromEnumerable(Rows(200)), Pipeline(), 4);
        Assert.Equal(4, folds.Count);
        Assert.All(folds, fold => Assert.Equal(1, fold.Metrics.MicroAccuracy));
    }

    [Fact]
    public void ThePredictionEngineNeedsNoLabelAndAgreesWithTheCursor()
    {
        var rows = Rows(200, spread: 6);
        var view = _ml.Data.LoadFromEnumerable(rows);
        var model = Pipeline().Fit(view);
        var scored = _ml.Data.CreateEnumerable<Prediction>(model.Transform(view), false).ToArray();
        Assert.Contains(scored, row => row.Score.Max() < 1);
        using var engine = _ml.Model.CreatePredictionEngine<Row, Prediction>(model);
        for (int i = 0; i < rows.Length; i++)
        {
            var alone = engine.Predict(new() { Features = rows[i].Features });
            TestImages.AssertClose(scored[i].Score, alone.Score);
            Assert.Equal(scored[i].PredictedClass, alone.PredictedClass);
        }
    }

    [Fact]
    public void TheColumnsAreAnnotatedAsMulticlassPredictions()
    {
        var view = _ml.Data.LoadFromEnumerable(Rows(30));
        var pipeline = Pipeline();
        var schema = pipeline.Fit(view).Transform(view).Schema;
        Assert.Equal(new KeyDataViewType(typeof(uint), 3), schema["PredictedLabel"].Type);
        Assert.Equal(new VectorDataViewType(NumberDataViewType.Single, 3), schema["Score"].Type);
        var (names, values) = (default(VBuffer<ReadOnlyMemory<char>>), default(VBuffer<ReadOnlyMemory<char>>));
        schema["Score"].GetSlotNames(ref names);
        schema["PredictedLabel"].GetKeyValues(ref values);
        Assert.Equal(Classes, names.DenseValues().Select(n => n.ToString()));
        Assert.Equal(Classes, values.DenseValues().Select(n => n.ToString()));
        Assert.Equal(("MulticlassClassification", "Score", 1u), Kinds("Score"));
        Assert.Equal(("MulticlassClassification", "PredictedLabel", 1u), Kinds("PredictedLabel"));

        // What was promised before fitting is what came.
        var promised = pipeline.GetOutputSchema(SchemaShapes.Of(view.Schema));
        var delivered = SchemaShapes.Of(schema);
        Assert.Equal(delivered.Select(Describe).Order(), promised.Select(Describe).Order());

        (string, string, uint) Kinds(string column)
        {
            var annotations = schema[column].Annotations;
            var (kind, value, set) = (default(ReadOnlyMemory<char>), default(ReadOnlyMemory<char>), 0u);
            annotations.GetValue("ScoreColumnKind", ref kind);
            annotations.GetValue("ScoreValueKind", ref value);
            annotations.GetValue("ScoreColumnSetId", ref set);
            return (kind.ToString(), value.ToString(), set);
        }

        static string Describe(SchemaShape.Column column) =>
            $"{column.Name} {column.Describe()} [{string.Join(", ", column.Annotations.Select(Describe).Order())}]";
    }

    [Fact]
    public void ASecondPredictionIsASetOfItsOwn()
    {
        var view = _ml.Data.LoadFromEnumerable(Rows(30));
        var options =
            new NearestNeighborsOptions { PredictedLabelColumnName = "Second", ScoreColumnName = "SecondScore" };
        var schema = Pipeline().Append(_ml.MulticlassClassification.Trainers.NearestNeighbors(options)).Fit(view)
            .Transform(view).Schema;
        uint set = 0;
        schema["SecondScore"].Annotations.GetValue("ScoreColumnSetId", ref set);
        Assert.Equal(2u, set);
    }

    private sealed class NumberedRow
    {
        public int Class { get; set; }

        [VectorType(2)]
        public float[] Features { get; set; } = [];
    }

    [Fact]
    public void ClassesThatAreNumbersComeBackAsNumbers()
    {
        var rows = Rows(60).Select(row =>
            new NumberedRow { Class = 10 * Array.IndexOf(Classes, row.Class), Features = row.Features }).ToArray();
        var view = _ml.Data.LoadFromEnumerable(rows);
        var scored = Pipeline().Fit(view).Transform(view);
        Assert.Equal(rows.Select(row => row.Class), scored.GetColumn<int>("PredictedClass"));
        Assert.Equal(1, _ml.MulticlassClassification.Evaluate(scored).MicroAccuracy);
    }

    private sealed class KeyRow
    {
        [KeyType(3)]
        public uint Label { get; set; }

        [VectorType(2)]
        public float[] Features { get; set; } = [];
    }

    private IDataView Empty() => _ml.Data.LoadFromEnumerable(Array.Empty<KeyRow>());

    private NearestNeighborsTrainer Trainer(int k = 1) =>
        _ml.MulticlassClassification.Trainers.NearestNeighbors(numberOfNeighbors: k);

    [Fact]
    public void RowsWithoutALabelAreLeftOut()
    {
        // Read in, a label of 2 is the third class, and one beyond the count is missing.
        var view = _ml.Data.LoadFromEnumerable(
            new KeyRow[] { new() { Label = 2, Features = [1, 0] }, new() { Label = 9, Features = [0, 1] } });
        var scored = Trainer().Fit(view).Transform(view);
        Assert.Equal([3u, 3u], scored.GetColumn<uint>("PredictedLabel"));
        Assert.False(scored.Schema["Score"].HasSlotNames());
    }

    [Fact]
    public void DataWithoutAnyLabelIsRefused()
    {
        var view = _ml.Data.LoadFromEnumerable(new KeyRow[] { new() { Label = 9, Features = [0, 1] } });
        Assert.Contains("'Label'", Assert.Throws<InvalidOperationException>(() => Trainer().Fit(view)).Message);
        Assert.Contains("'Features'", Assert.Throws<InvalidOperationException>(() => Trainer().Fit(Empty())).Message);
    }

    [Fact]
    public void FeaturesThatAreNotFiniteOrOfAnotherLengthAreNamedByRow()
    {
        IDataView With(params float[] features) => _ml.Data.LoadFromEnumerable(
            new KeyRow[] { new() { Label = 1, Features = [1, 0] }, new() { Label = 1, Features = features } });
        Assert.Contains("'Features', row 1, slot 1",
            Assert.Throws<InvalidOperationException>(() => Trainer().Fit(With(1, float.NaN))).Message);
        Assert.Contains("'Features', row 1: the vector has 3",
            Assert.Throws<InvalidOperationException>(() => Trainer().Fit(With(1, 2, 3))).Message);
        var model = Trainer().Fit(With(1, 2));
        var predicted = model.Transform(With(float.NegativeInfinity, 0)).GetColumn<uint>("PredictedLabel");
        Assert.Contains("'Features', row 1, slot 0",
            Assert.Throws<InvalidOperationException>(() => predicted.ToArray()).Message);
    }

    private sealed class Wrong
    {
        public string Text { get; set; } = "";

        [KeyType(3)]
        public uint Label { get; set; }

        [VectorType(2)]
        public float[] Features { get; set; } = [1, 0];

        [VectorType(3)]
        public float[] Three { get; set; } = [1, 0, 0];

        public float[] Variable { get; set; } = [1, 0];
    }

    [Theory]
    [InlineData("Text", "Features", "'Text'", "MapValueToKey")]
    [InlineData("Features", "Features", "label column 'Features'", "Vector<Single")]
    [InlineData("Nothing", "Features", "label column 'Nothing'", "'Label'")]
    [InlineData("Label", "Variable", "feature column 'Variable'", "known-size")]
    [InlineData("Label", "Text", "feature column 'Text'", "known-size")]
    [InlineData("Label", "Nothing", "feature column 'Nothing'", "'Label'")]
    public void ColumnsOfOtherTypesAreRefusedByNameAndType(string label, string features, params string[] parts)
    {
        var trainer = _ml.MulticlassClassification.Trainers.NearestNeighbors(label, features);
        var view = _ml.Data.LoadFromEnumerable(new[] { new Wrong() });
        foreach (var error in new[]
                 {
                     Assert.Throws<ArgumentOutOfRangeException>(() =>
                         trainer.GetOutputSchema(SchemaShapes.Of(view.Schema))),
                     Assert.Throws<ArgumentOutOfRangeException>(() => trainer.Fit(view)),
                 })
        {
            Assert.Equal("inputSchema", error.ParamName);
            Assert.All(parts, part => Assert.Contains(part, error.Message));
        }
    }

    [Fact]
    public void FeaturesOfAnotherSizeThanTheTrainingDataAreRefused()
    {
        var view = _ml.Data.LoadFromEnumerable(new[] { new Wrong() });
        var model = Trainer().Fit(view);
        var wider = _ml.Transforms.CopyColumns("Features", "Three").Fit(view).Transform(view);
        Assert.Contains("expected Vector<Single, 2>",
            Assert.Throws<ArgumentOutOfRangeException>(() => model.Transform(wider)).Message);
    }

    [Theory]
    [InlineData(0, 0.07f, "NumberOfNeighbors")]
    [InlineData(20, 0f, "Temperature")]
    [InlineData(20, float.NaN, "Temperature")]
    public void OptionsOutOfRangeAreRefusedByName(int k, float temperature, string name) =>
        Assert.Equal(name, Assert.ThrowsAny<ArgumentException>(
            () => _ml.MulticlassClassification.Trainers.NearestNeighbors("Label", "Features", k, temperature))
                .ParamName);

    [Fact]
    public void BehindAnEncoderEveryImageIsEmbeddedOnceForAScore()
    {
        var rows = TestImages.Rows(150);
        var view = _ml.View(rows);
        var pipeline = _ml.Transforms.Conversion.MapValueToKey("Label")
            .Append(_ml.SelfSupervised().Pretrain(options: TestImages.Untrained))
            .Append(_ml.MulticlassClassification.Trainers.NearestNeighbors("Label", "Embedding", 1));
        using var model = pipeline.Fit(view);
        Assert.All(rows, row => Assert.Equal(2, row.Reads()));

        var scored = model.Transform(view);
        Assert.Equal(1, _ml.MulticlassClassification.Evaluate(scored).MicroAccuracy);
        Assert.All(rows, row => Assert.Equal(3, row.Reads()));

        // The embedding beside the score is the one that was scored.
        using var cursor = scored.GetRowCursor([scored.Schema["Embedding"], scored.Schema["Score"]]);
        var score = cursor.GetGetter<VBuffer<float>>(scored.Schema["Score"]);
        var embedded = cursor.GetGetter<VBuffer<float>>(scored.Schema["Embedding"]);
        int[] before = [.. rows.Select(row => row.Reads())];
        var buffer = default(VBuffer<float>);
        while (cursor.MoveNext())
        {
            score(ref buffer);
            embedded(ref buffer);
        }
        Assert.Equal(before.Select(reads => reads + 1), rows.Select(row => row.Reads()));
    }

    [Fact]
    public async Task ManyEnginesShareOneModel()
    {
        var rows = Rows(120, spread: 6);
        var view = _ml.Data.LoadFromEnumerable(rows);
        var model = Pipeline().Fit(view);
        var scored = _ml.Data.CreateEnumerable<Prediction>(model.Transform(view), false).ToArray();
        await Task.WhenAll(Enumerable.Range(0, 6).Select(worker => Task.Run(() =>
        {
            var engine = _ml.Model.CreatePredictionEngine<Row, Prediction>(model,
                new PredictionEngineOptions { OwnsTransformer = false });
            for (int i = worker; i < rows.Length; i += 6)
                TestImages.AssertClose(scored[i].Score, engine.Predict(rows[i]).Score);
        })));
    }

    [Fact]
    public void ADisposedModelIsRefused()
    {
        var view = _ml.Data.LoadFromEnumerable(new[] { new Wrong() });
        var model = Trainer().Fit(view);
        model.Dispose();
        Assert.Throws<ObjectDisposedException>(() => model.Transform(view));
    }
}
