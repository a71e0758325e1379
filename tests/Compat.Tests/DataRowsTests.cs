using Microsoft.ML;
using Microsoft.ML.Data;

namespace Compat.Tests;

public class DataRowsTests
{
    private readonly MLContext _ml = new(seed: 1);

    private sealed class Row
    {
        public float X { get; set; }
        public string Group { get; set; } = "";
        [KeyType(10)] public uint Key { get; set; }
        [VectorType(1)] public float[] V { get; set; } = [];
    }

    private static IEnumerable<Row> Rows(int count)
        => Enumerable.Range(0, count).Select(i => new Row { X = i, Group = $"g{i % 20}", Key = (uint)(i % 10), V = [i] });

    private IDataView Data(int count) => _ml.Data.LoadFromEnumerable(Rows(count));

    private static float[] Xs(IDataView data) => [.. data.GetColumn<float>("X")];

    [Fact]
    public void ASplitIsACompletePartitionOfAboutTheFraction()
    {
        var split = _ml.Data.TrainTestSplit(Data(2000), 0.2);
        var (train, test) = (Xs(split.TrainSet), Xs(split.TestSet));
        Assert.Equal(Enumerable.Range(0, 2000).Select(i => (float)i), train.Concat(test).Order());
        Assert.InRange(test.Length, 340, 460);
        Assert.False(split.TrainSet.CanShuffle);
        Assert.Null(split.TrainSet.GetRowCount());
    }

    [Fact]
    public void ASplitIsTheSameEveryTimeEvenWithoutASeed()
    {
        var (a, b) = (new MLContext(), new MLContext());
        float[] Test(MLContext ml, int? seed = null) => Xs(ml.Data.TrainTestSplit(ml.Data.LoadFromEnumerable(Rows(200)), 0.3, seed: seed).TestSet);
        Assert.Equal(Test(a), Test(b));
        Assert.Equal(Test(a, 42), Test(b));
        Assert.NotEqual(Test(a, 43), Test(b));
        Assert.Equal(Test(new MLContext(43)), Test(b, 43));
    }

    [Fact]
    public void ASplitGoesByPositionWhateverTheRows()
    {
        var (a, b) = (_ml.Data.TrainTestSplit(Data(100)), _ml.Data.TrainTestSplit(_ml.Data.LoadFromEnumerable(Rows(200).Skip(100).ToArray())));
        Assert.Equal(Xs(a.TestSet), Xs(b.TestSet).Select(x => x - 100));
    }

    [Fact]
    public void RowsWithEqualKeysStayTogether()
    {
        var split = _ml.Data.TrainTestSplit(Data(2000), 0.3, nameof(Row.Group));
        var (train, test) = (split.TrainSet.GetColumn<string>("Group").ToHashSet(), split.TestSet.GetColumn<string>("Group").ToHashSet());
        Assert.Equal(20, train.Count + test.Count);
        Assert.NotEmpty(test);
        Assert.Empty(train.Intersect(test));
    }

    [Fact]
    public void KeysAndNumbersAreSplitByValue()
    {
        var byKey = _ml.Data.TrainTestSplit(Data(100), 0.3, nameof(Row.Key));
        Assert.Equal([1u, 2, 3], byKey.TestSet.GetColumn<uint>("Key").Distinct().Order().ToArray());
        var byNumber = _ml.Data.TrainTestSplit(Data(101), 0.3, nameof(Row.X));
        Assert.Equal(Enumerable.Range(0, 30).Select(i => (float)i), Xs(byNumber.TestSet));
        Assert.Equal(71, Xs(byNumber.TrainSet).Length);
    }

    [Fact]
    public void EveryRowIsTestedInOneFold()
    {
        foreach (var key in new[] { null, nameof(Row.X), nameof(Row.Group), nameof(Row.Key) })
        {
            var folds = _ml.Data.CrossValidationSplit(Data(500), 5, key);
            Assert.Equal(5, folds.Count);
            Assert.Equal(Enumerable.Range(0, 500).Select(i => (float)i), folds.SelectMany(f => Xs(f.TestSet)).Order());
            Assert.All(folds, f => Assert.Equal(500, Xs(f.TrainSet).Length + Xs(f.TestSet).Length));
        }
    }

