using Microsoft.ML;
using Microsoft.ML.Data;

namespace MLNet.Ssl.Tests;

/// <summary>Batches that are made ready while another one is computed.</summary>
public sealed class ReadyBatchTests
{
    // More than two batches of the look-ahead.
    private const int Rows = 150;

    private readonly ListView _source = new(Rows);

    [Fact]
    public void TheNextBatchAndNoOtherIsReadAndMadeReadyWhileOneIsComputed()
    {
        var ready = Enumerable.Range(0, 4).Select(_ => new ManualResetEventSlim()).ToArray();
        var mapper = new WatchedMapper(_source.Schema)
        {
            OnReady = batch => ready[batch].Set(),
            OnCompute = batch =>
            {
                // Made ready meanwhile, or never; the last batch is followed by none.
                if (batch < 2) Assert.True(ready[batch + 1].Wait(TimeSpan.FromSeconds(60)));
                Assert.False(ready[Math.Min(batch + 2, 3)].IsSet);
                Assert.InRange(_source.VectorsRead, 1, 64 * (batch + 2));
            },
        };
        Assert.Equal(Enumerable.Range(0, Rows).Select(row => row + 1f), Sums(new(mapper, _source)));
        foreach (var one in ready) one.Dispose();
    }

    [Fact]
    public void ABatchThatCannotBeMadeReadyFailsWhenItIsComputed()
    {
        var mapper = new WatchedMapper(_source.Schema)
        {
            OnReady = batch =>
            {
                if (batch == 1) throw new InvalidDataException("they do not fit");
            },
        };
        var view = new BatchView<float[]>(mapper, _source);
        using var cursor = view.GetRowCursor(view.Schema);
        var number = cursor.GetGetter<int>(view.Schema["Number"]);
        var sum = cursor.GetGetter<float>(view.Schema["Sum"]);
        for (int row = 0; row < Rows; row++)
        {
            Assert.True(cursor.MoveNext());
            var (n, s) = (0, 0f);
            number(ref n);
            Assert.Equal(row, n);
            if (row / 64 == 1)
            {
                Assert.Equal("they do not fit", Assert.Throws<InvalidDataException>(() => sum(ref s)).Message);
                continue;
            }
            sum(ref s);
            Assert.Equal(row + 1, s);
        }
    }

    [Theory]
    [InlineData(0)]
    [InlineData(1)]
    [InlineData(80)]
    [InlineData(Rows)]
    public void WhatABatchNeedsIsFreed(int rows)
    {
        var mapper = new WatchedMapper(_source.Schema);
        var view = new BatchView<float[]>(mapper, _source);
        using (var cursor = view.GetRowCursor(view.Schema))
        {
            var sum = cursor.GetGetter<float>(view.Schema["Sum"]);
            float value = 0;
            for (int i = 0; i < rows; i++)
            {
                cursor.MoveNext();
                if (i < 128) sum(ref value);
            }
        }
        // A batch more, where it was read before the cursor was let go of.
        Assert.InRange(mapper.Inputs.Count, (rows + 63) / 64, rows == 0 ? 0 : 3);
        Assert.All(mapper.Inputs, inputs => Assert.True(inputs.IsDisposed));
    }

    private static List<float> Sums(BatchView<float[]> view)
    {
        var sums = new List<float>();
        using var cursor = view.GetRowCursor([view.Schema["Sum"]]);
        var sum = cursor.GetGetter<float>(view.Schema["Sum"]);
        while (cursor.MoveNext())
        {
            float value = 0;
            sum(ref value);
            sums.Add(value);
        }
        return sums;
    }

    /// <summary>Adds "Sum" of the vector "X", and tells when which batch is made ready and computed.</summary>
    private sealed class WatchedMapper(DataViewSchema schema)
        : BatchMapper<float[]>(
            schema, schema["X"], new DataViewSchema.DetachedColumn("Sum", NumberDataViewType.Single))
    {
        public Action<int>? OnReady { get; init; }

        public Action<int>? OnCompute { get; init; }

        public List<Held> Inputs { get; } = [];

        public override int Width => 1;

        public override Func<float[]> CreateReader(DataViewRow row) => FloatVectors.Reader(row, Input);

        public override long SizeOf(float[] input) => 8;

        public override ReadyBatch Ready(IReadOnlyList<float[]> inputs)
        {
            int batch = Inputs.Count;
            Inputs.Add(new());
            OnReady?.Invoke(batch);
            return new(results =>
            {
                OnCompute?.Invoke(batch);
                for (int i = 0; i < inputs.Count; i++) results[i] = inputs[i].Sum();
            }, Inputs[batch]);
        }

        public override Delegate CreateGetter(int output, RowResult result) =>
            (ValueGetter<float>)((ref float sum) => sum = result()[0]);
    }

    private sealed class Held : IDisposable
    {
        public bool IsDisposed { get; private set; }

        public void Dispose() => IsDisposed = true;
    }
}
