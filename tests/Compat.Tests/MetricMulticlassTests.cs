using Microsoft.ML;
using Microsoft.ML.Data;

namespace MLNet.Ssl.Tests;

public class MetricMulticlassTests
{
    private const int Classes = 4;

    // Class 3 never occurs; row 2 is a tie that the true class loses to an earlier one, row 3 a tie that it wins over a later one.
    private static readonly Row[] Rows =
    [
        new(0, 0.7f, 0.1f, 0.1f, 0.1f),
        new(0, 0.1f, 0.6f, 0.2f, 0.1f),
        new(1, 0.4f, 0.4f, 0.1f, 0.1f),
        new(1, 0.1f, 0.4f, 0.4f, 0.1f),
        new(2, 0.5f, 0.3f, 0f, 0.2f),
    ];

    private static readonly double[] Losses = [-Math.Log(0.7f), -Math.Log(0.1f), -Math.Log(0.4f), -Math.Log(0.4f), -Math.Log(1e-15)];

    [Fact]
    public void LossesFollowFromTheProbabilitiesOfTheTrueClasses()
    {
        var metrics = Evaluate(Rows);
        double entropy = -(2 * 0.4 * Math.Log(0.4) + 0.2 * Math.Log(0.2));
        Assert.Equal(Losses.Average(), metrics.LogLoss, 9);
        Assert.Equal((entropy - Losses.Average()) / entropy, metrics.LogLossReduction, 9);
        Assert.Equal((Losses[0] + Losses[1]) / 2, metrics.PerClassLogLoss[0], 9);
        Assert.Equal(Losses[2], metrics.PerClassLogLoss[1], 9);
        Assert.Equal(Losses[4], metrics.PerClassLogLoss[2], 9);
        Assert.Equal(0, metrics.PerClassLogLoss[3]);
    }

    [Fact]
    public void MacroAccuracyLeavesOutAbsentClasses()
    {
        var metrics = Evaluate(Rows);
        Assert.Equal(2 / 5.0, metrics.MicroAccuracy, 9);
        Assert.Equal((0.5 + 0.5 + 0) / 3, metrics.MacroAccuracy, 9);
    }

    [Fact]
    public void ConfusionMatrixCountsActualByPredicted()
    {
        var confusion = Evaluate(Rows).ConfusionMatrix;
        Assert.Equal(Classes, confusion.NumberOfClasses);
        double[][] expected = [[1, 1, 0, 0], [1, 1, 0, 0], [1, 0, 0, 0], [0, 0, 0, 0]];
        for (int actual = 0; actual < Classes; actual++) Assert.Equal(expected[actual], confusion.Counts[actual]);
        Assert.Equal(1, confusion.GetCountForClassPair(predictedClassIndicatorIndex: 0, actualClassIndicatorIndex: 2));
        Assert.Equal(0, confusion.GetCountForClassPair(predictedClassIndicatorIndex: 2, actualClassIndicatorIndex: 0));
        Assert.Equal([1 / 3.0, 0.5, 0, 0], confusion.PerClassPrecision);
        Assert.Equal([0.5, 0.5, 0, 0], confusion.PerClassRecall);
    }

    [Fact]
    public void ConfusionTableIsFormatted()
    {
        string[] expected =
        [
            "Confusion table",
            "          ||================================",
            "PREDICTED ||     0 |     1 |     2 |     3 | Recall",
            "TRUTH     ||================================",
            "        0 ||     1 |     1 |     0 |     0 | 0.5000",
            "        1 ||     1 |     1 |     0 |     0 | 0.5000",
            "        2 ||     1 |     0 |     0 |     0 | 0.0000",
            "        3 ||     0 |     0 |     0 |     0 | 0.0000",
            "          ||================================",
            "Precision ||0.3333 |0.5000 |0.0000 |0.0000 |",
        ];
        string table = Evaluate(Rows).ConfusionMatrix.GetFormattedConfusionTable();
        Assert.Equal(expected, table.Split('\n', StringSplitOptions.RemoveEmptyEntries).Select(line => line.TrimEnd()));
    }

