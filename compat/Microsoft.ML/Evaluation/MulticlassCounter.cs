namespace Microsoft.ML.Data;

/// <summary>Sums over scored rows from which <see cref="MulticlassClassificationMetrics"/> are computed.</summary>
internal sealed class MulticlassCounter
{
    private const double SmallestProbability = 1e-15;

    public MulticlassCounter(int classes, int topK)
    {
        Counts = [.. Enumerable.Range(0, classes).Select(_ => new double[classes])];
        ClassLossSums = new double[classes];
        RankCounts = new long[topK];
    }

    /// <summary>Counts[actual][predicted].</summary>
    public double[][] Counts { get; }

    public double[] ClassLossSums { get; }

    public double LossSum { get; private set; }

    public long Rows { get; private set; }

    /// <summary>Rows of each label, those beyond the scores included.</summary>
    public Dictionary<int, long> LabelCounts { get; } = [];

    /// <summary>RankCounts[r]: rows whose true class has r classes before it.</summary>
    public long[] RankCounts { get; }

    public void Add(int label, ReadOnlySpan<float> scores)
    {
        foreach (float score in scores)
            if (!float.IsFinite(score)) return;

        Rows++;
        LabelCounts[label] = LabelCounts.GetValueOrDefault(label) + 1;
        if (label >= scores.Length)
        {
            LossSum -= Math.Log(SmallestProbability);
            return;
        }

        double loss = -Math.Log(Math.Clamp(scores[label], SmallestProbability, 1));
        LossSum += loss;
        ClassLossSums[label] += loss;
        int best = 0, rank = 0;
        for (int c = 0; c < scores.Length; c++)
        {
            if (scores[c] > scores[best]) best = c;
            // An earlier class with the same score stands before the true one.
            if (scores[c] > scores[label] || (scores[c] == scores[label] && c < label)) rank++;
        }
        Counts[label][best]++;
        if (rank < RankCounts.Length) RankCounts[rank]++;
    }
}