    [Fact]
    public void AShuffleIsAPermutationThatRepeats()
    {
        var shuffled = _ml.Data.ShuffleRows(Data(500), seed: 3);
        var order = Xs(shuffled);
        Assert.Equal(order, Xs(shuffled));
        Assert.NotEqual(order.Order(), order);
        Assert.Equal(Enumerable.Range(0, 500).Select(i => (float)i), order.Order());
        Assert.Equal(order, Xs(_ml.Data.ShuffleRows(Data(500), seed: 3)));
        Assert.NotEqual(order, Xs(_ml.Data.ShuffleRows(Data(500), seed: 4)));
        Assert.Equal(order.Select(x => $"g{x % 20}"), shuffled.GetColumn<string>("Group"));
        Assert.Equal(order, shuffled.GetColumn<float[]>("V").Select(v => v[0]));
    }

    [Fact]
    public void AStreamIsShuffledOnlyWithinThePool()
    {
        var order = Xs(_ml.Data.ShuffleRows(Data(300), seed: 1, shufflePoolSize: 10));
        Assert.All(order.Index(), o => Assert.True(o.Item < o.Index + 10));
        Assert.Equal(300, order.Distinct().Count());
        var far = Xs(_ml.Data.ShuffleRows(_ml.Data.Cache(Data(300)), seed: 1, shufflePoolSize: 10));
        Assert.Contains(far.Index(), o => o.Item > o.Index + 100);
    }

    [Fact]
    public void TakeAndSkipCutTheSequence()
    {
        Assert.Equal([0f, 1, 2], Xs(_ml.Data.TakeRows(Data(10), 3)));
        Assert.Equal([8f, 9], Xs(_ml.Data.SkipRows(Data(10), 8)));
        Assert.Empty(Xs(_ml.Data.SkipRows(Data(10), 11)));
    }

    [Fact]
    public void TakingReadsNoRowTooMany()
    {
        var read = 0;
        IEnumerable<Row> Source()
        {
            foreach (var row in Rows(10))
            {
                read++;
                yield return row;
            }
        }
        Assert.Equal([0f, 1], Xs(_ml.Data.TakeRows(_ml.Data.LoadFromEnumerable(Source()), 2)));
        Assert.Equal(2, read);
    }

    [Fact]
    public void AFilterKeepsTheLowerBoundAndNotTheUpperNorNaN()
    {
        var data = _ml.Data.LoadFromEnumerable(new float[] { 1, 2, float.NaN, 3, 4 }.Select(x => new Row { X = x }).ToArray());
        Assert.Equal([2f, 3], Xs(_ml.Data.FilterRowsByColumn(data, "X", 2, 4)));
        Assert.Equal([1f, 2, 3, 4], Xs(_ml.Data.FilterRowsByColumn(data, "X")));
        Assert.Throws<ArgumentOutOfRangeException>(() => _ml.Data.FilterRowsByColumn(data, "Group"));
        Assert.Equal([1f, 3, 4], Xs(_ml.Data.FilterByCustomPredicate<Row>(data, r => r.X == 2 || float.IsNaN(r.X))));
    }

    [Fact]
    public void ACacheReadsItsSourceOncePerColumn()
    {
        var passes = 0;
        IEnumerable<Row> Source()
        {
            passes++;
            foreach (var row in Rows(5)) yield return row;
        }
        var cache = _ml.Data.Cache(_ml.Data.LoadFromEnumerable(Source()));
        Assert.Equal(0, passes);
        Assert.Equal([0f, 1, 2, 3, 4], Xs(cache));
        Assert.Equal(Xs(cache), Xs(cache));
        Assert.Equal(1, passes);
        Assert.Equal(["g0", "g1", "g2", "g3", "g4"], cache.GetColumn<string>("Group"));
        Assert.Equal([4f], cache.GetColumn<float[]>("V").Last());
        Assert.Equal(3, passes);
        Assert.Equal(5, cache.GetRowCount());
    }

    [Fact]
    public void ACacheShufflesAndReadsInParallel()
    {
        var cache = _ml.Data.Cache(Data(100));
        var column = cache.Schema["X"];
        Assert.True(cache.CanShuffle);
        float[] Read(DataViewRowCursor cursor)
        {
            var (getter, values, value) = (cursor.GetGetter<float>(column), new List<float>(), 0f);
            while (cursor.MoveNext())
            {
                getter(ref value);
                values.Add(value);
            }
            return [.. values];
        }
        var shuffled = Read(cache.GetRowCursor([column], new Random(1)));
        Assert.NotEqual(shuffled.Order(), shuffled);
        Assert.Equal(shuffled, Read(cache.GetRowCursor([column], new Random(1))));
        var cursors = cache.GetRowCursorSet([column], 3);
        var parts = Array.ConvertAll(cursors, Read);
        Assert.Equal(Xs(cache), parts.SelectMany(p => p).Order());
        Assert.All(parts, part => Assert.InRange(part.Length, 33, 34));
        Assert.Equal(3, cursors.Select(c => c.Batch).Distinct().Count());
    }
}
