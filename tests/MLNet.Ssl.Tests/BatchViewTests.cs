using Microsoft.ML;
using Microsoft.ML.Data;

namespace MLNet.Ssl.Tests;

public sealed class BatchViewTests
{
    // More than two batches of the look-ahead.
    private const int Rows = 150;

    private readonly ListView _source = new(Rows);
    private readonly CountingMapper _mapper;
    private readonly BatchView<float[]> _view;

    public BatchViewTests()
    {
        _mapper = new(_source.Schema);
        _view = new(_mapper, _source);
    }

    private sealed record Seen(int Number, string Text, float Sum, float Twice, ulong Id, long Position, long Batch);

    private static List<Seen> Walk(IDataView view, Random? rand = null)
    {
        using var cursor = view.GetRowCursor(view.Schema, rand);
        var number = cursor.GetGetter<int>(view.Schema["Number"]);
        var text = cursor.GetGetter<ReadOnlyMemory<char>>(view.Schema["Text"]);
        var sum = cursor.GetGetter<float>(view.Schema["Sum"]);
        var twice = cursor.GetGetter<VBuffer<float>>(view.Schema["Twice"]);
        var id = cursor.GetIdGetter();
        var seen = new List<Seen>();
        Assert.Equal(-1, cursor.Position);
        while (cursor.MoveNext())
        {
            var (n, t, s, d, i) =
                (0, default(ReadOnlyMemory<char>), 0f, default(VBuffer<float>), default(DataViewRowId));
            number(ref n);
            text(ref t);
            sum(ref s);
            twice(ref d);
            id(ref i);
            seen.Add(new(n, t.ToString(), s, d.GetItemOrDefault(0), i.Low, cursor.Position, cursor.Batch));
        }
        return seen;
    }

    private static Seen Expected(int number, int position) =>
        new(number, $"row {number}", number + 1, 2 * number, (ulong)number, position, number / 10);

    [Fact]
    public void OutputsAndOtherColumnsBelongToTheSameRow() =>
        Assert.Equal(Enumerable.Range(0, Rows).Select(i => Expected(i, i)), Walk(_view));

    [Fact]
    public void TheyStillDoWhenRowsAreShuffled()
    {
        var first = Walk(_view, new Random(5));
        Assert.Equal(first.Select((row, position) => Expected(row.Number, position)), first);
        Assert.Equal(Enumerable.Range(0, Rows), first.Select(row => row.Number).Order());
        Assert.NotEqual(Enumerable.Range(0, Rows), first.Select(row => row.Number));
        Assert.Equal(first, Walk(_view, new Random(5)));
    }

    [Fact]
    public void EveryRowIsComputedOnceHoweverOftenItIsRead()
    {
        using var cursor = _view.GetRowCursor(_view.Schema);
        var sum = cursor.GetGetter<float>(_view.Schema["Sum"]);
        var sumAgain = cursor.GetGetter<float>(_view.Schema["Sum"]);
        var twice = cursor.GetGetter<VBuffer<float>>(_view.Schema["Twice"]);
        while (cursor.MoveNext())
        {
            var (a, b, d) = (0f, 0f, default(VBuffer<float>));
            sum(ref a);
            sum(ref a);
            sumAgain(ref b);
            twice(ref d);
            Assert.Equal(a, b);
        }
        Assert.Equal(Rows, _mapper.Rows);
    }

    [Fact]
    public void NothingIsReadOrComputedForColumnsThatNobodyAskedFor()
    {
        using (var cursor = _view.GetRowCursor([_view.Schema["Number"]]))
            while (cursor.MoveNext()) { }
        Assert.Equal((0, 0), (_mapper.Rows, _source.VectorsRead));
    }

    [Fact]
    public void NothingIsComputedBeforeAValueIsRead()
    {
        using var cursor = _view.GetRowCursor(_view.Schema);
        var sum = cursor.GetGetter<float>(_view.Schema["Sum"]);
        for (int i = 0; i < 100; i++) cursor.MoveNext();
        Assert.Equal(0, _mapper.Rows);
        float value = 0;
        sum(ref value);
        Assert.Equal(100, value);
        Assert.InRange(_mapper.Rows, 1, 64);
    }

    [Fact]
    public void AFewRowsCostOneBatch()
    {
        var few = new MLContext(1).Data.TakeRows(_view, 5);
        Assert.Equal(5, Walk(few).Count);
        Assert.InRange(_mapper.Rows, 5, 64);
    }

    [Fact]
    public void LargeRowsMakeSmallerBatches()
    {
        var mapper = new CountingMapper(_source.Schema, size: 20 << 20);
        var view = new BatchView<float[]>(mapper, _source);
        Assert.Equal(Enumerable.Range(0, Rows).Select(i => Expected(i, i)), Walk(view));
        using var cursor = view.GetRowCursor(view.Schema);
        float value = 0;
        cursor.MoveNext();
        cursor.GetGetter<float>(view.Schema["Sum"])(ref value);
        Assert.Equal(Rows + 4, mapper.Rows);
    }

