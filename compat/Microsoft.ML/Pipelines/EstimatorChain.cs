namespace Microsoft.ML.Data;

using Microsoft.ML.Runtime;

public sealed class EstimatorChain<TLastTransformer> : IEstimator<TransformerChain<TLastTransformer>>
    where TLastTransformer : class, ITransformer
{
    private readonly Step[] _steps;

    public readonly IEstimator<TLastTransformer> LastEstimator;

    public EstimatorChain() : this([]) { }

    internal EstimatorChain(Step[] steps)
    {
        _steps = steps;
        LastEstimator = steps.Length == 0 ? null : (IEstimator<TLastTransformer>)steps[^1].Estimator;
    }

    public TransformerChain<TLastTransformer> Fit(IDataView input)
    {
        ArgumentNullException.ThrowIfNull(input);
        // A wrong shape anywhere fails before anything is trained.
        GetOutputSchema(SchemaShape.Create(input.Schema));
        var transformers = new ITransformer[_steps.Length];
        var data = input;
        for (var i = 0; i < _steps.Length; i++)
        {
            transformers[i] = _steps[i].Estimator.Fit(data);
            if (i == _steps.Length - 1) break;
            data = transformers[i].Transform(data);
            if (_steps[i].CacheAfter) data = new CacheView(data);
        }
        return new TransformerChain<TLastTransformer>(transformers, _steps.Select(s => s.Scope));
    }

    public SchemaShape GetOutputSchema(SchemaShape inputSchema)
    {
        ArgumentNullException.ThrowIfNull(inputSchema);
        return _steps.Aggregate(inputSchema, (shape, step) => step.Estimator.GetOutputSchema(shape));
    }

    public EstimatorChain<TNewTrans> Append<TNewTrans>(IEstimator<TNewTrans> estimator, TransformerScope scope = TransformerScope.Everything)
        where TNewTrans : class, ITransformer
    {
        ArgumentNullException.ThrowIfNull(estimator);
        return new EstimatorChain<TNewTrans>([.. _steps, new Step(estimator, scope, false)]);
    }

    public EstimatorChain<TLastTransformer> AppendCacheCheckpoint(IHostEnvironment env)
    {
        ArgumentNullException.ThrowIfNull(env);
        return _steps.Length == 0 ? this : new EstimatorChain<TLastTransformer>([.. _steps[..^1], _steps[^1] with { CacheAfter = true }]);
    }
}

/// <summary>An estimator in a chain: where its transformer applies, and whether later ones train on a cache of its output.</summary>
internal sealed record Step(IEstimator<ITransformer> Estimator, TransformerScope Scope, bool CacheAfter);
