namespace Microsoft.ML;

using Microsoft.ML.Data;

public sealed class PredictionEngineOptions
{
    public bool IgnoreMissingColumns = true;
    public SchemaDefinition InputSchemaDefinition;
    public SchemaDefinition OutputSchemaDefinition;
    public bool OwnsTransformer = true;
}

/// <summary>Sends one object at a time through a transformer. Not thread-safe: engines share a transformer, not themselves.</summary>
public abstract class PredictionEngineBase<TSrc, TDst> : IDisposable
    where TSrc : class
    where TDst : class, new()
{
    private readonly ITransformer _transformer;
    private readonly bool _ownsTransformer;
    private readonly ObjectCursor<TSrc> _cursor;
    private readonly Action<TDst> _fill;
    private TSrc _example;
    private bool _disposed;

    private protected PredictionEngineBase(ITransformer transformer, ObjectColumns<TSrc> input, PredictionEngineOptions options)
    {
        ArgumentNullException.ThrowIfNull(transformer);
        if (!transformer.IsRowToRowMapper) throw new ArgumentException("Must be a row to row mapper", nameof(transformer));
        (_transformer, _ownsTransformer) = (transformer, options.OwnsTransformer);
        var mapper = transformer.GetRowToRowMapper(input.Schema);
        OutputSchema = transformer.GetOutputSchema(input.Schema);
        var filler = new ObjectFiller<TDst>(mapper.OutputSchema, options.IgnoreMissingColumns, options.OutputSchemaDefinition);
        var active = filler.Columns.ToArray();
        _cursor = new ObjectCursor<TSrc>(Examples().GetEnumerator(), input, mapper.GetDependencies(active));
        _fill = filler.Bind(mapper.GetRow(_cursor, active));
    }

    public DataViewSchema OutputSchema { get; }

    private IEnumerable<TSrc> Examples()
    {
        while (true) yield return _example;
    }

    private protected void Run(TSrc example, TDst prediction)
    {
        ObjectDisposedException.ThrowIf(_disposed, this);
        _example = example ?? throw new ArgumentNullException(nameof(example));
        _cursor.MoveNext();
        _fill(prediction);
    }

    public TDst Predict(TSrc example)
    {
        var prediction = new TDst();
        Predict(example, ref prediction);
        return prediction;
    }

    public abstract void Predict(TSrc example, ref TDst prediction);

    public void Dispose()
    {
        if (_disposed) return;
        _disposed = true;
        if (_ownsTransformer) (_transformer as IDisposable)?.Dispose();
    }
}

public sealed class PredictionEngine<TSrc, TDst> : PredictionEngineBase<TSrc, TDst>
    where TSrc : class
    where TDst : class, new()
{
    internal PredictionEngine(ITransformer transformer, ObjectColumns<TSrc> input, PredictionEngineOptions options) : base(transformer, input, options) { }

    public override void Predict(TSrc example, ref TDst prediction) => Run(example, prediction ??= new TDst());
}
