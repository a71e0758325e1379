using MLNet.Ssl.Optimization;
using MLNet.Ssl.Options;

namespace MLNet.Ssl;

/// <summary>How the learning rate of a linear probe falls.</summary>
public enum ProbeSchedule
{
    /// <summary>Half a cosine to 0, constant within an epoch: DINO, MoCo v3.</summary>
    CosineByEpoch,

    /// <summary>Half a cosine to 0 by the step, without warm-up: SimCLR, BYOL.</summary>
    CosineByStep,

    /// <summary>
    /// Multiplied by <see cref="LinearProbeOptions.DecayFactor"/> at every one of
    /// <see cref="LinearProbeOptions.Milestones"/>: MoCo v2, i-Mix.
    /// </summary>
    Steps,
}

/// <summary>What the weights of a linear probe start from; the biases start from zero.</summary>
public enum ProbeInitialization
{
    /// <summary>Zeros: SimCLR.</summary>
    Zeros,

    /// <summary>N(0, 0.01²): DINO, MoCo, i-Mix.</summary>
    Normal,

    /// <summary>
    /// A normal distribution of deviation 1/√D, cut off at two deviations: BYOL, whose framework does so by default.
    /// </summary>
    TruncatedNormal,
}

/// <summary>
/// Options of <see cref="LinearProbe"/>; the defaults suit embeddings of unknown scale, and the published protocols are
/// here by name.
/// </summary>
/// <example><code>LinearProbeOptions.MoCoV2 with { Epochs = 50 }</code></example>
public sealed partial record LinearProbeOptions
{
    /// <summary>
    /// Learning rates, trained side by side in one pass over the data; each is scaled by batch / 256 if
    /// <see cref="ScalesLearningRate"/>.
    /// </summary>
    /// <value>Default 0.01 to 30 in eight steps of about √10. Each above 0.</value>
    public IReadOnlyList<double> LearningRates { get; init; } = [0.01, 0.03, 0.1, 0.3, 1, 3, 10, 30];

    /// <summary>Whether the learning rates hold for a batch of 256 and are scaled by batch / 256.</summary>
    /// <value>Default true.</value>
    public bool ScalesLearningRate { get; init; } = true;

    /// <summary>Passes over the training rows.</summary>
    /// <value>Default 100, range 1 and up.</value>
    public int Epochs { get; init; } = 100;

    /// <summary>Rows of a step; all rows where there are fewer.</summary>
    /// <value>Default 256, range 1 and up.</value>
    public int BatchSize { get; init; } = 256;

    /// <summary>Whether the rows that do not fill a last batch are left out of an epoch.</summary>
    /// <value>Default false.</value>
    public bool DropsLastBatch { get; init; }

    /// <summary>How the learning rate falls.</summary>
    /// <value>Default <see cref="ProbeSchedule.CosineByEpoch"/>.</value>
    public ProbeSchedule Schedule { get; init; }

    /// <summary>When <see cref="ProbeSchedule.Steps"/> multiplies the rate, as shares of the epochs.</summary>
    /// <value>Default 0.6 and 0.8. Each between 0 and 1.</value>
    public IReadOnlyList<double> Milestones { get; init; } = [0.6, 0.8];

    /// <summary>What <see cref="ProbeSchedule.Steps"/> multiplies the rate by.</summary>
    /// <value>Default 0.1, range 0 to 1.</value>
    public double DecayFactor { get; init; } = 0.1;

    /// <summary>Momentum of SGD.</summary>
    /// <value>Default 0.9, range 0 to below 1.</value>
    public double Momentum { get; init; } = 0.9;

    /// <summary>Whether the momentum is Nesterov's.</summary>
    /// <value>Default false.</value>
    public bool Nesterov { get; init; }

    /// <summary>L2 weight decay of weights and biases, coupled: λw is added to the gradient.</summary>
    /// <value>Default 0, range 0 and up.</value>
    public double WeightDecay { get; init; }

    /// <summary>What the weights start from.</summary>
    /// <value>Default <see cref="ProbeInitialization.Normal"/>.</value>
    public ProbeInitialization Initialization { get; init; } = ProbeInitialization.Normal;

    /// <summary>
    /// Whether the weights of the epoch with the best validation accuracy are kept rather than the last epoch's.
    /// </summary>
    /// <value>Default false.</value>
    public bool KeepsBestEpoch { get; init; }

    /// <summary>
    /// Seed of the initial weights and of the order of rows: the same seed, data and thread count give the same
    /// weights.
    /// </summary>
    /// <value>Default 1.</value>
    public int Seed { get; init; } = 1;

    /// <summary>
    /// Stops after the current epoch, and in a pipeline while rows are read at the next one, with an
    /// <see cref="OperationCanceledException"/>.
    /// </summary>
    public CancellationToken CancellationToken { get; init; }

    /// <summary>Rows stay in their order, as the numbers of an official run may demand.</summary>
    internal bool Shuffles { get; init; } = true;

    /// <exception cref="ArgumentException">Names the option, its value and the range.</exception>
    internal void Validate()
    {
        if (LearningRates is not { Count: > 0 })
            throw new ArgumentException("LearningRates is empty; expected at least one.", nameof(LearningRates));
        foreach (double rate in LearningRates) Check.Positive(rate, nameof(LearningRates));
        Check.AtLeast(Epochs, 1);
        Check.AtLeast(BatchSize, 1);
        Check.Defined(Schedule);
        ArgumentNullException.ThrowIfNull(Milestones);
        foreach (double share in Milestones) Check.InRange(share, 0, 1, nameof(Milestones));
        Check.InRange(DecayFactor, 0, 1);
        Check.Below(Momentum, 0, 1);
        Check.AtLeast(WeightDecay, 0);
        Check.Defined(Initialization);
    }

    /// <summary>What a learning rate is multiplied by at a step.</summary>
    internal double RateFactor(long step, long stepsPerEpoch)
    {
        int epoch = (int)(step / stepsPerEpoch);
        return Schedule switch
        {
            ProbeSchedule.CosineByEpoch => Schedules.EpochCosine(epoch, Epochs, 1),
            ProbeSchedule.CosineByStep => Schedules.SimClr(step, stepsPerEpoch * Epochs, 0, 1),
            _ => Schedules.StepDecay(
                epoch, Milestones.Select(share => (int)Math.Round(share * Epochs)), 1, DecayFactor),
        };
    }

    /// <summary>All members, with the contents of lists.</summary>
    public override string ToString() => RecordText.Of(this);
}
