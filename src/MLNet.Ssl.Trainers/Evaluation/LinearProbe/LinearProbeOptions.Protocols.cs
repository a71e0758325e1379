namespace MLNet.Ssl;

/// <content>The published protocols. What they do to images (crops, flips) is the features' matter, not the
/// probe's.</content>
public sealed partial record LinearProbeOptions
{
    /// <summary>
    /// DINO (Caron et al., arXiv 2104.14294): 100 epochs, best epoch; the published 0.001 within a sweep, as its
    /// authors advise to tune. Its features: <see cref="PretrainedOptions.LastBlocks"/> 4 for ViT-S,
    /// <see cref="PretrainedOptions.AveragePoolPatchTokens"/> for ViT-B.
    /// </summary>
    public static LinearProbeOptions Dino { get; } =
        new() { LearningRates = [1e-4, 3e-4, 1e-3, 3e-3, 1e-2, 3e-2], KeepsBestEpoch = true };

    /// <summary>
    /// MoCo v2 (Chen et al., arXiv 2003.04297): 30 whatever the batch, a tenth at 60 % and 80 % of 100 epochs, best
    /// epoch.
    /// </summary>
    public static LinearProbeOptions MoCoV2 { get; } = new()
    {
        LearningRates = [30],
        ScalesLearningRate = false,
        Schedule = ProbeSchedule.Steps,
        KeepsBestEpoch = true,
    };

    /// <summary>
    /// MoCo v3 (Chen et al., arXiv 2104.02057): 90 epochs at batch 1 024, best epoch; 0.1 (published for ResNet-50) and
    /// 3 (for ViT) side by side.
    /// </summary>
    public static LinearProbeOptions MoCoV3 { get; } =
        new() { LearningRates = [0.1, 3], Epochs = 90, BatchSize = 1024, KeepsBestEpoch = true };

    /// <summary>
    /// SimCLR v2 on ImageNet (Chen et al., arXiv 2006.10029): 0.1, weight decay 1e-6, 90 epochs at batch 4 096.
    /// </summary>
    public static LinearProbeOptions SimClr { get; } = new()
    {
        LearningRates = [0.1],
        WeightDecay = 1e-6,
        Epochs = 90,
        BatchSize = 4096,
        DropsLastBatch = true,
        Schedule = ProbeSchedule.CosineByStep,
        Nesterov = true,
        Initialization = ProbeInitialization.Zeros,
    };

    /// <summary>SimCLR on CIFAR-10: 0.1, no weight decay, 100 epochs at batch 512.</summary>
    public static LinearProbeOptions SimClrCifar10 { get; } =
        SimClr with { WeightDecay = 0, Epochs = 100, BatchSize = 512 };

    /// <summary>BYOL (Grill et al., arXiv 2006.07733): 0.2, 80 epochs at batch 4 096.</summary>
    public static LinearProbeOptions Byol { get; } = SimClr with
    {
        LearningRates = [0.2],
        WeightDecay = 0,
        Epochs = 80,
        Initialization = ProbeInitialization.TruncatedNormal,
    };

    /// <summary>
    /// i-Mix on CIFAR, speech and tabular data (Lee et al., arXiv 2010.08887): seven rates, a fifth at 80, 90 and 95 %
    /// of 100 epochs.
    /// </summary>
    public static LinearProbeOptions IMix { get; } = new()
    {
        LearningRates = [1, 3, 5, 10, 30, 50, 70],
        DropsLastBatch = true,
        Schedule = ProbeSchedule.Steps,
        Milestones = [0.8, 0.9, 0.95],
        DecayFactor = 0.2,
    };

    /// <summary>i-Mix on ImageNet: 30, a tenth at 60 and 80 % of 100 epochs.</summary>
    public static LinearProbeOptions IMixImageNet { get; } =
        IMix with { LearningRates = [30], Milestones = [0.6, 0.8], DecayFactor = 0.1 };
}
