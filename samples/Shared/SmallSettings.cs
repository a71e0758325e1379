namespace MLNet.Ssl.Samples;

/// <summary>Settings with which small images are learned from on two cores within minutes.</summary>
public static class SmallSettings
{
    public static ResNetOptions ResNet { get; } =
        new() { BlocksPerStage = [1, 1, 1], Width = 32, Stem = ResNetStem.SmallStride2 };

    public static VisionTransformerOptions VisionTransformer { get; } =
        new() { ImageSize = 32, PatchSize = 4, EmbeddingDimension = 192, Depth = 6, Heads = 3 };

    public static SimClrOptions SimClr { get; } = new()
    {
        Backbone = ResNet,
        BatchSize = 64,
        Temperature = 0.2,
        LearningRate = 0.4,
        MinCropScale = 0.3,
    };

    public static DinoOptions Dino { get; } = new()
    {
        Backbone = ResNet,
        BatchSize = 64,
        LocalCrops = 4,
        // Small crops of small images show next to nothing.
        GlobalScale = (0.5, 1),
        LocalScale = (0.2, 0.5),
        OutputDimension = 256,
        HeadHiddenDimension = 512,
        HeadBottleneckDimension = 128,
        BatchNormInHead = true,
        TeacherTemperature = 0.02,
        LearningRate = 0.012,
    };

    public static MoCoOptions MoCo { get; } = new()
    {
        Backbone = ResNet,
        BatchSize = 64,
        Temperature = 0.2,
        KeyMomentum = 0.99,
        QueueLength = 4096,
        LearningRate = 0.24,
    };

    public static MoCoV3Options MoCoV3 { get; } = new()
    {
        Backbone = ResNet,
        BatchSize = 64,
        Temperature = 0.2,
        HeadHiddenDimension = 512,
        ProjectionDimension = 128,
        Optimizer = OptimizerKind.AdamW,
        LearningRate = 0.008,
    };

    public static ByolOptions Byol { get; } = new()
    {
        Backbone = ResNet,
        BatchSize = 64,
        TargetMomentum = 0.99,
        ConstantMomentum = true,
        HeadBatchNorm = HeadNormalization.All,
        HeadHiddenDimension = 512,
        ProjectionDimension = 128,
        Optimizer = OptimizerKind.AdamW,
        LearningRate = 0.008,
    };
}
