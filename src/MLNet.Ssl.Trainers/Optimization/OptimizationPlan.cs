namespace MLNet.Ssl.Optimization;

/// <summary>How the optimiser moves the parameters over a run.</summary>
/// <param name="Optimizer">Which optimiser.</param>
/// <param name="LearningRate">Learning rate of a step.</param>
/// <param name="WeightDecay">Weight decay of a step, for all groups that decay
/// (<see cref="FlatParameters.Decays"/>).</param>
/// <param name="ClipGradient">L2 norm that every parameter's gradient is clipped to on its own; 0 for none.</param>
/// <param name="IsFrozen">True if the named group stays still at a step.</param>
/// <param name="RateScale">Factor of the learning rate for the named group; null for 1.</param>
public sealed record OptimizationPlan(
    OptimizerKind Optimizer,
    Func<StepClock, double> LearningRate,
    Func<StepClock, double> WeightDecay,
    double ClipGradient = 0,
    Func<StepClock, string, bool>? IsFrozen = null,
    Func<string, double>? RateScale = null)
{
    /// <summary>The form of LARS, of which papers have several.</summary>
    /// <value>Default that of DINO, MoCo v3 and BYOL.</value>
    public LarsMomentum LarsMomentum { get; init; }

    internal FlatOptimizer CreateOptimizer() => Optimizer switch
    {
        OptimizerKind.Lars => new Lars(LarsMomentum),
        OptimizerKind.AdamW => new AdamW(),
        _ => new Sgd(),
    };
}
