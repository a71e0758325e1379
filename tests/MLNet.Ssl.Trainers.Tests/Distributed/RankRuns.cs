namespace MLNet.Ssl.Tests;

/// <summary>Small runs that one process and several are to end alike, of 10 steps of 16 rows in 2 epochs.</summary>
internal static class RankRuns
{
    public const int Rows = 80, Steps = 10;

    private static readonly DinoOptions Dino = new()
    {
        Backbone = SmallRuns.Vit,
        LocalCrops = 2,
        LocalSize = 12,
        OutputDimension = 32,
        HeadHiddenDimension = 16,
        HeadBottleneckDimension = 8,
        TeacherMomentum = 0.99,
        FreezeLastLayerEpochs = 1,
        LearningRate = 0.01,
    };

    private static readonly MoCoOptions MoCo =
        new() { Backbone = SmallRuns.ResNet, QueueLength = 48, BatchNormGroups = 2, LearningRate = 1 };

    // By AdamW, parameters whose gradient is zero but for its rounding, as that of a bias
    // before a batch norm, move anywhere.
    private static readonly MoCoV3Options MoCoV3 = new()
    {
        Backbone = SmallRuns.Vit,
        HeadHiddenDimension = 16,
        ProjectionDimension = 8,
        Optimizer = OptimizerKind.Sgd,
        LearningRate = 0.02,
    };

    private static readonly ByolOptions Byol = new()
    {
        Backbone = SmallRuns.ResNet,
        HeadHiddenDimension = 16,
        ProjectionDimension = 8,
        Optimizer = OptimizerKind.Sgd,
        LearningRate = 0.1,
    };

    private static readonly SimClrOptions SimClr = new() { Backbone = SmallRuns.ResNet, LearningRate = 0.05 };

    /// <summary>Runs whose random numbers are those of rank 0 or of a sample.</summary>
    public static IReadOnlyDictionary<string, PretrainOptions> Equal { get; } = new Dictionary<string, PretrainOptions>
    {
        ["DINO"] = Dino with { Centering = DinoCentering.Mean },
        ["DINO, ResNet, batch norm in the head, Sinkhorn-Knopp"] =
            Dino with
            {
                Backbone = SmallRuns.ResNet,
                BatchNormInHead = true,
                Centering = DinoCentering.SinkhornKnopp,
                Optimizer = OptimizerKind.Sgd
            },
        ["SimCLR"] = SimClr,
        ["SimCLR, LARS, memory"] = SimClr with { Optimizer = OptimizerKind.Lars, MemoryLength = 32 },
        ["N-pair"] = SimClr with { Loss = SimClrLoss.NPair, LearningRate = 0.05 },
        ["MoCo v2"] = MoCo,
        ["MoCo v2, symmetric"] = MoCo with { Symmetric = true },
        // On a ViT a relative change of 1e-6 of the weights grows to 8e-4 in ten steps
        // of one process: nothing to compare.
        ["MoCo v3, ResNet"] = MoCoV3 with { Backbone = SmallRuns.ResNet, LearningRate = 0.2 },
        ["BYOL"] = Byol,
        ["BYOL, 2 groups"] = Byol with { BatchNormGroups = 2 },
        ["table: MoCo"] = new MoCoOptions
        {
            Backbone = SmallRuns.Mlp,
            QueueLength = 48,
            LearningRate = 0.1,
            Table = new() { MaskProbability = 0 }
        },
    };

    /// <summary>Runs that mix, which each rank does on its own.</summary>
    public static IReadOnlyDictionary<string, PretrainOptions> Mixed { get; } = new Dictionary<string, PretrainOptions>
    {
        ["DINO, SDMP"] = Dino with { Mixing = new SdmpOptions() },
        ["MoCo v2, i-Mix"] = MoCo with { Mixing = new IMixOptions(), Symmetric = true },
        ["MoCo v3, SDMP"] = MoCoV3 with { Mixing = new SdmpOptions() },
        ["N-pair, i-Mix"] = SimClr with { Loss = SimClrLoss.NPair, Mixing = new IMixOptions { Layers = [0, 1] } },
    };

    public static PretrainOptions Of(string name) =>
        (Equal.GetValueOrDefault(name)
            ?? Mixed[name]) with
        { Epochs = 2, BatchSize = 16, Seed = 5, Threads = 1, WarmupEpochs = 0 };
}
