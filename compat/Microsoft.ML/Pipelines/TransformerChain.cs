using System.Collections;

namespace Microsoft.ML.Data;

public sealed class TransformerChain<TLastTransformer> : ITransformer, IEnumerable<ITransformer>, IDisposable, ILoadable
    where TLastTransformer : class, ITransformer
{
    private readonly ITransformer[] _transformers;
    private readonly TransformerScope[] _scopes;
    private bool _disposed;

    public readonly TLastTransformer LastTransformer;

    public TransformerChain(IEnumerable<ITransformer> transformers, IEnumerable<TransformerScope> scopes)
    {
        _transformers = transformers?.ToArray() ?? [];
        _scopes = scopes?.ToArray() ?? [];
        if (_transformers.Length != _scopes.Length) throw new ArgumentException("Every transformer needs a scope", nameof(scopes));
        if (_transformers.Length > 0)
            LastTransformer = _transformers[^1] as TLastTransformer
                ?? throw new ArgumentException($"The last transformer is not a {typeof(TLastTransformer)}", nameof(transformers));
    }

    public TransformerChain(params ITransformer[] transformers) : this(transformers, transformers?.Select(_ => TransformerScope.Everything)) { }

    bool ITransformer.IsRowToRowMapper => _transformers.All(t => t.IsRowToRowMapper);

    public DataViewSchema GetOutputSchema(DataViewSchema inputSchema) => GetOutputSchema(inputSchema, TransformerScope.Scoring);

    public DataViewSchema GetOutputSchema(DataViewSchema inputSchema, TransformerScope scope)
    {
        ArgumentNullException.ThrowIfNull(inputSchema);
        return GetModelFor(scope)._transformers.Aggregate(inputSchema, (schema, transformer) => transformer.GetOutputSchema(schema));
    }

    public IDataView Transform(IDataView input) => Transform(input, TransformerScope.Scoring);

    public IDataView Transform(IDataView input, TransformerScope scope)
    {
        ArgumentNullException.ThrowIfNull(input);
        return GetModelFor(scope)._transformers.Aggregate(input, (data, transformer) => transformer.Transform(data));
    }

    public TransformerChain<ITransformer> GetModelFor(TransformerScope scopeFilter)
    {
        var kept = Enumerable.Range(0, _transformers.Length).Where(i => (_scopes[i] & scopeFilter) != 0).ToArray();
        return new TransformerChain<ITransformer>(kept.Select(i => _transformers[i]), kept.Select(i => _scopes[i]));
    }

    public TransformerChain<TNewLast> Append<TNewLast>(TNewLast transformer, TransformerScope scope = TransformerScope.Everything)
        where TNewLast : class, ITransformer
    {
        ArgumentNullException.ThrowIfNull(transformer);
        return new TransformerChain<TNewLast>([.. _transformers, transformer], [.. _scopes, scope]);
    }

    IRowToRowMapper ITransformer.GetRowToRowMapper(DataViewSchema inputSchema)
    {
        ArgumentNullException.ThrowIfNull(inputSchema);
        if (!((ITransformer)this).IsRowToRowMapper) throw new InvalidOperationException("GetRowToRowMapper needs a chain of row to row transformers");
        var schema = inputSchema;
        var mappers = new List<IRowToRowMapper>();
        foreach (var transformer in _transformers)
        {
            mappers.Add(transformer.GetRowToRowMapper(schema));
            schema = mappers[^1].OutputSchema;
        }
        return new CompositeRowToRowMapper(inputSchema, mappers);
    }

    void ICanSaveModel.Save(ModelSaveContext ctx)
    {
        var writer = ctx.Begin<TransformerChain<ITransformer>>();
        writer.Write(_transformers.Length);
        for (var i = 0; i < _transformers.Length; i++)
        {
            writer.Write((int)_scopes[i]);
            ctx.Save(_transformers[i], $"Transform_{i:000}");
        }
    }

    static ICanSaveModel ILoadable.Load(ModelLoadContext ctx)
    {
        var scopes = new TransformerScope[ctx.Reader.ReadInt32()];
        for (var i = 0; i < scopes.Length; i++) scopes[i] = (TransformerScope)ctx.Reader.ReadInt32();
        return new TransformerChain<ITransformer>(scopes.Select((_, i) => (ITransformer)ctx.Load($"Transform_{i:000}")), scopes);
    }

    public IEnumerator<ITransformer> GetEnumerator() => ((IEnumerable<ITransformer>)_transformers).GetEnumerator();
    IEnumerator IEnumerable.GetEnumerator() => GetEnumerator();

    public void Dispose()
    {
        if (_disposed) return;
        _disposed = true;
        foreach (var transformer in _transformers) (transformer as IDisposable)?.Dispose();
    }
}
