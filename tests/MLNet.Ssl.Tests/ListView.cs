using Microsoft.ML;
using Microsoft.ML.Data;

namespace MLNet.Ssl.Tests;

/// <summary>A view over rows of a number, a text and a vector that shuffles, counts what is done to it,
/// and misbehaves on request.</summary>
internal sealed class ListView : IDataView
{
    private readonly int _rows;

    public ListView(int rows)
    {
        _rows = rows;
        var builder = new DataViewSchema.Builder();
        builder.AddColumn("Number", NumberDataViewType.Int32);
        builder.AddColumn("Text", TextDataViewType.Instance);
        builder.AddColumn("X", new VectorDataViewType(NumberDataViewType.Single, 2));
        Schema = builder.ToSchema();
    }

    public int OpenCursors { get; private set; }

    public int VectorsRead { get; private set; }

    public int? FailAt { get; init; }

    public bool Forgetful { get; init; }

    /// <summary>Shows the same arrays for every row.</summary>
    public bool Frugal { get; init; }

    public DataViewSchema Schema { get; }

    public bool CanShuffle => true;

    public long? GetRowCount() => _rows;

    public DataViewRowCursor GetRowCursor(IEnumerable<DataViewSchema.Column> columnsNeeded, Random? rand = null)
    {
        var order = Enumerable.Range(0, _rows).ToArray();
        if (Forgetful) Random.Shared.Shuffle(order);
        rand?.Shuffle(order);
        OpenCursors++;
        return new Cursor(this, order, columnsNeeded.Select(c => c.Index).ToHashSet());
    }

    /// <summary>Two cursors, of the even and the odd rows.</summary>
    public DataViewRowCursor[] GetRowCursorSet(IEnumerable<DataViewSchema.Column> columnsNeeded, int n,
        Random? rand = null)
    {
        var active = columnsNeeded.Select(c => c.Index).ToHashSet();
        OpenCursors += 2;
        return [.. new[] { 0, 1 }.Select(odd =>
            new Cursor(this, [.. Enumerable.Range(0, _rows).Where(r => r % 2 == odd)], active))];
    }

    private sealed class Cursor(ListView view, int[] order, HashSet<int> active) : DataViewRowCursor
    {
        private int _position = -1;
        private readonly char[] _text = new char[16];
        private readonly float[] _vector = new float[2];
        private bool _disposed;

        public override DataViewSchema Schema => view.Schema;

        public override long Position => _position;

        public override long Batch => order[Math.Max(0, _position)] / 10;

        public override bool MoveNext() => ++_position < order.Length;

        public override bool IsColumnActive(DataViewSchema.Column column) => active.Contains(column.Index);

        public override ValueGetter<DataViewRowId> GetIdGetter() => (ref DataViewRowId id) =>
            id = new((ulong)order[_position], 7);

        public override ValueGetter<TValue> GetGetter<TValue>(DataViewSchema.Column column)
        {
            Assert.True(IsColumnActive(column), $"{column.Name} was not asked for");
            Delegate getter = column.Name switch
            {
                "Number" => (ValueGetter<int>)((ref int value) => value = order[_position]),
                "Text" => (ValueGetter<ReadOnlyMemory<char>>)ReadText,
                _ => (ValueGetter<VBuffer<float>>)Read,
            };
            return (ValueGetter<TValue>)getter;
        }

        private void ReadText(ref ReadOnlyMemory<char> value)
        {
            string text = $"row {order[_position]}";
            if (!view.Frugal)
            {
                value = text.AsMemory();
                return;
            }
            text.CopyTo(_text);
            value = _text.AsMemory(0, text.Length);
        }

        private void Read(ref VBuffer<float> value)
        {
            if (order[_position] == view.FailAt) throw new InvalidDataException("this row is broken");
            view.VectorsRead++;
            if (view.Frugal)
            {
                (_vector[0], _vector[1]) = (order[_position], 1);
                value = new(2, _vector);
                return;
            }
            var editor = VBufferEditor.Create(ref value, 2);
            editor.Values[0] = order[_position];
            editor.Values[1] = 1;
            value = editor.Commit();
        }

        protected override void Dispose(bool disposing)
        {
            if (!_disposed) view.OpenCursors--;
            _disposed = true;
            base.Dispose(disposing);
        }
    }
}

/// <summary>Adds "Sum" and "Twice" of the vector "X" and counts the rows it computes.</summary>
internal sealed class CountingMapper(DataViewSchema schema, long size = 8)
    : BatchMapper<float[]>(schema, schema["X"], new("Sum", NumberDataViewType.Single),
        new("Twice", new VectorDataViewType(NumberDataViewType.Single, 2)))
{
    private int _rows;

    public int Rows => _rows;

    public override int Width => 3;

    public override Func<float[]> CreateReader(DataViewRow row) => FloatVectors.Reader(row, Input);

    public override long SizeOf(float[] input) => size;

    public override ReadyBatch Ready(IReadOnlyList<float[]> inputs) => new(results =>
    {
        Interlocked.Add(ref _rows, inputs.Count);
        for (int i = 0; i < inputs.Count; i++)
            (results[3 * i], results[3 * i + 1], results[3 * i + 2]) =
                (inputs[i].Sum(), 2 * inputs[i][0], 2 * inputs[i][1]);
    });

    public override Delegate CreateGetter(int output, RowResult result) => output == 0
        ? (ValueGetter<float>)((ref float sum) => sum = result()[0])
        : FloatVectors.Getter(() => result()[1..]);
}
