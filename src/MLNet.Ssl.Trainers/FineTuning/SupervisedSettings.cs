using MLNet.Ssl.Optimization;
using MLNet.Ssl.Runs;

namespace MLNet.Ssl.FineTuning;

/// <summary>What fine-tuning or distillation will do.</summary>
internal sealed record SupervisedSettings : TrainingSettings
{
    public required OptimizerKind Optimizer { get; init; }

    public required double LearningRate { get; init; }

    public required double WeightDecay { get; init; }

    public required double MinCropScale { get; init; }

    /// <summary>Factor of the learning rate from one layer to the one below it.</summary>
    public double LayerDecay { get; init; } = 1;

    /// <summary>τ of distillation.</summary>
    public double Temperature { get; init; } = 1;

    public OptimizationPlan Optimization(Func<string, double>? rateScale = null) => new(
        Optimizer,
        t => Schedules.SimClr(t.Step, t.TotalSteps, WarmupEpochs * t.StepsPerEpoch, PeakRate(LearningRate)),
        _ => WeightDecay,
        RateScale: rateScale)
    { LarsMomentum = LarsMomentum.RateInside };
}
