namespace Microsoft.ML.Data;

/// <summary>Quality of a multiclass classifier on a labelled set.</summary>
public sealed class MulticlassClassificationMetrics
{
    internal MulticlassClassificationMetrics(MulticlassCounter counter, IReadOnlyList<string> classNames)
    {
        var counts = counter.Counts;
        double rows = counter.Rows;
        LogLoss = counter.LossSum / rows;
        double entropy = -counter.LabelCounts.Values.Sum(n => n / rows * Math.Log(n / rows));
        LogLossReduction = (entropy - LogLoss) / entropy;
        MicroAccuracy = counts.Select((row, c) => row[c]).Sum() / rows;
        MacroAccuracy = counts.Select((row, c) => row[c] / row.Sum()).Where(recall => !double.IsNaN(recall)).DefaultIfEmpty(0).Average();
        PerClassLogLoss = [.. counter.ClassLossSums.Select((sum, c) => sum == 0 ? 0 : sum / counts[c].Sum())];
        ConfusionMatrix = new(counts, classNames);

        TopKPredictionCount = counter.RankCounts.Length;
        if (TopKPredictionCount == 0) return;
        double hits = 0;
        TopKAccuracyForAllK = [.. counter.RankCounts.Select(n => (hits += n) / rows)];
        TopKAccuracy = TopKAccuracyForAllK[^1];
    }

    /// <summary>Mean −ln of the probability given to the true class, clipped at 1e-15.</summary>
    public double LogLoss { get; }

    /// <summary>(H − LogLoss) / H with the entropy H of the labels of the set.</summary>
    public double LogLossReduction { get; }

    /// <summary>Mean recall of the classes that occur in the set.</summary>
    public double MacroAccuracy { get; }

    /// <summary>Share of correct rows.</summary>
    public double MicroAccuracy { get; }

    /// <summary>Share of rows whose true class is among the <see cref="TopKPredictionCount"/> best; 0 unless asked for.</summary>
    public double TopKAccuracy { get; }

    public int TopKPredictionCount { get; }

    /// <summary>The top-k accuracies for k = 1 … <see cref="TopKPredictionCount"/>; null unless asked for.</summary>
    public IReadOnlyList<double> TopKAccuracyForAllK { get; }

    /// <summary>The log-loss over the rows of each class; 0 for a class without rows.</summary>
    public IReadOnlyList<double> PerClassLogLoss { get; }

    public ConfusionMatrix ConfusionMatrix { get; }
}
