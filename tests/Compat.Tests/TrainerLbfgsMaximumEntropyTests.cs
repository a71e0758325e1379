using Microsoft.ML;
using Microsoft.ML.Data;
using Microsoft.ML.Trainers;

namespace MLNet.Ssl.Tests;

public class TrainerLbfgsMaximumEntropyTests
{
    private const int Classes = 3;
    private const int Dimension = 5;

    private readonly MLContext _ml = new(1);

    [Fact]
    [Trait("Category", "Golden")]
    public void ReachesTheOptimumOfLogisticRegression()
    {
        var golden = Golden.Load("linear_eval");
        int classes = golden.Params.GetProperty("classes").GetInt32(), dim = golden.Params.GetProperty("dim").GetInt32();
        double c = golden.Params.GetProperty("C").GetDouble();
        var train = LoadGolden(golden, "train", classes, dim);
        var test = LoadGolden(golden, "test", classes, dim);

        // ½‖W‖² + C · Σ cross-entropy has the minimum of Σ cross-entropy + L2/2 · ‖W‖² with L2 = 1/C.
        var model = _ml.MulticlassClassification.Trainers.LbfgsMaximumEntropy(l1Regularization: 0, l2Regularization: (float)(1 / c)).Fit(train);

        var (weights, biases) = Parameters(model.Model);
        AssertClose(golden.Expected("lbfgs.coef").Data, weights.SelectMany(w => w), 1e-3);
        AssertClose(golden.Expected("lbfgs.intercept").Data, biases, 1e-3);

        var scored = model.Transform(test);
        AssertClose(golden.Expected("lbfgs.test_probability").Data, scored.GetColumn<float[]>("Score").SelectMany(s => s), 1e-3);
        Assert.Equal(golden.Expected("lbfgs.test_prediction").Longs, scored.GetColumn<uint>("PredictedLabel").Select(key => key - 1L));
        Assert.Equal(golden.Expected("lbfgs.test_accuracy").Data[0], _ml.MulticlassClassification.Evaluate(scored).MicroAccuracy, 6);

        var trained = _ml.MulticlassClassification.Evaluate(model.Transform(train));
        Assert.Equal(golden.Expected("lbfgs.train_accuracy").Data[0], trained.MicroAccuracy, 6);
        double rows = golden.Input("train_y").Data.Length, squares = weights.SelectMany(w => w).Sum(w => (double)w * w);
        double objective = golden.Expected("lbfgs.objective").Data[0];
        Assert.Equal(objective, squares / 2 + c * rows * trained.LogLoss, 1e-4 * objective);
    }

    [Fact]
    public void LearnsASeparableSetAndGivesTheLabelsBack()
    {
        string[] names = ["oak", "elm", "ash"];
        var samples = Samples(60, noise: 0.3f).Select(s => new NamedSample { Name = names[s.Label], Features = s.Features }).ToArray();
        var pipeline = _ml.Transforms.Conversion.MapValueToKey("Label", "Name")
            .Append(_ml.MulticlassClassification.Trainers.LbfgsMaximumEntropy(l1Regularization: 0, l2Regularization: 0.01f))
            .Append(_ml.Transforms.Conversion.MapKeyToValue("Prediction", "PredictedLabel"));
        var data = _ml.Data.LoadFromEnumerable(samples);
        var scored = pipeline.Fit(data).Transform(data);

        Assert.Equal(samples.Select(s => s.Name), scored.GetColumn<string>("Prediction"));
        var predicted = Assert.IsType<KeyDataViewType>(scored.Schema["PredictedLabel"].Type);
        Assert.Equal(typeof(uint), predicted.RawType);
        Assert.Equal((ulong)Classes, predicted.Count);
        var score = Assert.IsType<VectorDataViewType>(scored.Schema["Score"].Type);
        Assert.Equal(Classes, score.Size);

        VBuffer<ReadOnlyMemory<char>> slots = default, keys = default;
        scored.Schema["Score"].Annotations.GetValue("SlotNames", ref slots);
        scored.Schema["Label"].Annotations.GetValue("KeyValues", ref keys);
        Assert.Equal(keys.DenseValues().Select(k => k.ToString()), slots.DenseValues().Select(s => s.ToString()));
        Assert.All(scored.GetColumn<float[]>("Score"), s => Assert.Equal(1, s.Sum(), 5));
        string[] expected = ["Label", "Name", "Features", "PredictedLabel", "Score", "Prediction"];
        Assert.Equal(expected.Order(), scored.Schema.Select(column => column.Name).Order());

        var metrics = _ml.MulticlassClassification.Evaluate(scored);
        Assert.Equal(1, metrics.MicroAccuracy);
        Assert.Contains("PREDICTED ||   oak |   elm |   ash | Recall", metrics.ConfusionMatrix.GetFormattedConfusionTable());
    }

