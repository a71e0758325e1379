namespace MLNet.Ssl;

/// <summary>Published settings by name, to be used as they are or edited: <c>Presets.MoCoV2Cifar10IMix
/// with { Epochs = 200 }</c>.</summary>
public static partial class Presets
{
    /// <summary>MoCo v1 on ImageNet (He et al., arXiv 1911.05722): ResNet-50, 200 epochs.</summary>
    public static MoCoOptions MoCoV1ImageNet { get; } = MoCoImageNet(MoCoOptions.V1);

    /// <summary>MoCo v2 on ImageNet (Chen et al., arXiv 2003.04297): ResNet-50, 200 epochs.</summary>
    public static MoCoOptions MoCoV2ImageNet { get; } = MoCoImageNet(new MoCoOptions { Epochs = 200 });

    /// <summary>MoCo v2 with i-Mix on CIFAR-10 (Lee et al., arXiv 2010.08887): ResNet-50 with the
    /// small stem, 4 000 epochs.</summary>
    public static MoCoOptions MoCoV2Cifar10IMix { get; } = new()
    {
        Backbone = ResNetOptions.ResNet50(ResNetStem.Small),
        ImageSize = 32,
        Epochs = 4000,
        BatchSize = 256,
        LearningRate = 0.125,
        QueueLength = 4096,
        KeyMomentum = 0.999,
        HeadBatchNorm = HeadNormalization.Hidden,
        BatchNormGroups = 2,
        View = ViewRecipes.IMixCifar(),
        Mixing = new IMixOptions(),
    };

    /// <summary>MoCo v3 on ImageNet (Chen et al., arXiv 2104.02057): ViT-S/16 with 12 heads, 300 epochs.</summary>
    public static MoCoV3Options MoCoV3ImageNetViTSmall { get; } = new()
    {
        Backbone = VisionTransformerOptions.MoCoV3Small(),
        ImageSize = 224,
        Epochs = 300,
        WarmupEpochs = 40,
        BatchSize = 4096,
    };

    /// <summary>MoCo v3 on ImageNet: ResNet-50, 100 epochs.</summary>
    public static MoCoV3Options MoCoV3ImageNetResNet50 { get; } = new()
    {
        Backbone = ResNetOptions.ResNet50() with { ZeroInitResidual = true },
        ImageSize = 224,
        Epochs = 100,
        WarmupEpochs = 10,
        BatchSize = 4096,
    };

    /// <summary>MoCo v3 on ImageNet: ViT-B/16, 300 epochs.</summary>
    public static MoCoV3Options MoCoV3ImageNetViTBase { get; } =
        MoCoV3ImageNetViTSmall with { Backbone = VisionTransformerOptions.MoCoV3Base() };

    /// <summary>MoCo v3 on ImageNet: ViT-S with a convolutional stem, 300 epochs.</summary>
    public static MoCoV3Options MoCoV3ImageNetConvViTSmall { get; } =
        MoCoV3ImageNetViTSmall with { Backbone = VisionTransformerOptions.MoCoV3ConvSmall() };

    /// <summary>MoCo v3 on ImageNet: ViT-B with a convolutional stem, 300 epochs.</summary>
    public static MoCoV3Options MoCoV3ImageNetConvViTBase { get; } =
        MoCoV3ImageNetViTSmall with { Backbone = VisionTransformerOptions.MoCoV3ConvBase() };

    /// <summary>MoCo v3 with SDMP on ImageNet (Ren et al., arXiv 2206.07692): ViT-S/16,
    /// 300 epochs, batch 1 024.</summary>
    public static MoCoV3Options MoCoV3ImageNetSdmp { get; } =
        MoCoV3ImageNetViTSmall with { BatchSize = 1024, Mixing = new SdmpOptions() };

    /// <summary>BYOL on ImageNet (Grill et al., arXiv 2006.07733): ResNet-50, 300 epochs.</summary>
    public static ByolOptions ByolImageNet { get; } = new()
    {
        Backbone = ResNetOptions.ResNet50(),
        ImageSize = 224,
        Epochs = 300,
        WarmupEpochs = 10,
        BatchSize = 4096,
        LearningRate = 0.3,
    };

    /// <summary>BYOL on little data, of the official README: ResNet-18, ten classes of ImageNet at
    /// 128 pixels, 1 000 epochs.</summary>
    public static ByolOptions ByolSmallData { get; } = new()
    {
        Backbone = ResNetOptions.ResNet18(),
        ImageSize = 128,
        Epochs = 1000,
        WarmupEpochs = 10,
        BatchSize = 256,
        Optimizer = OptimizerKind.Lars,
        LearningRate = 2,
        WeightDecay = 1e-6,
    };

    /// <summary>
    /// BYOL with i-Mix on CIFAR-10 (Lee et al., arXiv 2010.08887): ResNet-50 with the small stem, 2 000
    /// epochs. Other than in i-Mix's code, the heads' last layers have no bias.
    /// </summary>
    public static ByolOptions ByolCifar10IMix { get; } = new()
    {
        Backbone = ResNetOptions.ResNet50(ResNetStem.Small),
        ImageSize = 32,
        Epochs = 2000,
        WarmupEpochs = 10,
        BatchSize = 256,
        Optimizer = OptimizerKind.Sgd,
        LearningRate = 0.125,
        TargetMomentum = 0.999,
        ConstantMomentum = true,
        ProjectionDimension = 128,
        HeadHiddenDimension = 2048,
        Symmetric = false,
        BatchNormGroups = 2,
        View1 = ViewRecipes.IMixCifar(),
        View2 = ViewRecipes.IMixCifar(),
        Mixing = new IMixOptions(),
    };

    private static MoCoOptions MoCoImageNet(MoCoOptions options) => options with
    {
        Backbone = ResNetOptions.ResNet50(),
        ImageSize = 224,
        BatchSize = 256,
        QueueLength = 65_536,
        KeyMomentum = 0.999,
        BatchNormGroups = 8,
    };
}
