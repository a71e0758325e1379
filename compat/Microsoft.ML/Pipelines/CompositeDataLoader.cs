namespace Microsoft.ML.Data;

/// <summary>A loader and the transformers that follow it.</summary>
public sealed class CompositeDataLoader<TSource, TLastTransformer> : IDataLoader<TSource>, IDisposable
    where TLastTransformer : class, ITransformer
{
    public readonly IDataLoader<TSource> Loader;
    public readonly TransformerChain<TLastTransformer> Transformer;

    public CompositeDataLoader(IDataLoader<TSource> loader, TransformerChain<TLastTransformer> transformerChain = null)
        => (Loader, Transformer) = (loader ?? throw new ArgumentNullException(nameof(loader)), transformerChain ?? new TransformerChain<TLastTransformer>());

    public IDataView Load(TSource input) => Transformer.Transform(Loader.Load(input));

    public DataViewSchema GetOutputSchema() => Transformer.GetOutputSchema(Loader.GetOutputSchema());

    public CompositeDataLoader<TSource, TNewLast> AppendTransformer<TNewLast>(TNewLast transformer) where TNewLast : class, ITransformer
        => new(Loader, Transformer.Append(transformer));

    void ICanSaveModel.Save(ModelSaveContext ctx) => throw new NotSupportedException("Loaders are not saved here; save the transformers with the input schema");

    public void Dispose()
    {
        (Loader as IDisposable)?.Dispose();
        Transformer.Dispose();
    }
}

/// <summary>An estimator of loaders and the estimators that follow it.</summary>
public sealed class CompositeLoaderEstimator<TSource, TLastTransformer> : IDataLoaderEstimator<TSource, CompositeDataLoader<TSource, TLastTransformer>>
    where TLastTransformer : class, ITransformer
{
    private readonly IDataLoaderEstimator<TSource, IDataLoader<TSource>> _start;
    private readonly EstimatorChain<TLastTransformer> _chain;

    public CompositeLoaderEstimator(IDataLoaderEstimator<TSource, IDataLoader<TSource>> start, EstimatorChain<TLastTransformer> estimatorChain = null)
        => (_start, _chain) = (start ?? throw new ArgumentNullException(nameof(start)), estimatorChain ?? new EstimatorChain<TLastTransformer>());

    public CompositeDataLoader<TSource, TLastTransformer> Fit(TSource input)
    {
        var loader = _start.Fit(input);
        return new CompositeDataLoader<TSource, TLastTransformer>(loader, _chain.Fit(loader.Load(input)));
    }

    public SchemaShape GetOutputSchema() => _chain.GetOutputSchema(_start.GetOutputSchema());

    public CompositeLoaderEstimator<TSource, TNewTrans> Append<TNewTrans>(IEstimator<TNewTrans> estimator) where TNewTrans : class, ITransformer
        => new(_start, _chain.Append(estimator));
}

/// <summary>A loader seen as an estimator that has nothing to learn.</summary>
internal sealed class TrivialLoaderEstimator<TSource>(IDataLoader<TSource> loader) : IDataLoaderEstimator<TSource, IDataLoader<TSource>>
{
    public IDataLoader<TSource> Fit(TSource input) => loader;
    public SchemaShape GetOutputSchema() => SchemaShape.Create(loader.GetOutputSchema());
}
