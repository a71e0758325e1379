using System.Runtime.ExceptionServices;
using Microsoft.ML;
using Microsoft.ML.Data;
using MLNet.Ssl.Images;

namespace MLNet.Ssl.DataView;

/// <summary>
/// The source's rows, read once and a batch ahead: the mapper's input and copies of the columns that pass. A batch is
/// computed when the first of its results is asked for; while it is computed, the next one is read and made ready in
/// the background.
/// </summary>
internal sealed class LookAhead<TInput> : DataViewRowCursor
{
    // Full-size photographs: what a batch holds is bounded too.
    private const long BytesAtATime = 64 << 20;

    private readonly BatchMapper<TInput> _mapper;
    private readonly DataViewRowCursor _source;
    private readonly Func<TInput> _read;
    private readonly ValueGetter<DataViewRowId> _id;
    private readonly Dictionary<int, ColumnBuffer> _passed;
    private readonly ColumnBuffer[] _besideInput;
    private readonly BatchPlace _place = new();
    private Rows _batch = Rows.None;
    private long _position = -1;
    private float[] _results = [];
    private bool _computed;
    private Task<Rows>? _next;
    private ExceptionDispatchInfo? _failure;
    private bool _ended;
    private volatile bool _abandoned;
    private CancellationToken _cancellation;
    private int _reading;
    private long _bytes;

    /// <summary>Takes over the cursor, whose active columns are those that pass and the mapper's input.</summary>
    public LookAhead(BatchMapper<TInput> mapper, DataViewRowCursor source, IEnumerable<DataViewSchema.Column> passed)
    {
        (_mapper, _source) = (mapper, source);
        _id = source.GetIdGetter();
        _passed = passed.ToDictionary(column => column.Index, column => ColumnBuffer.Create(source, column));
        // An input that passes too is read once: decoding an image twice costs, and a second reading may be another
        // one.
        bool passes = _passed.TryGetValue(mapper.Input.Index, out var input);
        _besideInput = [.. _passed.Values.Where(buffer => buffer != input)];
        _read = mapper.CreateReader(passes
            ? new InputRow(source, mapper.Input, input!.CreateReader(() => _reading, bytes => _bytes += bytes))
            : source);
    }

    private sealed record Rows(List<DataViewRowId> Ids, List<long> Batches, int Count, ReadyBatch? Ready)
    {
        public static readonly Rows None = new([], [], 0, null);
    }

    public override DataViewSchema Schema => _source.Schema;

    public override long Position => _position;

    public override long Batch => _place.IsOnRow ? _batch.Batches[_place.Row] : _source.Batch;

    /// <summary>The current row's floats.</summary>
    public ReadOnlySpan<float> Result
    {
        get
        {
            int row = _place.Row;
            if (!_computed)
            {
                _next ??= Task.Run(Read);
                int length = _batch.Count * _mapper.Width;
                if (_results.Length < length) _results = new float[length];
                _batch.Ready!.Compute(_results.AsSpan(0, length));
                _batch.Ready.Dispose();
                _computed = true;
            }
            return _results.AsSpan(row * _mapper.Width, _mapper.Width);
        }
    }

    public override bool MoveNext()
    {
        _cancellation = CancellableRows.Current;
        int row = _place.IsOnRow ? _place.Row + 1 : 0;
        if (row >= _batch.Count)
        {
            _place.Row = -1;
            if (!NextBatch())
            {
                _position = -1;
                return false;
            }
            row = 0;
        }
        _place.Row = row;
        _position++;
        return true;
    }

    public override ValueGetter<DataViewRowId> GetIdGetter() => (ref DataViewRowId id) => id = _batch.Ids[_place.Row];

    public override bool IsColumnActive(DataViewSchema.Column column) => _passed.ContainsKey(column.Index);

    public override ValueGetter<TValue> GetGetter<TValue>(DataViewSchema.Column column) =>
        _passed[column.Index].CreateGetter(_place).Of<TValue>(column);

