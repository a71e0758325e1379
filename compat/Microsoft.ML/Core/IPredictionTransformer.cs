namespace Microsoft.ML;

using Microsoft.ML.Data;

public interface IPredictionTransformer<out TModel> : ITransformer where TModel : class
{
    TModel Model { get; }
}

public interface ISingleFeaturePredictionTransformer<out TModel> : IPredictionTransformer<TModel> where TModel : class
{
    string FeatureColumnName { get; }
    DataViewType FeatureColumnType { get; }
}
