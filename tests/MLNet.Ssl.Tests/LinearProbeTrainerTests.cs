using Microsoft.ML;
using Microsoft.ML.Data;

namespace MLNet.Ssl.Tests;

/// <summary>The trainer and the evaluation catalog; what they share with the nearest
/// neighbours is tested there.</summary>
public sealed class LinearProbeTrainerTests
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

        public string PredictedClass { get; set; } = "";

        public float[] Score { get; set; } = [];
    }

    private static readonly string[] Classes = ["cat", "dog", "owl"];

    private static readonly LinearProbeOptions Quick = new() { LearningRates = [0.3, 3], Epochs = 15, BatchSize = 32 };

    /// <summary>Three classes around three points, in turn; a spread of 1 lets them overlap.</summary>
    private static Row[] Rows(int count, double spread = 0.1, int seed = 7)
    {
        var random = new Random(seed);
        float Near(double center) => (float)(center + (random.NextDouble() - 0.5) * 4 * spread);
        return [.. Enumerable.Range(0, count).Select(i =>
            new Row { Class = Classes[i % 3], Features = [Near(Math.Cos(i % 3 * 2)), Near(Math.Sin(i % 3 * 2))] })];
    }

    private IDataView View(int count, double spread = 0.1, int seed = 7) =>
        _ml.Data.LoadFromEnumerable(Rows(count, spread, seed));

    private IEstimator<ITransformer> Pipeline(LinearProbeOptions? options = null) =>
        _ml.Transforms.Conversion.MapValueToKey("Label", "Class")
        .Append(_ml.MulticlassClassification.Trainers.LinearProbe(probe: options ?? Quick))
        .Append(_ml.Transforms.Conversion.MapKeyToValue("PredictedClass", "PredictedLabel"));

    [Fact]
    public void SeparateClassesAreToldApartThroughEvaluateAndCrossValidate()
    {
        var split = _ml.Data.TrainTestSplit(View(300), 0.3);
        var scored = Pipeline().Fit(split.TrainSet).Transform(split.TestSet);
        var metrics = _ml.MulticlassClassification.Evaluate(scored, topKPredictionCount: 2);
        Assert.Equal((1.0, 1.0, 1.0), (metrics.MicroAccuracy, metrics.MacroAccuracy, metrics.TopKAccuracy));
        Assert.Contains("owl", metrics.ConfusionMatrix.GetFormattedConfusionTable());
        Assert.All(_ml.Data.CreateEnumerable<Prediction>(scored, false), row =>
            Assert.Equal(row.Class, row.PredictedClass));
        var folds = _ml.MulticlassClassification.CrossValidate(View(150), Pipeline(), 3);
        Assert.All(folds, fold => Assert.Equal(1, fold.Metrics.MicroAccuracy));
    }

    [Fact]
    public void ThePredictionEngineAgreesWithTheCursorAndScoresSumToOne()
    {
        var rows = Rows(120, spread: 1);
        var view = _ml.Data.LoadFromEnumerable(rows);
        var model = Pipeline().Fit(view);
        var scored = _ml.Data.CreateEnumerable<Prediction>(model.Transform(view), false).ToArray();
        using var engine = _ml.Model.CreatePredictionEngine<Row, Prediction>(model);
        for (int i = 0; i < rows.Length; i++)
        {
            var alone = engine.Predict(new() { Features = rows[i].Features });
            TestImages.AssertClose(scored[i].Score, alone.Score);
            Assert.Equal(1, alone.Score.Sum(), 5);
            Assert.Equal(scored[i].PredictedClass, alone.PredictedClass);
        }
        Assert.InRange(scored.Count(row => row.Class == row.PredictedClass), 60, 119);
    }

    [Fact]
    public void TheLearningRateIsChosenOnRowsHeldOutAndReported()
    {
        var labelled = _ml.Transforms.Conversion.MapValueToKey("Label", "Class").Fit(View(300, 1))
            .Transform(View(300, 1));
        var options = new LinearProbeTrainerOptions { Probe = Quick with { LearningRates = [1e-9, 1] } };
        using var model = _ml.MulticlassClassification.Trainers.LinearProbe(options).Fit(labelled);
        Assert.Equal([1e-9, 1], model.Probe.Sweep.Select(r => r.LearningRate));
        Assert.Equal(model.Probe.Chosen, model.Probe.Sweep.MaxBy(r => r.Accuracy));
        // A fifth of 300 rows, 20 of each class: accuracies are 60ths.
        Assert.All(model.Probe.Sweep, r => Assert.Equal(Math.Round(60 * r.Accuracy), 60 * r.Accuracy, 9));
        // The final weights are those of all rows at the chosen rate.
        var alone = options with { Probe = options.Probe with { LearningRates = [model.Probe.Chosen.LearningRate] } };
        using var direct = _ml.MulticlassClassification.Trainers.LinearProbe(alone).Fit(labelled);
        float[][] Scores(LinearProbeTransformer m) => [.. m.Transform(labelled).GetColumn<float[]>("Score")];
        Assert.Equal(Scores(direct), Scores(model));
    }

    [Fact]
    public void RowsThatSpareNoneForTheChoiceAreRefused()
    {
        var pipeline = Pipeline();
        Assert.Contains("held out", Assert.Throws<ArgumentException>(() => pipeline.Fit(View(3))).Message);
        Assert.NotNull(Pipeline(Quick with { LearningRates = [1] }).Fit(View(3)));
    }

    private sealed class KeyRow
    {
        [KeyType(3)]
        public uint Label { get; set; }

        [VectorType(2)]
        public float[] Features { get; set; } = [];
    }

    private IDataView Keys(params (uint Label, float[] Features)[] rows) =>
        _ml.Data.LoadFromEnumerable(rows.Select(r => new KeyRow { Label = r.Label, Features = r.Features }).ToArray());

    [Fact]
    public void BadRowsAreRefusedByColumnAndRow()
    {
        var trainer = _ml.MulticlassClassification.Trainers.LinearProbe(probe: Quick);
        string Refused(params (uint, float[])[] rows) =>
            Assert.Throws<InvalidOperationException>(() => trainer.Fit(Keys(rows))).Message;
        // Read in, a label of 0 is the first class, and one beyond the count is missing.
        Assert.Contains("'Label' are of one class", Refused((0, [1, 0]), (0, [0, 1]), (9, [2, 2])));
        Assert.Contains("'Label'", Refused((9, [1, 0]), (9, [0, 1])));
        Assert.Contains("'Features'", Refused());
        Assert.Contains("'Features', row 1, slot 1", Refused((0, [1, 0]), (1, [0, float.NaN])));
        Assert.Contains("'Features', row 1: the vector has 3", Refused((0, [1, 0]), (1, [0, 1, 2])));
        Assert.Equal("LearningRates", Assert.ThrowsAny<ArgumentException>(
            () => _ml.MulticlassClassification.Trainers.LinearProbe(probe: new() { LearningRates = [-1] })).ParamName);
        Assert.Equal("ValidationFraction", Assert.ThrowsAny<ArgumentException>(
            () => _ml.MulticlassClassification.Trainers.LinearProbe(
                new LinearProbeTrainerOptions { ValidationFraction = 1 })).ParamName);
    }

    private (IDataView Train, IDataView Test) Mapped(int train = 150, int test = 90)
    {
        var map = _ml.Transforms.Conversion.MapValueToKey("Label", "Class").Fit(View(train, 1));
        return (map.Transform(View(train, 1)), map.Transform(View(test, 1, seed: 8)));
    }

    [Fact]
    public void TheCatalogEvaluatesAsTheTrainersDo()
    {
        var (train, test) = Mapped();
        var evaluate = _ml.SelfSupervised().Evaluate;
        double Micro(IEstimator<ITransformer> trainer) =>
            _ml.MulticlassClassification.Evaluate(trainer.Fit(train).Transform(test)).MicroAccuracy;

        var neighbors = evaluate.NearestNeighbors(train, test, featureColumnName: "Features", ks: [1, 15]);
        Assert.Equal([1, 15], neighbors.Select(r => r.NumberOfNeighbors));
        Assert.All(neighbors, r =>
            Assert.Equal(Micro(_ml.MulticlassClassification.Trainers.NearestNeighbors(
                numberOfNeighbors: r.NumberOfNeighbors)), r.Accuracy, 9));
        Assert.Equal((3, "l2"), (neighbors[1].TopKPredictionCount, neighbors[1].Normalization));
        Assert.Equal(1, neighbors[1].TopKAccuracy);

        var one =
            evaluate.Linear(train, test, featureColumnName: "Features", options: Quick with { LearningRates = [1] });
        Assert.Equal(Micro(_ml.MulticlassClassification.Trainers.LinearProbe(
            probe: Quick with { LearningRates = [1] })), one.Accuracy, 9);
        Assert.Equal((1.0, 3, true), (one.TopKAccuracy, one.TopKPredictionCount, one.ChosenOnTestRows));

        var sweep = evaluate.Linear(train, test, featureColumnName: "Features", options: Quick);
        Assert.Equal(sweep.Sweep.Max(r => r.Accuracy), sweep.Accuracy, 9);
        Assert.Equal((sweep.Chosen.Accuracy, 2, Quick), (sweep.Accuracy, sweep.Sweep.Count, sweep.Options));

        var closed = evaluate.ClosedForm(train, test, featureColumnName: "Features");
        Assert.InRange(closed.Accuracy, one.Accuracy - 0.15, 1);
        Assert.Equal((1.0, 3), (closed.TopKAccuracy, closed.TopKPredictionCount));
    }

    [Fact]
    public void ValidationRowsMakeTheChoiceInsteadOfTheTestRows()
    {
        var (train, test) = Mapped();
        // Validation rows whose features are mirrored: what is right for the test rows is wrong for them.
        var mirrored = _ml.Data.LoadFromEnumerable(
            Rows(90, 0.3).Select(r => new Row { Class = r.Class, Features = [-r.Features[0], -r.Features[1]] })
                .ToArray());
        var validation = _ml.Transforms.Conversion.MapValueToKey("Label", "Class").Fit(train).Transform(mirrored);
        var evaluate = _ml.SelfSupervised().Evaluate;
        var honest =
            evaluate.Linear(train, test, featureColumnName: "Features", options: Quick, validation: validation);
        Assert.Equal(honest.Sweep.Max(r => r.Accuracy), honest.Chosen.Accuracy);
        Assert.InRange(honest.Chosen.Accuracy, 0, 0.4);
        Assert.InRange(honest.Accuracy, 0.5, 1);
        Assert.False(honest.ChosenOnTestRows);
    }

    [Fact]
    public void ViewsThatDoNotBelongTogetherAreRefused()
    {
        var (train, test) = Mapped();
        var evaluate = _ml.SelfSupervised().Evaluate;
        string Refused(IDataView other, string features = "Features") =>
            Assert.ThrowsAny<ArgumentException>(() =>
                evaluate.NearestNeighbors(train, other, featureColumnName: features)).Message;
        var reversed = _ml.Data.LoadFromEnumerable(Rows(90).Reverse().ToArray());
        Assert.Contains("class 1 under two names",
            Refused(_ml.Transforms.Conversion.MapValueToKey("Label", "Class").Fit(reversed).Transform(reversed)));
        Assert.Contains("3 classes and 2",
            Refused(_ml.Transforms.Conversion.MapValueToKey("Label", "Class").Fit(View(2)).Transform(View(2))));
        Assert.Contains("'Embedding'", Refused(test, "Embedding"));
        Assert.Contains("expected Vector<Single, 2>",
            Refused(_ml.Transforms.Concatenate("Features", "Features", "Features").Fit(test).Transform(test)));
        Assert.Equal("ks",
            Assert.ThrowsAny<ArgumentException>(() => evaluate.NearestNeighbors(train, test, ks: [0])).ParamName);
        Assert.Equal("temperature", Assert.ThrowsAny<ArgumentException>(() =>
            evaluate.NearestNeighbors(train, test, temperature: 0)).ParamName);
        Assert.Equal("Epochs", Assert.ThrowsAny<ArgumentException>(() =>
            evaluate.Linear(train, test, options: new() { Epochs = 0 })).ParamName);
        var single = Keys((0, [1, 0]), (0, [0, 1]));
        Assert.Contains("'Label' are of one class", Assert.Throws<InvalidOperationException>(
            () => evaluate.Linear(single, single, featureColumnName: "Features", options: Quick)).Message);
        var missing = Keys((9, [1, 0]));
        Assert.Contains("No row has", Assert.Throws<InvalidOperationException>(() =>
            evaluate.ClosedForm(single, missing, featureColumnName: "Features")).Message);
    }
}
