using MLNet.Ssl.Methods;

namespace MLNet.Ssl;

public static partial class Presets
{
    /// <summary>SimCLR on ImageNet (Chen et al., arXiv 2002.05709): ResNet-50, 100 epochs, a peak rate of
    /// 4.8 for the batch of 4 096.</summary>
    public static SimClrOptions SimClrImageNet { get; } = new()
    {
        Backbone = ResNetOptions.ResNet50() with { ZeroInitResidual = true },
        ImageSize = 224,
        Epochs = 100,
        WarmupEpochs = 10,
        BatchSize = 4096,
        Optimizer = OptimizerKind.Lars,
        LearningRate = 0.3,
        Reduction = NtXentReduction.SimClrSum,
    };

    /// <summary>SimCLR on CIFAR-10, of the official README: ResNet-18 with the small stem, 1 000 epochs.</summary>
    public static SimClrOptions SimClrCifar10 { get; } = new()
    {
        Backbone = ResNetOptions.ResNet18(ResNetStem.Small) with { ZeroInitResidual = true },
        ImageSize = 32,
        Epochs = 1000,
        WarmupEpochs = 10,
        BatchSize = 512,
        Optimizer = OptimizerKind.Lars,
        LearningRate = 1,
        Reduction = NtXentReduction.SimClrSum,
    };

    /// <summary>
    /// SimCLR v2 on ImageNet (Chen et al., arXiv 2006.10029): ResNet-50 with selective kernels, a head of three layers,
    /// 800 epochs, a peak rate of 6.4 for the batch of 4 096. The larger networks are
    /// <see cref="ResNetOptions.SimClrV2"/>'s.
    /// </summary>
    public static SimClrOptions SimClrV2ImageNet { get; } = SimClrImageNet with
    {
        Backbone = ResNetOptions.SimClrV2(selectiveKernels: true),
        HeadLayers = 3,
        Epochs = 800,
        WarmupEpochs = 40,
        LearningRate = 0.4,
    };

    /// <summary>SimCLR v2 on ImageNet with the paper's memory of 65 536 embeddings.</summary>
    public static SimClrOptions SimClrV2ImageNetMemory { get; } = SimClrV2ImageNet with { MemoryLength = 65_536 };

    /// <summary>
    /// The N-pair form with i-Mix on CIFAR-10 (Lee et al., arXiv 2010.08887): ResNet-50 with the small stem, 4 000
    /// epochs. The published runs have two devices with half of the batch, and its negatives, on each.
    /// </summary>
    public static SimClrOptions NPairCifar10IMix { get; } = new()
    {
        Backbone = ResNetOptions.ResNet50(ResNetStem.Small),
        ImageSize = 32,
        Epochs = 4000,
        BatchSize = 256,
        Optimizer = OptimizerKind.Sgd,
        LearningRate = 0.125,
        Loss = SimClrLoss.NPair,
        View = ViewRecipes.IMixCifar(),
        Mixing = new IMixOptions(),
    };
}
