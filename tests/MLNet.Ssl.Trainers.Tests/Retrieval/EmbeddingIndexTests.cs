using FsCheck.Xunit;

namespace MLNet.Ssl.Tests;

public sealed class EmbeddingIndexTests
{
    private static float[] Vector(Random random, int dimension) =>
        [.. Enumerable.Range(0, dimension).Select(_ => (float)(random.NextDouble() * 2 - 1))];

    private static EmbeddingIndex Random(int rows, int dimension, int seed, int blockBytes = 1 << 20)
    {
        var random = new Random(seed);
        var index = new EmbeddingIndex(dimension, blockBytes);
        for (int row = 0; row < rows; row++) index.Add($"row {row}", Vector(random, dimension));
        return index;
    }

    private static double Cosine(ReadOnlySpan<float> a, ReadOnlySpan<float> b)
    {
        double product = 0, left = 0, right = 0;
        for (int i = 0; i < a.Length; i++) (product, left, right) =
            (product + (double)a[i] * b[i], left + (double)a[i] * a[i], right + (double)b[i] * b[i]);
        return product / Math.Sqrt(left * right);
    }

    private static void AssertSearch(EmbeddingIndex index, ReadOnlySpan<float> query, int count, Neighbor[] found)
    {
        var expected = new (int Row, double Similarity)[index.Count];
        for (int row = 0; row < index.Count; row++) expected[row] = (row, Cosine(query, index[row]));
        Array.Sort(expected, (a, b) => b.Similarity.CompareTo(a.Similarity));
        Assert.Equal(Math.Min(count, index.Count), found.Length);
        for (int i = 0; i < found.Length; i++)
        {
            Assert.Equal(expected[i].Similarity, found[i].Similarity, 1e-5);
            Assert.Equal(Cosine(query, index[found[i].Row]), found[i].Similarity, 1e-5);
            Assert.Equal(index.Keys[found[i].Row], found[i].Key);
        }
        Assert.Equal(found.Length, found.Select(n => n.Row).Distinct().Count());
    }

    [Property(MaxTest = 50)]
    public void SearchFindsWhatBruteForceFinds(int seed)
    {
        var random = new Random(seed);
        var index = Random(random.Next(1, 200), random.Next(2, 20), seed);
        int count = random.Next(1, 12);
        var query = Vector(random, index.Dimension);
        AssertSearch(index, query, count, index.Search(query, count));
    }

    [Fact]
    public void BlocksAndChunksDoNotShow()
    {
        // 16 rows make a block.
        var index = Random(40, 100, 1, blockBytes: 16 * 100 * sizeof(float));
        var random = new Random(2);
        float[][] queries =
            [.. Enumerable.Range(0, 3).Select(_ => Vector(random, index.Dimension)), index[20].ToArray()];
        var found = index.SearchMany([.. queries.SelectMany(q => q)], 25);
        for (int q = 0; q < queries.Length; q++) AssertSearch(index, queries[q], 25, found[q]);
        Assert.Equal((20, 1f), (found[3][0].Row, MathF.Round(found[3][0].Similarity, 4)));

        // A bank of this many rows takes queries in chunks of 128.
        var tall = Random(1 << 17, 2, 3, blockBytes: 1 << 20);
        var many = new float[2 * 300];
        for (int i = 0; i < many.Length; i++) many[i] = (float)random.NextDouble();
        var all = tall.SearchMany(many, 3);
        foreach (int q in new[] { 0, 127, 128, 299 }) Assert.Equal(tall.Search(many.AsSpan(2 * q, 2), 3)
            .Select(n => n.Similarity), all[q].Select(n => n.Similarity));
    }

    [Fact]
    public void RowsAddedLaterAreFoundAndARowDoesNotFindItself()
    {
        var index = new EmbeddingIndex(2);
        Assert.Empty(index.Search([1, 0]));
        index.Add("east", [3, 0]);
        index.Add("north", [0, 0.5f]);
        Assert.Equal([new(0, "east", 1)], index.Search([9, 0], 1));
        index.Add("south", [0, -2]);
        index.Add("northeast", [1, 1]);
        Assert.Equal(["northeast", "east", "south"], index.SearchRow(1, 5).Select(n => n.Key));
        Assert.Equal(["northeast"], index.SearchRow(1, 1).Select(n => n.Key));
        Assert.True(index.TryGetRow("south", out int row));
        Assert.Equal((2, -1f), (row, index[row][1]));
        Assert.False(index.TryGetRow("South", out _));
        Assert.Equal(["east", "north", "south", "northeast"], index.Keys);
    }

    [Fact]
    public void EqualRowsComeInTheirOrderAndZerosAreLikeNothing()
    {
        var index = new EmbeddingIndex(2);
        index.Add("zero", [0, 0]);
        foreach (string key in new[] { "a", "b", "c" }) index.Add(key, [1, 1]);
        index.Add("huge", [float.MaxValue, float.MaxValue]);
        index.Add("tiny", [float.Epsilon, float.Epsilon]);
        var found = index.Search([1, 1], 6);
        Assert.Equal(["a", "b", "c", "huge", "tiny", "zero"], found.Select(n => n.Key));
        Assert.Equal(0, found[^1].Similarity);
        Assert.All(found[..5], n => Assert.Equal(1, n.Similarity, 1e-6f));
        Assert.All(index.Search([0, 0], 6), n => Assert.Equal(0, n.Similarity));
    }

    [Fact]
    public async Task SearchesMayRunAtTheSameTime()
    {
        var index = Random(500, 16, 4);
        var expected = Enumerable.Range(0, 20).Select(row => index.SearchRow(row, 5)).ToArray();
        await Task.WhenAll(Enumerable.Range(0, 4).Select(_ => Task.Run(() =>
        {
            for (int row = 0; row < 20; row++)
                Assert.Equal(expected[row].Select(n => n.Row), index.SearchRow(row, 5).Select(n => n.Row));
        })));
    }

    [Fact]
    public void WrongInputIsNamedAndChangesNothing()
    {
        var index = new EmbeddingIndex(2);
        index.Add("a", [1, 2]);
        Assert.Contains("'a' is that of row 0", Message(() => index.Add("a", [1, 2])));
        Assert.Contains("'b' has 3 values; expected 2", Message(() => index.Add("b", [1, 2, 3])));
        Assert.Contains("value 1 is NaN", Message(() => index.Add("b", [1, float.NaN])));
        Assert.Contains("surrogate", Message(() => index.Add("b\ud800", [1, 2])));
        Assert.Throws<ArgumentException>(() => index.Add("", [1, 2]));
        Assert.Equal(1, index.Count);
        Assert.Contains("The query has 1 values", Message(() => index.Search([1])));
        Assert.Contains("Query 1 is not finite: value 0",
            Message(() => index.SearchMany([1, 2, float.PositiveInfinity, 0])));
        Assert.Contains("3 values; expected a multiple of 2", Message(() => index.SearchMany([1, 2, 3])));
        Assert.Contains("count is 0", Message(() => index.Search([1, 2], 0)));
        Assert.Contains("There is no row 1", Message(() => index.SearchRow(1)));
        Assert.Contains("dimension is 0", Message(() => new EmbeddingIndex(0)));
        Assert.Single(index.SearchMany([1, 2], int.MaxValue)[0]);
        Assert.Empty(index.SearchRow(0, int.MaxValue));
        Assert.Empty(index.SearchMany([]));

        static string Message(Action action) => Assert.ThrowsAny<ArgumentException>(action).Message;
    }
}
