namespace MLNet.Ssl;

public static partial class Presets
{
    /// <summary>DINO on ImageNet, the official README's vanilla run (Caron et al., arXiv 2104.14294):
    /// ViT-S/16, 100 epochs, batch 512.</summary>
    public static DinoOptions DinoImageNetViTSmall { get; } = new()
    {
        Backbone = VisionTransformerOptions.Small(),
        ImageSize = 224,
        LocalSize = 96,
        Epochs = 100,
        WarmupEpochs = 10,
        BatchSize = 512,
        OutputDimension = 65_536,
        TeacherMomentum = 0.996,
        Centering = DinoCentering.Mean,
        FreezeLastLayerEpochs = 1,
        LearningRate = 0.0005,
    };

    /// <summary>DINO on ImageNet, the README's boosted run: 300 epochs, a rising teacher temperature, trained
    /// norms of the last layer.</summary>
    public static DinoOptions DinoImageNetViTSmallBoosted { get; } = DinoImageNetViTSmall with
    {
        Epochs = 300,
        TeacherTemperature = 0.07,
        WarmupTeacherTemperatureEpochs = 30,
        NormLastLayer = false,
    };

    /// <summary>DINO on ImageNet, the README's ResNet-50 run: SGD, 100 epochs.</summary>
    public static DinoOptions DinoImageNetResNet50 { get; } = DinoImageNetViTSmall with
    {
        Backbone = ResNetOptions.ResNet50(),
        Optimizer = OptimizerKind.Sgd,
        LearningRate = 0.03,
        WeightDecay = 1e-4,
        WeightDecayEnd = 1e-4,
        GlobalScale = (0.14, 1),
        LocalScale = (0.05, 0.14),
    };

    /// <summary>DINO with SDMP on ImageNet (Ren et al., arXiv 2206.07692): ViT-S/16, 300 epochs, batch 1 024.</summary>
    public static DinoOptions DinoImageNetSdmp { get; } =
        DinoImageNetViTSmall with { Epochs = 300, BatchSize = 1024, Mixing = new SdmpOptions() };
}