    [Theory]
    [InlineData(0.5f, 0f)]
    [InlineData(3f, 1f)]
    public void L1LeavesZerosAndMeetsTheOptimalityConditions(float l1, float l2)
    {
        var samples = Samples(100, noise: 1.5f);
        var model = Trainer(o => (o.L1Regularization, o.L2Regularization, o.OptimizationTolerance) = (l1, l2, 1e-10f)).Fit(Load(samples)).Model;
        var (weights, biases) = Parameters(model);

        Assert.Contains(weights.SelectMany(w => w), w => w == 0);
        Assert.Contains(weights.SelectMany(w => w), w => w != 0);
        double[,] gradient = LossGradient(samples, weights, biases);
        for (int c = 0; c < Classes; c++)
        {
            for (int j = 0; j < Dimension; j++)
            {
                double slope = gradient[c, j] + l2 * weights[c][j];
                if (weights[c][j] == 0) Assert.InRange(slope, -l1 - 1e-2, l1 + 1e-2);
                else Assert.Equal(-l1 * Math.Sign(weights[c][j]), slope, 1e-2);
            }
            Assert.Equal(0, gradient[c, Dimension], 1e-2);
        }
    }

    [Fact]
    public void NonNegativityKeepsWeightsAtOrAboveZero()
    {
        var samples = Samples(100, noise: 1f);
        var model = Trainer(o => (o.EnforceNonNegativity, o.L2Regularization, o.OptimizationTolerance) = (true, 1, 1e-10f)).Fit(Load(samples)).Model;
        var (weights, biases) = Parameters(model);
        double[,] gradient = LossGradient(samples, weights, biases);
        Assert.Contains(weights.SelectMany(w => w), w => w > 0);
        for (int c = 0; c < Classes; c++)
            for (int j = 0; j < Dimension; j++)
            {
                if (weights[c][j] == 0) Assert.True(gradient[c, j] > -1e-2);
                else Assert.Equal(0, gradient[c, j] + weights[c][j], 1e-2);
                Assert.True(weights[c][j] >= 0);
            }
    }

    [Fact]
    public void DefaultsPenalizeBothNorms()
    {
        var data = Load(Samples(60, noise: 1f));
        var trainers = _ml.MulticlassClassification.Trainers;
        var byName = Parameters(trainers.LbfgsMaximumEntropy().Fit(data).Model);
        var byOptions = Parameters(trainers.LbfgsMaximumEntropy(new LbfgsMaximumEntropyMulticlassTrainer.Options()).Fit(data).Model);
        var trainer = Trainer(o => (o.L1Regularization, o.L2Regularization, o.OptimizationTolerance, o.HistorySize) = (1, 1, 1e-7f, 20));
        var explicitly = Parameters(trainer.Fit(data).Model);
        Assert.Equal(explicitly.Weights, byName.Weights);
        Assert.Equal(explicitly.Weights, byOptions.Weights);
    }

    [Fact]
    public void RowsWithoutLabelOrWithMissingFeaturesDoNotCount()
    {
        var samples = Samples(60, noise: 1f);
        float[] missing = [.. samples[0].Features];
        missing[2] = float.NaN;
        Sample[] more = [new() { Label = Classes, Features = samples[1].Features }, .. samples, new() { Label = 1, Features = missing }];
        var (expected, actual) = (Parameters(Trainer().Fit(Load(samples)).Model), Parameters(Trainer().Fit(Load(more)).Model));
        Assert.Equal(expected.Weights, actual.Weights);
        Assert.Equal(expected.Biases, actual.Biases);
    }

    [Fact]
    public void AFeatureThatIsMissingGivesNoPrediction()
    {
        var model = Trainer().Fit(Load(Samples(60, noise: 1f)));
        var scored = model.Transform(Load([new() { Features = [1, 2, float.NaN, 4, 5] }]));
        Assert.Equal([0u], scored.GetColumn<uint>("PredictedLabel"));
        Assert.All(scored.GetColumn<float[]>("Score").Single(), score => Assert.True(float.IsNaN(score)));
    }

