namespace Microsoft.ML;

using Microsoft.ML.Runtime;

/// <remarks>Evaluation and cross-validation are the other parts of this class.</remarks>
public sealed partial class MulticlassClassificationCatalog : TrainCatalogBase
{
    internal MulticlassClassificationCatalog(HostEnvironment environment) : base(environment) => Trainers = new MulticlassClassificationTrainers(this);

    public MulticlassClassificationTrainers Trainers { get; }

    public sealed class MulticlassClassificationTrainers : CatalogInstantiatorBase
    {
        internal MulticlassClassificationTrainers(TrainCatalogBase owner) : base(owner) { }
    }
}
