using MLNet.Ssl;

namespace Microsoft.ML;

/// <summary>Self-supervised learning in ML.NET's catalogs.</summary>
public static class SelfSupervisedExtensions
{
    /// <summary>Estimators that learn an embedding from rows without labels.</summary>
    /// <param name="context">The context, whose log, seed, <see cref="MLContext.GpuDeviceId"/> and
    /// <see cref="MLContext.FallbackToCpu"/> they use.</param>
    public static SelfSupervisedCatalog SelfSupervised(this MLContext context) => new(context);

    /// <summary>
    /// A classifier by the labels of the nearest training rows, as DINO measures embeddings
    /// (<see cref="NearestNeighborsTrainer"/>).
    /// </summary>
    /// <param name="catalog">The catalog of multiclass trainers.</param>
    /// <param name="labelColumnName">Column of the classes, a key.</param>
    /// <param name="featureColumnName">Column of the features, a known-size vector of Single.</param>
    /// <param name="numberOfNeighbors">Neighbours k that vote, at least 1.</param>
    /// <param name="temperature">Temperature T of the votes exp(similarity / T), above 0.</param>
    /// <exception cref="ArgumentException">An option is out of range.</exception>
    public static NearestNeighborsTrainer NearestNeighbors(
        this MulticlassClassificationCatalog.MulticlassClassificationTrainers catalog,
        string labelColumnName = "Label", string featureColumnName = "Features", int numberOfNeighbors = 20,
        float temperature = 0.07f) =>
        catalog.NearestNeighbors(new NearestNeighborsOptions
        {
            LabelColumnName = labelColumnName,
            FeatureColumnName = featureColumnName,
            NumberOfNeighbors = numberOfNeighbors,
            Temperature = temperature,
        });

    /// <inheritdoc cref="NearestNeighbors(MulticlassClassificationCatalog.MulticlassClassificationTrainers, string,
    /// string, int, float)"/>
    /// <param name="options">All options.</param>
    public static NearestNeighborsTrainer NearestNeighbors(
        this MulticlassClassificationCatalog.MulticlassClassificationTrainers catalog,
        NearestNeighborsOptions options)
    {
        ArgumentNullException.ThrowIfNull(catalog);
        return new(options);
    }

    /// <summary>
    /// A linear classifier trained as the protocols of self-supervised learning measure embeddings
    /// (<see cref="LinearProbeTrainer"/>).
    /// </summary>
    /// <param name="catalog">The catalog of multiclass trainers.</param>
    /// <param name="labelColumnName">Column of the classes, a key.</param>
    /// <param name="featureColumnName">Column of the features, a known-size vector of Single.</param>
    /// <param name="probe">How it is trained, such as <see cref="LinearProbeOptions.MoCoV3"/>. Null means a sweep of
    /// eight learning rates.</param>
    /// <exception cref="ArgumentException">An option is out of range.</exception>
    public static LinearProbeTrainer LinearProbe(
        this MulticlassClassificationCatalog.MulticlassClassificationTrainers catalog,
        string labelColumnName = "Label", string featureColumnName = "Features", LinearProbeOptions? probe = null) =>
        catalog.LinearProbe(new LinearProbeTrainerOptions
        {
            LabelColumnName = labelColumnName,
            FeatureColumnName = featureColumnName,
            Probe = probe ?? new(),
        });

    /// <inheritdoc cref="LinearProbe(MulticlassClassificationCatalog.MulticlassClassificationTrainers, string, string,
    /// LinearProbeOptions)"/>
    /// <param name="options">All options.</param>
    public static LinearProbeTrainer LinearProbe(
        this MulticlassClassificationCatalog.MulticlassClassificationTrainers catalog,
        LinearProbeTrainerOptions options)
    {
        ArgumentNullException.ThrowIfNull(catalog);
        return new(options);
    }
}
