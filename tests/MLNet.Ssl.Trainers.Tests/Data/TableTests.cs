using TorchSharp;
using static TorchSharp.torch;

namespace MLNet.Ssl.Tests;

public class TableTests
{
    // Continuous, binary, constant, one-hot.
    private static TableStore Store() => new(new float[] { 1, 0, 7, 1, 2, 1, 7, 0, 6, 0, 7, 0 }, 4);

    [Fact]
    public void FactsTellContinuousSlotsFromIndicatorsAndConstants()
    {
        using var store = Store();
        var facts = TableFacts.Of(store);
        Assert.Equal((4, "0", "2"),
            (facts.Columns, TableFacts.Describe(facts.Continuous), TableFacts.Describe(facts.Constant)));
        Assert.Equal("0–2, 5, 7–8", TableFacts.Describe([0, 1, 2, 5, 7, 8]));
        Assert.Equal("none", TableFacts.Describe([]));
    }

    [Fact]
    public void StandardizedSlotsHaveMeanZeroAndDeviationOneAndOthersStay()
    {
        using var scope = NewDisposeScope();
        using var store = Store();
        var facts = TableFacts.Of(store);
        var preprocessing = TablePreprocessing.Standardize(store, facts, facts.Continuous);
        var result = preprocessing.Apply(store.Values);
        var slot = result.select(1, 0);
        Assert.Equal(0, slot.mean().ToSingle(), 1e-6);
        Assert.Equal(1, slot.std(false).ToSingle(), 1e-6);
        Assert.Equal([0f, 1, 0], result.select(1, 1).data<float>().ToArray());
        Assert.Equal([1f, 0, 0], result.select(1, 3).data<float>().ToArray());
        // A constant tells nothing, and what a later row has in its place does not either.
        Assert.Equal(0, preprocessing.Apply(full([1, 4], 9))[0, 2].ToSingle());
        Assert.Equal(preprocessing, TablePreprocessing.Standardize(store, facts, [0, 2]));
        Assert.NotEqual(preprocessing, TablePreprocessing.None(4));
    }

    [Fact]
    public void IndicatorsThatANormaliserScaledBecomeIndicatorsAgain()
    {
        using var scope = NewDisposeScope();
        using var store = Store();
        using var scaled =
            new TableStore((store.Values * tensor(new float[] { 3, 55, 1, -0.2f })).data<float>().ToArray(), 4);
        var facts = TableFacts.Of(scaled);
        var result = TablePreprocessing.Standardize(scaled, facts, facts.Continuous).Apply(scaled.Values);
        Assert.True(result.select(1, 1).allclose(tensor(new float[] { 0, 1, 0 })));
        // The lesser value is 0.
        Assert.True(result.select(1, 3).allclose(tensor(new float[] { 0, 1, 1 })));
    }

    [Theory]
    [InlineData(1e-40f, "Slot 0 has values that differ by ", "Multiply them", " So it is with the slots 0–1.")]
    [InlineData(1e-38f, null, null, null)]
    [InlineData(1e-30f, null, null, null)]
    [InlineData(2e38f, "Slot 0 has values up to 2e+38", "Scale them down", " So it is with the slots 0–1.")]
    public void SlotsTooSmallOrTooLargeToStandardizeAreNamed(float scale, string? fault, string? advice, string? others)
    {
        // The last slot has two values.
        using var store =
            new TableStore(new float[] { 0, scale / 2, 7, 0, scale, 0, 8, 0, scale / 2, scale, 9, scale }, 4);
        var facts = TableFacts.Of(store);
        TablePreprocessing Standardize() => TablePreprocessing.Standardize(store, facts, facts.Continuous);
        if (fault is not null)
        {
            string message = Assert.Throws<ArgumentException>(Standardize).Message;
            Assert.All(new[] { fault, advice!, others! }, part => Assert.Contains(part, message));
            return;
        }
        using var scope = NewDisposeScope();
        var rows = Standardize().Apply(store.Values);
        foreach (int slot in facts.Continuous)
        {
            var column = rows.select(1, slot).data<float>().ToArray();
            Assert.Equal(0, column.Average(), 1e-4);
            Assert.Equal(1, Math.Sqrt(column.Average(v => v * v)), 1e-4);
        }
        Assert.Equal([0f, 0f, 1f], rows.select(1, 3).data<float>().ToArray());
    }

    [Fact]
    public void APreprocessingWithoutFiniteNumbersNamesTheSlot() =>
        Assert.Contains("Slot 1 has the mean 3 and the scale Infinity",
        Assert.Throws<ArgumentException>(() => new TablePreprocessing([1, 3], [1, float.PositiveInfinity])).Message);

