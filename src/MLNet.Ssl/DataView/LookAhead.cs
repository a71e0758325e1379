using System.Runtime.ExceptionServices;
using Microsoft.ML;
using Microsoft.ML.Data;

namespace MLNet.Ssl;

/// <summary>
/// Reads a batch of rows ahead and computes it when the first of its results is asked for; while it is computed, the next batch is read in the background.
/// </summary>
internal sealed class LookAhead<TInput> : IDisposable
{
    // Full-size photographs: what a batch holds is bounded too.
    private const long BytesAtATime = 64 << 20;

    private readonly BatchMapper<TInput> _mapper;
    private readonly DataViewRowCursor _cursor;
    private readonly Func<TInput> _read;
    private readonly ValueGetter<DataViewRowId> _id;
    private Batch _batch = new([], []);
    private int _row = -1;
    private float[] _results = [];
    private bool _computed;
    private Task<Batch>? _next;
    private ExceptionDispatchInfo? _failure;
    private bool _ended;

    public LookAhead(BatchMapper<TInput> mapper, DataViewRowCursor cursor)
    {
        (_mapper, _cursor) = (mapper, cursor);
        _read = mapper.CreateReader(cursor);
        _id = cursor.GetIdGetter();
    }

    private sealed record Batch(List<TInput> Inputs, List<DataViewRowId> Ids);

    /// <summary>What was read of the current row.</summary>
    public TInput Input => _row < 0 ? throw new InvalidOperationException("The cursor stands before its first row.") : _batch.Inputs[_row];

    /// <summary>The current row's floats.</summary>
    public ReadOnlySpan<float> Result
    {
        get
        {
            if (_row < 0) throw new InvalidOperationException("The cursor stands before its first row.");
            if (!_computed)
            {
                _next ??= Task.Run(Read);
                int length = _batch.Inputs.Count * _mapper.Width;
                if (_results.Length < length) _results = new float[length];
                _mapper.Compute(_batch.Inputs, _results.AsSpan(0, length));
                _computed = true;
            }
            return _results.AsSpan(_row * _mapper.Width, _mapper.Width);
        }
    }

    /// <summary>Goes one row on, to the one with this id.</summary>
    public void MoveTo(DataViewRowId id)
    {
        if (++_row == _batch.Inputs.Count)
        {
            var next = _next;
            _next = null;
            _batch = next?.GetAwaiter().GetResult() ?? Read();
            (_row, _computed) = (0, false);
        }
        if (_batch.Ids.Count == 0 || !_batch.Ids[_row].Equals(id))
            throw new InvalidOperationException("The source gave other rows, or another order, in a second pass; results cannot be matched to rows.");
    }

    public void Dispose()
    {
        // A read that fails after nobody wants its rows any more is nobody's error.
        try { _next?.Wait(); }
        catch (AggregateException) { }
        _cursor.Dispose();
    }

    /// <summary>The next batch. A row that cannot be read ends it, and fails when its turn comes.</summary>
    private Batch Read()
    {
        _failure?.Throw();
        var batch = new Batch([], []);
        long bytes = 0;
        try
        {
            while (!_ended && batch.Inputs.Count < _mapper.RowsAtATime && bytes < BytesAtATime)
            {
                if (!_cursor.MoveNext())
                {
                    _ended = true;
                    break;
                }
                DataViewRowId id = default;
                _id(ref id);
                var input = _read();
                batch.Inputs.Add(input);
                batch.Ids.Add(id);
                bytes += _mapper.SizeOf(input);
            }
        }
        catch (Exception e) when (batch.Inputs.Count > 0)
        {
            _failure = ExceptionDispatchInfo.Capture(e);
        }
        return batch;
    }
}