    [Fact]
    public void NothingToTrainOnIsRefused() =>
        Assert.Throws<InvalidOperationException>(() => Trainer().Fit(Load([new() { Label = Classes, Features = new float[Dimension] }])));

    [Fact]
    public void ColumnsOfTheWrongKindAreNamed()
    {
        var data = Load(Samples(10, noise: 1f));
        var trainers = _ml.MulticlassClassification.Trainers;
        Assert.Contains("'Features'", Assert.Throws<ArgumentOutOfRangeException>(() =>
            trainers.LbfgsMaximumEntropy().Fit(_ml.Data.LoadFromEnumerable([new LooseSample { Features = [1, 2] }]))).Message);
        Assert.Contains("'Features'", Assert.Throws<ArgumentOutOfRangeException>(() => trainers.LbfgsMaximumEntropy("Features").Fit(data)).Message);
        Assert.Contains("'Pixels'", Assert.Throws<ArgumentOutOfRangeException>(() =>
            trainers.LbfgsMaximumEntropy(featureColumnName: "Pixels").Fit(data)).Message);
    }

    [Fact]
    public void AWeightCountsLikeRepeatedRows()
    {
        var samples = Samples(30, noise: 1f);
        foreach (var sample in samples) sample.Weight = 1 + sample.Label;
        var repeated = samples.SelectMany(s => Enumerable.Repeat(s, (int)s.Weight)).ToArray();
        void Tight(LbfgsMaximumEntropyMulticlassTrainer.Options o) => (o.L1Regularization, o.OptimizationTolerance) = (0, 1e-10f);
        var weighted = Parameters(Trainer(o =>
        {
            Tight(o);
            o.ExampleWeightColumnName = "Weight";
        }).Fit(Load(samples)).Model);
        AssertClose(Flat(Parameters(Trainer(Tight).Fit(Load(repeated)).Model).Weights), weighted.Weights.SelectMany(w => w), 1e-3);
    }

    [Fact]
    public void TheResultDoesNotDependOnTheNumberOfThreads()
    {
        // More rows than one block of the parallel sums holds.
        var data = Load(Samples(1500, noise: 2f));
        var one = Parameters(Trainer(o => o.NumberOfThreads = 1).Fit(data).Model);
        var four = Parameters(Trainer(o => o.NumberOfThreads = 4).Fit(data).Model);
        Assert.Equal(one.Weights, four.Weights);
        Assert.Equal(one.Biases, four.Biases);
    }

    [Fact]
    public void TrainingCanGoOnFromAModel()
    {
        var data = Load(Samples(60, noise: 1f));
        var trained = Trainer(o => o.OptimizationTolerance = 1e-10f).Fit(data).Model;
        var once = Trainer(o => o.MaximumNumberOfIterations = 1);
        double fresh = _ml.MulticlassClassification.Evaluate(once.Fit(data).Transform(data)).LogLoss;
        double resumed = _ml.MulticlassClassification.Evaluate(once.Fit(data, trained).Transform(data)).LogLoss;
        Assert.True(resumed < fresh);
        AssertClose(Flat(Parameters(trained).Weights), Parameters(once.Fit(data, trained).Model).Weights.SelectMany(w => w), 1e-3);
    }

    [Fact]
    public void PredictsOneObjectAtATimeWithoutALabelColumn()
    {
        var samples = Samples(60, noise: 1f);
        var model = Trainer().Fit(Load(samples));
        var expected = model.Transform(Load(samples)).GetColumn<float[]>("Score").ToArray();
        using var engine = _ml.Model.CreatePredictionEngine<Unlabeled, Prediction>(model);
        for (int i = 0; i < samples.Length; i++)
        {
            var prediction = engine.Predict(new Unlabeled { Features = samples[i].Features });
            Assert.Equal(expected[i], prediction.Score);
            Assert.Equal(1 + (uint)Array.IndexOf(expected[i], expected[i].Max()), prediction.PredictedLabel);
        }
    }

