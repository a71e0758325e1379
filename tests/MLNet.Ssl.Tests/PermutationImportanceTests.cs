using Microsoft.ML;
using Microsoft.ML.Data;

namespace MLNet.Ssl.Tests;

/// <summary>ML.NET's measure of what a feature is worth takes this library's classifiers as it takes its own.</summary>
public sealed class PermutationImportanceTests
{
    private readonly MLContext _ml = new(seed: 1);

    public static TheoryData<string> Trainers => ["kNN", "linear probe"];

    [Theory]
    [MemberData(nameof(Trainers))]
    public void TheSlotThatTellsTheClassMattersAndNoiseDoesNot(string trainer)
    {
        var random = new Random(1);
        var rows = _ml.Data.LoadFromEnumerable(Enumerable.Range(0, 200).Select(i => new Row
        {
            Label = $"{i % 2}",
            Features = [Noise(), 2 * (i % 2) - 1 + 0.2f * Noise(), Noise()],
        }).ToArray());
        var view = _ml.Transforms.Conversion.MapValueToKey("Label").Fit(rows).Transform(rows);
        var trainers = _ml.MulticlassClassification.Trainers;
        using MulticlassTransformer fitted = trainer == "kNN" ? trainers.NearestNeighbors("Label", "Features").Fit(view)
            : trainers.LinearProbe("Label", "Features", new LinearProbeOptions { Epochs = 5 }).Fit(view);
        var worth = _ml.MulticlassClassification.PermutationFeatureImportance(fitted, view, permutationCount: 3);
        // How much of the accuracy is lost when the slot's values are dealt anew.
        double[] lost = [.. worth.Select(slot => -slot.MicroAccuracy.Mean)];
        Assert.Equal(3, lost.Length);
        Assert.InRange(lost[1], 0.2, 0.7);
        Assert.InRange(lost[0], -0.1, 0.1);
        Assert.InRange(lost[2], -0.1, 0.1);

        float Noise() => (float)(2 * random.NextDouble() - 1);
    }

    /// <summary>As the documentation of <see cref="MulticlassTransformer"/> says: the overload for any transformer asks
    /// for an interface that ML.NET keeps to itself.</summary>
    [Fact]
    public void OfAChainTheLastStepIsTakenByItsType()
    {
        var rows = _ml.Data.LoadFromEnumerable(Enumerable.Range(0, 40)
            .Select(i => new Row { Label = $"{i % 2}", Features = [i % 7, i % 2, i % 5] }).ToArray());
        using var chain = _ml.Transforms.Conversion.MapValueToKey("Label")
            .Append(_ml.MulticlassClassification.Trainers.NearestNeighbors("Label", "Features")).Fit(rows);
        var view = chain.Transform(rows);
        foreach (var any in new ITransformer[] { chain, chain.LastTransformer })
        {
            Assert.Contains("compatible predictor", Assert.ThrowsAny<Exception>(() => _ml.MulticlassClassification
                .PermutationFeatureImportance(any, view, permutationCount: 3)).Message);
        }
        MulticlassTransformer last = chain.LastTransformer;
        var worth = _ml.MulticlassClassification.PermutationFeatureImportance(last, view, permutationCount: 3);
        Assert.Equal(3, worth.Length);
        Assert.Equal(1, worth.Index().MaxBy(slot => -slot.Item.MicroAccuracy.Mean).Index);
    }

    private sealed class Row
    {
        [VectorType(3)]
        public float[] Features { get; set; } = [];

        public string Label { get; set; } = "";
    }
}
