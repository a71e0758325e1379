using Microsoft.ML;
using Microsoft.ML.Data;
using Microsoft.ML.Trainers.FastTree;
using Microsoft.ML.Trainers.LightGbm;

namespace MLNet.Ssl.Benchmarks.Tables;

/// <summary>Accuracy and mean F1 of the classes.</summary>
internal sealed record Score(double Accuracy, double MacroF1);

/// <summary>The classifiers that features are compared by, all of them ML.NET's and this library's, with the same
/// settings for all features.</summary>
internal sealed class TableClassifiers(int classes)
{
    public const string Linear = "linear", Knn = "kNN", LightGbm = "LightGBM", FastTree = "FastTree";

    public static readonly string[] All = [Linear, Knn, LightGbm, FastTree];

    private readonly MLContext _ml = new(seed: 1);

    private sealed class Row
    {
        public float[] Features { get; set; } = [];

        public uint Label { get; set; }
    }

    public Score Measure(string classifier, IEnumerable<(float[] Features, int Label)> known,
        IEnumerable<(float[] Features, int Label)> unknown)
    {
        var labelled = known.ToArray();
        IDataView train = View(labelled), test = View([.. unknown]);
        using var model = (IDisposable)Trainer(classifier, labelled.Length).Fit(train);
        var metrics = _ml.MulticlassClassification.Evaluate(((ITransformer)model).Transform(test));
        var matrix = metrics.ConfusionMatrix;
        double F1(int c) => matrix.PerClassPrecision[c] + matrix.PerClassRecall[c] is var sum and > 0
            ? 2 * matrix.PerClassPrecision[c] * matrix.PerClassRecall[c] / sum : 0;
        return new(metrics.MicroAccuracy, Enumerable.Range(0, matrix.NumberOfClasses).Average(F1));
    }

    private IEstimator<ITransformer> Trainer(string classifier, int rows)
    {
        var trainers = _ml.MulticlassClassification.Trainers;
        // Leaves of 20 rows, the usual least, leave few labels whole.
        int leaf = Math.Clamp(rows / 50, 1, 20);
        return classifier switch
        {
            Linear => _ml.Transforms.CopyColumns("Features", "Features")
                .Append(trainers.LbfgsMaximumEntropy(l1Regularization: 0, l2Regularization: 1,
                    optimizationTolerance: 1e-5f)),
            Knn => _ml.Transforms.CopyColumns("Features", "Features")
                .Append(trainers.NearestNeighbors("Label", "Features", Math.Clamp(rows / (2 * classes), 1, 20))),
            LightGbm => _ml.Transforms.CopyColumns("Features", "Features")
                .Append(trainers.LightGbm(
                    new LightGbmMulticlassTrainer.Options { MinimumExampleCountPerLeaf = leaf, Seed = 1 })),
            FastTree => _ml.Transforms.CopyColumns("Features", "Features")
                .Append(trainers.OneVersusAll(_ml.BinaryClassification.Trainers.FastTree(
                    new FastTreeBinaryTrainer.Options { MinimumExampleCountPerLeaf = leaf }))),
            _ => throw new ArgumentException(
                $"There is no classifier '{classifier}'; expected {string.Join(", ", All)}."),
        };
    }

    private IDataView View((float[] Features, int Label)[] rows)
    {
        var schema = SchemaDefinition.Create(typeof(Row));
        schema["Features"].ColumnType = new VectorDataViewType(NumberDataViewType.Single, rows[0].Features.Length);
        schema["Label"].ColumnType = new KeyDataViewType(typeof(uint), classes);
        // Keys count from 1 in a view, and from 0 in an object.
        return _ml.Data.LoadFromEnumerable(
            rows.Select(row => new Row { Features = row.Features, Label = (uint)row.Label }), schema);
    }
}