    [Fact]
    public void ASavedModelPredictsTheSame()
    {
        // Labels that are numbers: their values travel with the model too.
        var samples = Samples(60, noise: 1f).Select(s => new NumberedSample { Number = 10 * s.Label, Features = s.Features }).ToArray();
        var data = _ml.Data.LoadFromEnumerable(samples);
        var pipeline = _ml.Transforms.Conversion.MapValueToKey("Label", "Number").Append(Trainer())
            .Append(_ml.Transforms.Conversion.MapKeyToValue("Prediction", "PredictedLabel"));
        var model = pipeline.Fit(data);
        using var file = new MemoryStream();
        _ml.Model.Save(model, data.Schema, file);
        file.Position = 0;
        var loaded = new MLContext().Model.Load(file, out _).Transform(data);

        var scored = model.Transform(data);
        Assert.Equal(scored.GetColumn<float[]>("Score"), loaded.GetColumn<float[]>("Score"));
        Assert.Equal(scored.GetColumn<float>("Prediction"), loaded.GetColumn<float>("Prediction"));
        Assert.All(loaded.GetColumn<float>("Prediction"), p => Assert.Contains(p, new[] { 0f, 10f, 20f }));
    }

    [Fact]
    public void TheAnnouncedShapeIsTheShapeOfTheOutput()
    {
        var trainer = _ml.Transforms.Conversion.MapValueToKey("Label", "Name").Append(_ml.MulticlassClassification.Trainers.LbfgsMaximumEntropy());
        var data = _ml.Data.LoadFromEnumerable(Samples(10, 1).Select(s => new NamedSample { Name = $"{s.Label}", Features = s.Features }).ToArray());
        var later = new ShapeProbe();
        trainer.Append(later).Fit(data);
        var schema = trainer.Fit(data).Transform(data).Schema;
        Assert.Equal(schema.Select(c => c.Name).Order(), later.Shape!.Select(c => c.Name).Order());
        var predicted = later.Shape!.Single(c => c.Name == "PredictedLabel");
        Assert.True(predicted.IsKey);
        Assert.Contains(predicted.Annotations, a => a.Name == "KeyValues");
        Assert.Equal(SchemaShape.Column.VectorKind.Vector, later.Shape!.Single(c => c.Name == "Score").Kind);
    }

    [Fact]
    public void CrossValidationFoldsAreDisjointAndCoverTheData()
    {
        var samples = Samples(200, noise: 0.3f);
        for (int i = 0; i < samples.Length; i++) samples[i].Number = i;
        var folds = _ml.MulticlassClassification.CrossValidate(Load(samples), Trainer(o => o.L1Regularization = 0), numberOfFolds: 4);

        Assert.Equal([0, 1, 2, 3], folds.Select(f => f.Fold));
        var held = folds.Select(f => f.ScoredHoldOutSet.GetColumn<int>("Number").ToArray()).ToArray();
        Assert.All(held, numbers => Assert.InRange(numbers.Length, 20, 100));
        Assert.Equal(Enumerable.Range(0, samples.Length), held.SelectMany(n => n).Order());
        foreach (var fold in folds)
        {
            Assert.True(fold.Metrics.MicroAccuracy > 0.95);
            Assert.Equal(fold.Metrics.LogLoss, _ml.MulticlassClassification.Evaluate(fold.ScoredHoldOutSet).LogLoss);
        }

        // Each fold's model is the one of all the other rows.
        var others = samples.Where(s => !held[1].Contains(s.Number)).ToArray();
        var expected = Parameters(Trainer(o => o.L1Regularization = 0).Fit(Load(others)).Model);
        var model = Assert.IsAssignableFrom<IPredictionTransformer<MaximumEntropyModelParameters>>(folds[1].Model);
        Assert.Equal(expected.Weights, Parameters(model.Model).Weights);
    }

    private LbfgsMaximumEntropyMulticlassTrainer Trainer(Action<LbfgsMaximumEntropyMulticlassTrainer.Options>? change = null)
    {
        var options = new LbfgsMaximumEntropyMulticlassTrainer.Options { L1Regularization = 0, L2Regularization = 1 };
        change?.Invoke(options);
        return _ml.MulticlassClassification.Trainers.LbfgsMaximumEntropy(options);
    }

    private IDataView Load(Sample[] samples) => _ml.Data.LoadFromEnumerable(samples);