    [Fact]
    public void RowsShuffledBehindItKeepTheirValues()
    {
        var rows = Walk(new MLContext(1).Data.ShuffleRows(_view, seed: 3));
        Assert.All(rows, row => Assert.Equal((row.Number + 1, $"row {row.Number}"), (row.Sum, row.Text)));
        Assert.Equal(Enumerable.Range(0, Rows), rows.Select(row => row.Number).Order());
        Assert.NotEqual(Enumerable.Range(0, Rows), rows.Select(row => row.Number));
    }

    [Fact]
    public void SkippedAndTakenRowsKeepTheirValues()
    {
        var data = new MLContext(1).Data;
        var some = Walk(data.TakeRows(data.SkipRows(_view, 70), 20));
        Assert.Equal(Enumerable.Range(70, 20).Select(i => (i, i + 1f, $"row {i}")),
            some.Select(row => (row.Number, row.Sum, row.Text)));
    }

    [Fact]
    public void CachedRowsKeepTheirValues()
    {
        var cached = new MLContext(1).Data.Cache(_view);
        for (int pass = 0; pass < 3; pass++)
            Assert.Equal(Enumerable.Range(0, Rows).Select(i => (i, i + 1f, $"row {i}")),
                Walk(cached).Select(row => (row.Number, row.Sum, row.Text)));
        Assert.Equal(Rows, _mapper.Rows);
    }

    [Fact]
    public void SplitRowsKeepTheirValues()
    {
        var split = new MLContext(1).Data.TrainTestSplit(_view, testFraction: 0.3, seed: 4);
        var (train, test) = (Walk(split.TrainSet), Walk(split.TestSet));
        Assert.All(train.Concat(test), row => Assert.Equal((row.Number + 1, $"row {row.Number}"), (row.Sum, row.Text)));
        Assert.Equal(Enumerable.Range(0, Rows), train.Concat(test).Select(row => row.Number).Order());
        Assert.NotEmpty(test);
    }

    [Fact]
    public void AnInputThatPassesIsReadOnceByOneCursor()
    {
        using var cursor = _view.GetRowCursor(_view.Schema);
        Assert.Equal(1, _source.OpenCursors);
        var x = cursor.GetGetter<VBuffer<float>>(_view.Schema["X"]);
        var sum = cursor.GetGetter<float>(_view.Schema["Sum"]);
        for (int row = 0; cursor.MoveNext(); row++)
        {
            var (value, total) = (default(VBuffer<float>), 0f);
            x(ref value);
            sum(ref total);
            Assert.Equal([row, 1], value.DenseValues());
            Assert.Equal(row + 1, total);
        }
        Assert.Equal(Rows, _source.VectorsRead);
    }

    [Fact]
    public void CursorSetsGiveEveryRowOnce()
    {
        foreach (var columns in new[] { _view.Schema.ToArray(), [_view.Schema["Number"]] })
        {
            var numbers = new List<int>();
            foreach (var cursor in _view.GetRowCursorSet(columns, 4))
                using (cursor)
                {
                    var number = cursor.GetGetter<int>(_view.Schema["Number"]);
                    int value = 0;
                    while (cursor.MoveNext())
                    {
                        number(ref value);
                        numbers.Add(value);
                    }
                }
            Assert.Equal(Enumerable.Range(0, Rows), numbers.Order());
        }
        Assert.Equal(0, _source.OpenCursors);
    }

    [Theory]
    [InlineData(0)]
    [InlineData(1)]
    [InlineData(80)]
    [InlineData(Rows)]
    public void ACursorClosesItsSource(int rows)
    {
        var cursor = _view.GetRowCursor(_view.Schema);
        var sum = cursor.GetGetter<float>(_view.Schema["Sum"]);
        float value = 0;
        for (int i = 0; i < rows; i++)
        {
            cursor.MoveNext();
            sum(ref value);
        }
        Assert.NotEqual(0, _source.OpenCursors);
        cursor.Dispose();
        Assert.Equal(0, _source.OpenCursors);
    }

    [Fact]
    public void ARowThatCannotBeReadFailsWhenItsTurnComes()
    {
        var source = new ListView(Rows) { FailAt = 100 };
        var view = new BatchView<float[]>(new CountingMapper(source.Schema), source);
        using var cursor = view.GetRowCursor(view.Schema);
        var sum = cursor.GetGetter<float>(view.Schema["Sum"]);
        float value = 0;
        for (int row = 0; row < 100; row++)
        {
            Assert.True(cursor.MoveNext());
            sum(ref value);
            Assert.Equal(row + 1, value);
        }
        Assert.Equal("this row is broken", Assert.Throws<InvalidDataException>(() => cursor.MoveNext()).Message);
    }

