using static TorchSharp.torch;

namespace MLNet.Ssl.Tests;

public class NormalQuantilesTests
{
    private const float End = 5.1993376f;

    [Fact]
    [Trait("Category", "Golden")]
    public void PlacesAreThoseOfScikitLearn()
    {
        Assert.SkipUnless(File.Exists(Path.Combine(Golden.Folder, "quantile_transform.json")),
            "The golden set has no quantile_transform.");
        using var scope = NewDisposeScope();
        var file = Golden.Load("quantile_transform");
        GoldenArray train = file.Input("train"), test = file.Input("test");
        int columns = (int)train.Shape[1];
        using var table = new TableStore(train.Floats, columns);
        foreach (var count in file.Params.GetProperty("n_quantiles").EnumerateArray())
        {
            var preprocessing = TablePreprocessing.Standardize(
                table, TableFacts.Of(table), [.. Enumerable.Range(0, columns)], count.GetInt32());
            foreach (var (name, rows) in new[] { ("train", train), ("test", test) })
            {
                var expected = file.Expected($"{name}.{count.GetInt32()}").Floats;
                var actual = preprocessing.Apply(tensor(rows.Floats, rows.Shape)).data<float>().ToArray();
                Assert.Equal(expected.Length, actual.Length);
                for (int i = 0; i < expected.Length; i++)
                    Assert.True(Math.Abs(expected[i] - actual[i]) < 1e-4,
                        $"{name}, {count} quantiles, row {i / columns}, slot {i % columns}: {actual[i]}, "
                        + $"expected {expected[i]}");
            }
        }
    }

    // A heavy tail, a crowd at the least value, a constant, an indicator.
    private static TableStore Store() => new(Enumerable.Range(0, 1001).SelectMany(i =>
        new[] { MathF.Exp(i / 50f), i < 600 ? 0 : i, 7, i % 2 }).ToArray(), 4);

    private static TablePreprocessing Fit(int quantiles, out float[] fitted)
    {
        using var scope = NewDisposeScope();
        using var table = Store();
        var facts = TableFacts.Of(table);
        var preprocessing = TablePreprocessing.Standardize(table, facts, facts.Continuous, quantiles);
        fitted = preprocessing.Apply(table.Values).data<float>().ToArray();
        return preprocessing;
    }

    private static float[] Row(TablePreprocessing preprocessing, params float[] row)
    {
        using var scope = NewDisposeScope();
        return preprocessing.Apply(tensor(row, [1, row.Length])).data<float>().ToArray();
    }

    [Theory]
    [InlineData(1001)]
    [InlineData(100_000)]
    [InlineData(101)]
    [InlineData(2)]
    public void CrowdsStandInTheirMidstAndOnlyContinuousSlotsAreMoved(int quantiles)
    {
        var preprocessing = Fit(quantiles, out float[] fitted);
        Assert.Equal(Math.Min(quantiles, 1001), preprocessing.Quantiles[0].Count);
        Assert.Equal([0, 1], preprocessing.Quantiles.Keys.Order());
        for (int i = 1; i < 1001; i++)
            Assert.True(fitted[4 * i] >= fitted[4 * i - 4] && fitted[4 * i + 1] >= fitted[4 * i - 3], $"row {i}");
        Assert.Equal((-End, End), (fitted[0], fitted[4000]));
        Assert.All(Enumerable.Range(0, 1001), i => Assert.Equal((0, i % 2), (fitted[4 * i + 2], fitted[4 * i + 3])));
        if (quantiles == 2) return;
        double middle = 0;
        for (int i = 0; i < 1001; i++) middle += fitted[4 * i] / 1001;
        Assert.Equal(0, middle, 2e-3);
        // The 600 least values are three fifths of the rows, and their midst is at three tenths.
        Assert.Equal(-0.5244, fitted[1], 0.02);
    }

    [Fact]
    public void WhatLiesBeyondTheRowsEndsAtTheEndsAndAConstantSlotStaysSilent()
    {
        var preprocessing = Fit(100, out _);
        Assert.Equal([-End, -End, 0, 0], Row(preprocessing, -1e30f, -1e-20f, 123, 0));
        Assert.Equal([End, End, 0, 1], Row(preprocessing, 1e30f, 1001, -5, 1));
    }

    [Fact]
    public void OtherQuantilesMakeAnotherPreprocessing()
    {
        Assert.Equal(Fit(100, out _), Fit(100, out _));
        Assert.NotEqual(Fit(100, out _), Fit(101, out _));
        Assert.NotEqual(Fit(100, out _), Fit(0, out _));
    }

    public static TheoryData<Dictionary<int, IReadOnlyList<float>>, string> Malformed => new()
    {
        { new() { [2] = [1, 2] }, "has the slot 2; rows have the slots 0 to 1" },
        { new() { [0] = [1, 2], [1] = [1, 2, 3] }, "Slot 1 has 3 quantiles and slot 0 2" },
        { new() { [1] = [1] }, "at least 2" },
        { new() { [1] = [1, 3, 2] }, "Quantile 2 of slot 1 is 2" },
        { new() { [1] = [1, float.NaN] }, "Quantile 1 of slot 1 is NaN" },
    };

    [Theory]
    [MemberData(nameof(Malformed))]
    public void MalformedQuantilesAreNamed(Dictionary<int, IReadOnlyList<float>> quantiles, string fault) =>
        Assert.Contains(fault, Assert.Throws<ArgumentException>(() =>
            new TablePreprocessing(new float[2], new float[2]) { Quantiles = quantiles }).Message);
}