    [Fact]
    public void TopKCountsATieWithAnEarlierClassAgainstTheTrueOne()
    {
        var metrics = Evaluate(Rows, topK: 4);
        // Classes before the true one, row by row: 0, 2 (0.6 and 0.2; the tie with class 3 is later), 1, 0, 3.
        Assert.Equal([2 / 5.0, 3 / 5.0, 4 / 5.0, 1], metrics.TopKAccuracyForAllK);
        Assert.Equal(1, metrics.TopKAccuracy);
        Assert.Equal(4, metrics.TopKPredictionCount);
        Assert.Equal(3 / 5.0, Evaluate(Rows, topK: 2).TopKAccuracy, 9);
        Assert.Equal(0, Evaluate(Rows).TopKPredictionCount);
    }

    [Fact]
    public void RowsWithoutLabelOrFiniteScoresAreLeftOut()
    {
        Row[] more = [.. Rows, new(Classes, 1, 0, 0, 0), new(0, float.NaN, 0, 0, 1), new(0, float.PositiveInfinity, 0, 0, 1)];
        var (expected, metrics) = (Evaluate(Rows, topK: 2), Evaluate(more, topK: 2));
        Assert.Equal(expected.LogLoss, metrics.LogLoss);
        Assert.Equal(expected.MicroAccuracy, metrics.MicroAccuracy);
        Assert.Equal(expected.MacroAccuracy, metrics.MacroAccuracy);
        Assert.Equal(expected.TopKAccuracyForAllK, metrics.TopKAccuracyForAllK);
    }

    [Fact]
    public void LabelsMayBeIntegersInASingleColumn()
    {
        var ml = new MLContext(1);
        var rows = Rows.Select(r => new SingleLabelRow { Label = r.Label, Score = r.Score, PredictedLabel = 0 })
            .Append(new SingleLabelRow { Label = float.NaN, Score = Rows[0].Score });
        var metrics = ml.MulticlassClassification.Evaluate(ml.Data.LoadFromEnumerable(rows.ToArray()));
        Assert.Equal(2 / 5.0, metrics.MicroAccuracy, 9);
        Assert.Equal(Losses.Average(), metrics.LogLoss, 9);
    }

    [Fact]
    public void ALabelBeyondTheScoresIsAnErrorOfTheModel()
    {
        var ml = new MLContext(1);
        SingleLabelRow[] rows = [new() { Label = 0, Score = Rows[0].Score }, new() { Label = 7, Score = Rows[0].Score }];
        var metrics = ml.MulticlassClassification.Evaluate(ml.Data.LoadFromEnumerable(rows));
        Assert.Equal(0.5, metrics.MicroAccuracy, 9);
        Assert.Equal((Losses[0] - Math.Log(1e-15)) / 2, metrics.LogLoss, 9);
    }

    [Fact]
    public void ColumnsOfTheWrongKindAreNamed()
    {
        var ml = new MLContext(1);
        var data = ml.Data.LoadFromEnumerable(Rows);
        Assert.Contains("'Truth'", Assert.ThrowsAny<Exception>(() => ml.MulticlassClassification.Evaluate(data, labelColumnName: "Truth")).Message);
        Assert.Contains("'Label'", Assert.ThrowsAny<Exception>(() => ml.MulticlassClassification.Evaluate(data, scoreColumnName: "Label")).Message);
        Assert.Contains("'Best'", Assert.ThrowsAny<Exception>(() => ml.MulticlassClassification.Evaluate(data, predictedLabelColumnName: "Best")).Message);
    }

    private static MulticlassClassificationMetrics Evaluate(Row[] rows, int topK = 0)
    {
        var ml = new MLContext(1);
        return ml.MulticlassClassification.Evaluate(ml.Data.LoadFromEnumerable(rows), topKPredictionCount: topK);
    }

    private sealed class Row(uint label, params float[] score)
    {
        // Key members count from zero in the objects that are read in.
        [KeyType(Classes)]
        public uint Label { get; set; } = label;

        [VectorType(Classes)]
        public float[] Score { get; set; } = score;

        [KeyType(Classes)]
        public uint PredictedLabel { get; set; }
    }

    private sealed class SingleLabelRow
    {
        public float Label { get; set; }

        [VectorType(Classes)]
        public float[] Score { get; set; } = [];

        [KeyType(Classes)]
        public uint PredictedLabel { get; set; }
    }
}