    private IDataView LoadGolden(GoldenFile golden, string set, int classes, int dim)
    {
        var definition = SchemaDefinition.Create(typeof(LooseSample));
        definition["Features"].ColumnType = new VectorDataViewType(NumberDataViewType.Single, dim);
        definition["Label"].ColumnType = new KeyDataViewType(typeof(uint), classes);
        float[] features = golden.Input(set + "_x").Floats;
        var rows = golden.Input(set + "_y").Longs.Select((label, i) =>
            new LooseSample { Label = (uint)label, Features = features[(i * dim)..((i + 1) * dim)] });
        return _ml.Data.LoadFromEnumerable(rows.ToArray(), definition);
    }

    /// <summary>Classes around the corners 4·e0, 4·e1, 4·e2 of the first three dimensions; the others are noise.</summary>
    private static Sample[] Samples(int count, float noise)
    {
        var random = new Random(5);
        return [.. Enumerable.Range(0, count).Select(i =>
        {
            uint label = (uint)(i % Classes);
            var features = Enumerable.Range(0, Dimension).Select(j => (j == label ? 4f : 0) + noise * (float)(2 * random.NextDouble() - 1)).ToArray();
            return new Sample { Label = label, Features = features };
        })];
    }

    private static (float[][] Weights, float[] Biases) Parameters(MaximumEntropyModelParameters model)
    {
        VBuffer<float>[] weights = [];
        model.GetWeights(ref weights, out int classes);
        Assert.Equal(weights.Length, classes);
        return ([.. weights.Select(w => w.DenseValues().ToArray())], [.. model.GetBiases()]);
    }

    private static IEnumerable<double> Flat(float[][] weights) => weights.SelectMany(w => w).Select(w => (double)w);

    /// <summary>The gradient of the summed log-loss, written out; the last column is that of the bias.</summary>
    private static double[,] LossGradient(Sample[] samples, float[][] weights, float[] biases)
    {
        var gradient = new double[Classes, Dimension + 1];
        foreach (var sample in samples)
        {
            double[] e = [.. weights.Select((w, c) => Math.Exp(biases[c] + w.Zip(sample.Features, (a, b) => (double)a * b).Sum()))];
            for (int c = 0; c < Classes; c++)
            {
                double delta = e[c] / e.Sum() - (c == sample.Label ? 1 : 0);
                for (int j = 0; j < Dimension; j++) gradient[c, j] += delta * sample.Features[j];
                gradient[c, Dimension] += delta;
            }
        }
        return gradient;
    }

    private static void AssertClose(IEnumerable<double> expected, IEnumerable<float> actual, double tolerance)
    {
        double[] e = [.. expected];
        float[] a = [.. actual];
        Assert.Equal(e.Length, a.Length);
        double limit = tolerance * Math.Max(1, e.Max(Math.Abs));
        for (int i = 0; i < e.Length; i++) Assert.True(Math.Abs(e[i] - a[i]) <= limit, $"[{i}]: expected {e[i]}, got {a[i]}");
    }

    private sealed class Sample
    {
        [KeyType(Classes)]
        public uint Label { get; set; }

        [VectorType(Dimension)]
        public float[] Features { get; set; } = [];

        public float Weight { get; set; } = 1;

        public int Number { get; set; }
    }

    private sealed class NamedSample
    {
        public string Name { get; set; } = "";

        [VectorType(Dimension)]
        public float[] Features { get; set; } = [];
    }

    private sealed class NumberedSample
    {
        public float Number { get; set; }

        [VectorType(Dimension)]
        public float[] Features { get; set; } = [];
    }

    private sealed class LooseSample
    {
        [KeyType(2)]
        public uint Label { get; set; }

        public float[] Features { get; set; } = [];
    }


    private sealed class Unlabeled
    {
        [VectorType(Dimension)]
        public float[] Features { get; set; } = [];
    }

    private sealed class Prediction
    {
        public uint PredictedLabel { get; set; }

        public float[] Score { get; set; } = [];
    }

    /// <summary>Remembers the shape that a chain announces to the estimator after it.</summary>
    private sealed class ShapeProbe : IEstimator<ITransformer>
    {
        public SchemaShape? Shape { get; private set; }

        public SchemaShape GetOutputSchema(SchemaShape inputSchema) => Shape ??= inputSchema;

        public ITransformer Fit(IDataView input) => new MLContext(1).Transforms.CopyColumns("Copy", "Score").Fit(input);
    }
}
