namespace Microsoft.ML;

using Microsoft.ML.Runtime;

public abstract partial class TrainCatalogBase
{
    private protected TrainCatalogBase(HostEnvironment environment) => Environment = environment;

    internal HostEnvironment Environment { get; }

    public abstract class CatalogInstantiatorBase
    {
        private protected CatalogInstantiatorBase(TrainCatalogBase owner) => Owner = owner;

        internal TrainCatalogBase Owner { get; }
    }

    public sealed class CrossValidationResult<T> where T : class
    {
        public readonly T Metrics;
        public readonly ITransformer Model;
        public readonly IDataView ScoredHoldOutSet;
        public readonly int Fold;

        internal CrossValidationResult(ITransformer model, T metrics, IDataView scoredHoldOutSet, int fold)
            => (Model, Metrics, ScoredHoldOutSet, Fold) = (model, metrics, scoredHoldOutSet, fold);
    }
}