    protected override void Dispose(bool disposing)
    {
        if (disposing)
        {
            _abandoned = true;
            // A read that fails after nobody wants its rows any more is nobody's error.
            try { _next?.GetAwaiter().GetResult().Ready?.Dispose(); }
            catch (Exception) { }
            _batch.Ready?.Dispose();
            foreach (var buffer in _passed.Values) buffer.Dispose();
            _source.Dispose();
        }
        base.Dispose(disposing);
    }

    private bool NextBatch()
    {
        var next = _next;
        _next = null;
        _batch.Ready?.Dispose();
        _batch = Rows.None;
        _batch = next?.GetAwaiter().GetResult() ?? Read();
        _computed = false;
        foreach (var buffer in _passed.Values) buffer.Turn();
        return _batch.Count > 0;
    }

    /// <summary>The next batch. A row that cannot be read ends it, and fails when its turn comes.</summary>
    private Rows Read()
    {
        _failure?.Throw();
        int expected = _batch.Count;
        var (inputs, ids, batches) =
            (new List<TInput>(expected), new List<DataViewRowId>(expected), new List<long>(expected));
        _bytes = 0;
        try
        {
            while (!_ended && !_abandoned && inputs.Count < _mapper.RowsAtATime && _bytes < BytesAtATime)
            {
                if (!_source.MoveNext(_cancellation))
                {
                    _ended = true;
                    break;
                }
                _reading = inputs.Count;
                DataViewRowId id = default;
                _id(ref id);
                var input = _read();
                foreach (var buffer in _besideInput) _bytes += buffer.Read(_reading);
                _bytes += _mapper.SizeOf(input);
                inputs.Add(input);
                ids.Add(id);
                batches.Add(_source.Batch);
            }
        }
        catch (Exception e)
        {
            _failure = ExceptionDispatchInfo.Capture(e);
            if (inputs.Count == 0) throw;
        }
        if (_mapper.Prepares) Prepare(inputs);
        return new(ids, batches, inputs.Count, inputs.Count == 0 || _abandoned ? null : Ready(inputs));
    }

    /// <summary>The batch ready to be computed. What fails, fails when it is.</summary>
    private ReadyBatch Ready(List<TInput> inputs)
    {
        try
        {
            return _mapper.Ready(inputs);
        }
        catch (Exception e)
        {
            var failure = ExceptionDispatchInfo.Capture(e);
            return new(_ => failure.Throw());
        }
    }

    /// <summary>Prepares the batch on all processors. It ends before a row that fails.</summary>
    private void Prepare(List<TInput> inputs)
    {
        var failures = new ExceptionDispatchInfo?[inputs.Count];
        try
        {
            ParallelImages.For(failures.Length, (i, buffer) =>
            {
                if (_abandoned) return;
                try
                {
                    inputs[i] = _mapper.Prepare(inputs[i], buffer);
                }
                catch (Exception e)
                {
                    failures[i] = ExceptionDispatchInfo.Capture(e);
                }
            }, _cancellation);
        }
        catch (OperationCanceledException e)
        {
            failures[0] = ExceptionDispatchInfo.Capture(e);
        }
        int failed = Array.FindIndex(failures, failure => failure is not null);
        if (failed < 0) return;
        _failure = failures[failed];
        if (failed == 0) _failure!.Throw();
        inputs.RemoveRange(failed, inputs.Count - failed);
    }

    /// <summary>The source's row, whose input column is read through its buffer.</summary>
    private sealed class InputRow(DataViewRow source, DataViewSchema.Column column, Delegate input) : DataViewRow
    {
        public override DataViewSchema Schema => source.Schema;

        public override long Position => source.Position;

        public override long Batch => source.Batch;

        public override ValueGetter<DataViewRowId> GetIdGetter() => source.GetIdGetter();

        public override bool IsColumnActive(DataViewSchema.Column other) => source.IsColumnActive(other);

        public override ValueGetter<TValue> GetGetter<TValue>(DataViewSchema.Column other) =>
            other.Index == column.Index ? input.Of<TValue>(other) : source.GetGetter<TValue>(other);
    }
}