    [Theory]
    [InlineData(float.NaN)]
    [InlineData(float.PositiveInfinity)]
    public void AValueThatIsNotFiniteIsNamedByRowAndSlot(float value)
    {
        var error = Assert.Throws<ArgumentException>(() => new TableStore(new[] { 1, 2, 3, value }, 2));
        Assert.Contains("Row 1, slot 1", error.Message);
        Assert.Contains("multiple of 3",
            Assert.Throws<ArgumentException>(() => new TableStore(new float[4], 3)).Message);
    }

    [Fact]
    public void ViewsAreMaskedAnewEveryEpochAndNeverInPlace()
    {
        using var scope = NewDisposeScope();
        using var store = new TableStore(Enumerable.Range(1, 400).Select(i => (float)i).ToArray(), 4);
        var options = new TableSettings(0.5, [0, 1, 2], true);
        using var views = new TableViews(store, TablePreprocessing.None(4), options, views: 2, seed: 1);
        int[] rows = [5, 3, 99];
        float[] Values(int view, int epoch) => [.. views.Render(rows, epoch)[view].data<float>()];
        Assert.Equal(Values(0, 0), Values(0, 0));
        Assert.NotEqual(Values(0, 0), Values(1, 0));
        Assert.NotEqual(Values(0, 0), Values(0, 1));
        var clean = store.Values.index_select(0, tensor(new long[] { 5, 3, 99 })).data<float>().ToArray();
        var masked = Values(0, 0);
        Assert.All(masked.Zip(clean), pair => Assert.True(pair.First == 0 || pair.First == pair.Second));
        Assert.Contains(0, masked);
        Assert.Equal([24, 16, 400], new[] { masked[3], masked[7], masked[11] });
        Assert.Equal(1, store.Values[0, 0].ToSingle());
    }

    [Fact]
    public void TheMaskedShareIsTheProbability()
    {
        using var scope = NewDisposeScope();
        using var store = new TableStore(Enumerable.Repeat(1f, 40_000).ToArray(), 4);
        using var views =
            new TableViews(store, TablePreprocessing.None(4), new(0.2, [0, 1, 2, 3], true), views: 1, seed: 1);
        double kept = views.Render([.. Enumerable.Range(0, 10_000)], 0)[0].mean().ToSingle();
        Assert.InRange(kept, 0.79, 0.81);
    }

    [Fact]
    public void CategoriesAreRangesOfWhichOneSlotIsSetInEveryRow()
    {
        IReadOnlyList<Range> Found(params float[][] rows)
        {
            using var store = new TableStore(rows.SelectMany(row => row).ToArray(), rows[0].Length);
            return TableFacts.Of(store).Categories;
        }
        // Two categories side by side, a number, a category that a normaliser has scaled.
        float[] Row(int a, int b, float number, int c) =>
            [a == 0 ? 1 : 0, a == 1 ? 1 : 0, b == 0 ? 1 : 0, b == 1 ? 1 : 0, b == 2 ? 1 : 0, number, c == 0 ? 7
                : -3, c == 1 ? 0.5f : 0];
        Assert.Equal([0..2, 2..5, 6..8], Found(Row(0, 0, 1, 0), Row(1, 1, 2, 1), Row(0, 2, 3, 1)));
        // A kind that does not occur stands among those that do.
        Assert.Equal([0..2, 2..5, 6..8], Found(Row(0, 0, 1, 0), Row(1, 2, 2, 1), Row(0, 2, 3, 1)));
        // A row without any, or with two: no category.
        Assert.Equal([2..5, 6..8], Found(Row(0, 0, 1, 0), Row(1, 1, 2, 1), Row(5, 2, 3, 1)));
        Assert.Equal([], Found([1, 1], [1, 0], [0, 1]));
        // Of rows of one kind alone nothing is told.
        Assert.Equal([], Found([1, 0, 0], [1, 0, 0]));
    }

    [Fact]
    public void GatheredRowsAreTheRowsInOrderOverTheBoundsOfBlocks()
    {
        using var builder = new TableStoreBuilder(3, blockElements: 3 * 50_000);
        for (int row = 0; row < 120_001; row++) builder.Add([row, row + 0.25f, -row]);
        using var table = builder.Build([1..3]);
        Assert.Equal((120_001, 3, 120_001L), (table.Count, table.Columns, builder.Count));
        Assert.Equal([1..3], table.Categories);
        float[] values = table.Values.data<float>().ToArray();
        for (int row = 0; row < table.Count; row++)
            Assert.Equal((row, row + 0.25f, -row), (values[3 * row], values[3 * row + 1], values[3 * row + 2]));
    }
}
