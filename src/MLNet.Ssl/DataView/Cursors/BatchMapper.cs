using Microsoft.ML;
using Microsoft.ML.Data;
using MLNet.Ssl.Images;

namespace MLNet.Ssl.DataView;

/// <summary>The floats computed for the row at hand.</summary>
internal delegate ReadOnlySpan<float> RowResult();

/// <summary>
/// A computation over rows that pays off in batches, bound to one input schema: of every row one column is read, a
/// batch of readings gives as many floats for each, and the output columns present them. Cursors, rows and views are
/// made of it (<see cref="BatchView{TInput}"/>).
/// </summary>
/// <typeparam name="TInput">What is read of a row: a copy, independent of the cursor.</typeparam>
internal abstract class BatchMapper<TInput> : IRowToRowMapper
{
    protected BatchMapper(DataViewSchema inputSchema, DataViewSchema.Column input,
        params DataViewSchema.DetachedColumn[] outputs)
    {
        (InputSchema, Input) = (inputSchema, input);
        var builder = new DataViewSchema.Builder();
        builder.AddColumns(inputSchema);
        builder.AddColumns(outputs);
        OutputSchema = builder.ToSchema();
    }

    public DataViewSchema InputSchema { get; }

    /// <summary>The input's columns under their indices, then the outputs.</summary>
    public DataViewSchema OutputSchema { get; }

    /// <summary>The column that is read.</summary>
    public DataViewSchema.Column Input { get; }

    /// <summary>Floats computed for a row.</summary>
    public abstract int Width { get; }

    /// <summary>Rows that a cursor computes at a time.</summary>
    public virtual int RowsAtATime => 64;

    /// <summary>Reads the row's input column, copying it.</summary>
    public abstract Func<TInput> CreateReader(DataViewRow row);

    /// <summary>Whether <see cref="Prepare"/> has something to do.</summary>
    public virtual bool Prepares => false;

    /// <summary>
    /// What is done to a reading before the computation, in the background and for many rows at a time; nothing by
    /// default.
    /// </summary>
    public virtual TInput Prepare(TInput input, PixelBuffer buffer) => input;

    /// <summary>Memory that a reading holds, in bytes.</summary>
    public abstract long SizeOf(TInput input);

    /// <summary>
    /// Makes prepared readings ready, in the background: what has to travel to where it is computed sets out. Computed,
    /// the batch gives <see cref="Width"/> floats a reading. Called from several threads at a time.
    /// </summary>
    public abstract ReadyBatch Ready(IReadOnlyList<TInput> inputs);

    /// <summary>The getter of the output column with this number.</summary>
    public abstract Delegate CreateGetter(int output, RowResult result);

    public bool IsOutput(DataViewSchema.Column column) => column.Index >= InputSchema.Count;

    public IEnumerable<DataViewSchema.Column> GetDependencies(IEnumerable<DataViewSchema.Column> dependingColumns) =>
        dependingColumns.Select(column => IsOutput(column) ? Input : InputSchema[column.Index])
            .DistinctBy(column => column.Index);

    /// <summary>
    /// The row computed alone; where outputs are read more than once, or several of them, it is computed once for each
    /// position.
    /// </summary>
    public DataViewRow GetRow(DataViewRow input, IEnumerable<DataViewSchema.Column> activeColumns)
    {
        ArgumentNullException.ThrowIfNull(input);
        if (input.Schema != InputSchema)
            throw new ArgumentException("The row's schema is not the one that the mapper was made for.", nameof(input));
        var active = Active(activeColumns);
        return new MappedRow<TInput>(this, input, active, active.AsSpan(InputSchema.Count).Contains(true) ? Alone(input)
            : null);
    }

    public bool[] Active(IEnumerable<DataViewSchema.Column> columns)
    {
        var active = new bool[OutputSchema.Count];
        foreach (var column in columns) active[column.Index] = true;
        return active;
    }

    private RowResult Alone(DataViewRow row)
    {
        var read = CreateReader(row);
        var values = new float[Width];
        long computed = long.MinValue;
        return () =>
        {
            if (computed != row.Position)
            {
                var input = read();
                if (Prepares)
                {
                    var buffer = PixelBuffer.Rent();
                    input = Prepare(input, buffer);
                    buffer.Return();
                }
                using var batch = Ready([input]);
                batch.Compute(values);
                computed = row.Position;
            }
            return values;
        };
    }
}
