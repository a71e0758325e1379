using System.Collections.Concurrent;
using Microsoft.ML;

namespace MLNet.Ssl;

/// <summary>
/// Prediction engines over one model, lent to a thread at a time: a <see cref="PredictionEngine{TSrc, TDst}"/> is not
/// thread-safe. There are as many as threads predicted at once; <see cref="ModelFileCatalog.CreatePredictionPool"/>
/// makes one.
/// </summary>
/// <typeparam name="TSrc">Class of a row that goes in.</typeparam>
/// <typeparam name="TDst">Class of the row that comes out.</typeparam>
public sealed class PredictionPool<TSrc, TDst> : IDisposable where TSrc : class where TDst : class, new()
{
    private readonly ConcurrentBag<PredictionEngine<TSrc, TDst>> _idle = [];
    private readonly Func<PredictionEngine<TSrc, TDst>> _create;
    private volatile bool _disposed;

    internal PredictionPool(MLContext context, ITransformer model, PredictionEngineOptions? options)
    {
        ArgumentNullException.ThrowIfNull(model);
        // An engine that owns its transformer would dispose of it under the others.
        var shared = new PredictionEngineOptions { OwnsTransformer = false };
        if (options is not null)
        {
            (shared.IgnoreMissingColumns, shared.InputSchemaDefinition, shared.OutputSchemaDefinition) =
                (options.IgnoreMissingColumns, options.InputSchemaDefinition, options.OutputSchemaDefinition);
        }
        _create = () => context.Model.CreatePredictionEngine<TSrc, TDst>(model, shared);
        // A class that does not fit the model is told here.
        _idle.Add(_create());
    }

    /// <summary>Predicts for one row. Safe to call from several threads.</summary>
    /// <param name="example">The row.</param>
    /// <exception cref="ObjectDisposedException">The pool or the model was disposed of.</exception>
    public TDst Predict(TSrc example)
    {
        ArgumentNullException.ThrowIfNull(example);
        ObjectDisposedException.ThrowIf(_disposed, this);
        if (!_idle.TryTake(out var engine)) engine = _create();
        bool good = false;
        try
        {
            var prediction = engine.Predict(example);
            good = true;
            return prediction;
        }
        finally
        {
            // One that failed halfway through a row is not lent again.
            if (good && !_disposed) _idle.Add(engine);
            else engine.Dispose();
        }
    }

    /// <summary>Disposes of the engines, not of the model.</summary>
    public void Dispose()
    {
        _disposed = true;
        while (_idle.TryTake(out var engine)) engine.Dispose();
    }
}
