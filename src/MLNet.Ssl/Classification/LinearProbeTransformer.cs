using Microsoft.ML;

namespace MLNet.Ssl;

/// <summary>
/// A fitted <see cref="LinearProbeTrainer"/>: adds the predicted class and the class probabilities. Safe to share
/// between threads.
/// </summary>
public sealed class LinearProbeTransformer : MulticlassTransformer
{
    internal LinearProbeTransformer(
        LinearProbe probe, LinearProbeTrainerOptions options, DataViewSchema.Annotations label)
        : base(probe, options, label) =>
        Probe = probe;

    /// <summary>The probe, with what every learning rate came to; owned by the transformer.</summary>
    public LinearProbe Probe { get; }
}