    [Theory]
    [InlineData(0)]
    [InlineData(100)]
    [InlineData(128)]
    public void ARowThatFailedIsNotPassedOver(int row)
    {
        var source = new ListView(Rows) { FailAt = row };
        var view = new BatchView<float[]>(new CountingMapper(source.Schema), source);
        using var cursor = view.GetRowCursor(view.Schema);
        for (int i = 0; i < row; i++) Assert.True(cursor.MoveNext());
        for (int i = 0; i < 2; i++) Assert.Throws<InvalidDataException>(() => cursor.MoveNext());
    }

    [Fact]
    public void ASourceThatDoesNotRepeatItselfKeepsItsRowsTogether()
    {
        var source = new ListView(Rows) { Forgetful = true };
        var rows = Walk(new BatchView<float[]>(new CountingMapper(source.Schema), source));
        Assert.Equal(rows.Select((row, position) => Expected(row.Number, position)), rows);
        Assert.Equal(Enumerable.Range(0, Rows), rows.Select(row => row.Number).Order());
    }

    [Fact]
    public void AfterTheLastRowThereIsNone()
    {
        using var cursor = _view.GetRowCursor(_view.Schema);
        var number = cursor.GetGetter<int>(_view.Schema["Number"]);
        var sum = cursor.GetGetter<float>(_view.Schema["Sum"]);
        while (cursor.MoveNext()) { }
        var (n, s) = (0, 0f);
        Assert.False(cursor.MoveNext());
        Assert.Equal(-1, cursor.Position);
        Assert.Contains("no row", Assert.Throws<InvalidOperationException>(() => number(ref n)).Message);
        Assert.Contains("no row", Assert.Throws<InvalidOperationException>(() => sum(ref s)).Message);
    }

    [Fact]
    public void ValuesThatASourceKeepsInOneBufferAreCopied()
    {
        var source = new ListView(Rows) { Frugal = true };
        var view = new BatchView<float[]>(new CountingMapper(source.Schema), source);
        Assert.Equal(Enumerable.Range(0, Rows).Select(i => Expected(i, i)), Walk(view));
        using var cursor = view.GetRowCursor(view.Schema);
        var x = cursor.GetGetter<VBuffer<float>>(view.Schema["X"]);
        VBuffer<float> value = default;
        for (int row = 0; cursor.MoveNext(); row++)
        {
            x(ref value);
            Assert.Equal([row, 1], value.DenseValues());
        }
    }

    [Fact]
    public void GettersOfOtherColumnsAreRefused()
    {
        using var cursor = _view.GetRowCursor([_view.Schema["Sum"]]);
        Assert.True(cursor.IsColumnActive(_view.Schema["Sum"]));
        Assert.False(cursor.IsColumnActive(_view.Schema["Text"]));
        Assert.Contains("'Text'", Assert.Throws<InvalidOperationException>(() =>
            cursor.GetGetter<ReadOnlyMemory<char>>(_view.Schema["Text"])).Message);
        Assert.Contains("'Sum'",
            Assert.Throws<InvalidOperationException>(() => cursor.GetGetter<int>(_view.Schema["Sum"])).Message);
        var foreign = new DataViewSchema.Builder();
        foreign.AddColumn("Other", NumberDataViewType.Single);
        Assert.Contains("'Other'", Assert.Throws<ArgumentOutOfRangeException>(() =>
            cursor.IsColumnActive(foreign.ToSchema()["Other"])).Message);
        float value = 0;
        Assert.Throws<InvalidOperationException>(() => cursor.GetGetter<float>(_view.Schema["Sum"])(ref value));
    }

    [Fact]
    public void ARowIsComputedOnceForEachPosition()
    {
        using var input = _source.GetRowCursor([_source.Schema["X"]]);
        var row = _mapper.GetRow(input, [_mapper.OutputSchema["Sum"], _mapper.OutputSchema["Twice"]]);
        Assert.Same(_mapper.OutputSchema, row.Schema);
        var sum = row.GetGetter<float>(row.Schema["Sum"]);
        var twice = row.GetGetter<VBuffer<float>>(row.Schema["Twice"]);
        for (int i = 0; i < 3; i++)
        {
            var (s, d) = (0f, default(VBuffer<float>));
            input.MoveNext();
            sum(ref s);
            sum(ref s);
            twice(ref d);
            Assert.Equal((i + 1f, 2f * i), (s, d.GetItemOrDefault(0)));
        }
        Assert.Equal(3, _mapper.Rows);
    }

    [Fact]
    public void AMapperDependsOnItsInputColumnAndOnWhatPasses()
    {
        IEnumerable<string> Dependencies(params string[] columns) =>
            _mapper.GetDependencies(columns.Select(c => _mapper.OutputSchema[c])).Select(c => c.Name);
        Assert.Equal(["X"], Dependencies("Sum", "Twice", "X"));
        Assert.Equal(["Text"], Dependencies("Text"));
        Assert.Same(_source.Schema, _mapper.InputSchema);
        using var input = new ListView(1).GetRowCursor([]);
        Assert.Throws<ArgumentException>(() => _mapper.GetRow(input, []));
    }
}
