namespace Microsoft.ML;

public abstract partial class TrainCatalogBase
{
    /// <summary>Fits on every fold's training rows and scores its held-out rows.</summary>
    private protected IReadOnlyList<CrossValidationResult<T>> CrossValidate<T>(IDataView data, IEstimator<ITransformer> estimator, int numberOfFolds,
        string samplingKeyColumnName, int? seed, Func<IDataView, T> evaluate)
        where T : class
    {
        var folds = new DataOperationsCatalog(Environment).CrossValidationSplit(data, numberOfFolds, samplingKeyColumnName, seed);
        return [.. folds.Select((fold, index) =>
        {
            var model = estimator.Fit(fold.TrainSet);
            var scored = model.Transform(fold.TestSet);
            return new CrossValidationResult<T>(model, evaluate(scored), scored, index);
        })];
    }
}
