using Microsoft.ML;

namespace MLNet.Ssl;

/// <summary>
/// A fitted <see cref="NearestNeighborsTrainer"/>: adds the predicted class and the class probabilities. Safe to share
/// between threads.
/// </summary>
public sealed class NearestNeighborsTransformer : MulticlassTransformer
{
    internal NearestNeighborsTransformer(
        WeightedKnn knn, NearestNeighborsOptions options, DataViewSchema.Annotations label) : base(knn, options, label)
    {
    }
}
