namespace MLNet.Ssl.Optimization;

/// <summary>Where a run stands: what schedules depend on.</summary>
/// <param name="Step">Global step, from 0.</param>
/// <param name="StepsPerEpoch">Steps of an epoch.</param>
/// <param name="Epochs">Epochs of the whole run.</param>
public readonly record struct StepClock(long Step, long StepsPerEpoch, int Epochs)
{
    /// <summary>The step that follows.</summary>
    public StepClock Next => this with { Step = Step + 1 };

    /// <summary>Steps of the whole run.</summary>
    public long TotalSteps => StepsPerEpoch * Epochs;

    /// <summary>Epoch of this step, from 0.</summary>
    public int Epoch => (int)(Step / StepsPerEpoch);

    /// <summary>Epoch of this step with its fraction, from 0.</summary>
    public double FractionalEpoch => Step / (double)StepsPerEpoch;
}
