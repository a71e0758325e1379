namespace Microsoft.ML;

using Microsoft.ML.Data;

public static class DebuggerExtensions
{
    public static DataDebuggerPreview Preview(this IDataView data, int maxRows = 100) => new(data, maxRows);

    public static DataDebuggerPreview Preview(this ITransformer transformer, IDataView data, int maxRows = 100) => transformer.Transform(data).Preview(maxRows);

    public static DataDebuggerPreview Preview(this IEstimator<ITransformer> estimator, IDataView data, int maxRows = 100, int maxTrainingRows = 100)
        => estimator.Fit(new RangeView(data, 0, maxTrainingRows)).Transform(data).Preview(maxRows);

    public static DataDebuggerPreview Preview<TSource>(this IDataLoader<TSource> loader, TSource source, int maxRows = 100)
        => loader.Load(source).Preview(maxRows);
}
