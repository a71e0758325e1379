using MLNet.Ssl.Options;

namespace MLNet.Ssl;

/// <summary>Options of <see cref="LinearProbeTrainer"/>.</summary>
public sealed record LinearProbeTrainerOptions : MulticlassOptions
{
    /// <summary>
    /// How the probe is trained, by a published protocol for example. Default <c>new LinearProbeOptions()</c>, a sweep
    /// of eight learning rates.
    /// </summary>
    public LinearProbeOptions Probe { get; init; } = new();

    /// <summary>
    /// Share of each class's rows on which the learning rate is chosen, between 0 and 0.9. The probe is then trained on
    /// all rows. Not used where there is one learning rate. Default 0.2.
    /// </summary>
    public double ValidationFraction { get; init; } = 0.2;

    internal override CancellationToken Cancellation => Probe.CancellationToken;

    internal override void Validate()
    {
        base.Validate();
        ArgumentNullException.ThrowIfNull(Probe);
        Probe.Validate();
        Check.InRange(ValidationFraction, 0, 0.9);
    }
}
