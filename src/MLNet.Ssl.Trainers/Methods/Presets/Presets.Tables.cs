namespace MLNet.Ssl;

/// <content> i-Mix's runs on tables (Lee et al., arXiv 2010.08887, section 4.3 and appendix), with their baselines: the
/// published network, 500 epochs, batch 512. The baselines and N-pair mask a fifth of the continuous values, and so do
/// all runs on Higgs; the published MoCo and BYOL runs with i-Mix on CovType mask nothing.
/// </content>
public static partial class Presets
{
    /// <summary>MoCo on CovType: 54 slots, of which the first 10 are continuous.</summary>
    public static MoCoOptions CovTypeMoCo { get; } = TableMoCo(TabularMlpOptions.CovType, 0.2);

    /// <summary>MoCo with i-Mix on CovType.</summary>
    public static MoCoOptions CovTypeMoCoIMix { get; } =
        TableMoCo(TabularMlpOptions.CovType, 0) with { Mixing = new IMixOptions { Alpha = 2 } };

    /// <summary>The N-pair form on CovType.</summary>
    public static SimClrOptions CovTypeNPair { get; } = TableNPair(TabularMlpOptions.CovType);

    /// <summary>The N-pair form with i-Mix on CovType.</summary>
    public static SimClrOptions CovTypeNPairIMix { get; } =
        CovTypeNPair with { Mixing = new IMixOptions { Alpha = 2 } };

    /// <summary>BYOL on CovType.</summary>
    public static ByolOptions CovTypeByol { get; } = new()
    {
        Backbone = TabularMlpOptions.CovType,
        Table = new() { MaskProbability = 0.2 },
        Epochs = 500,
        WarmupEpochs = 5,
        BatchSize = 512,
        Optimizer = OptimizerKind.Sgd,
        LearningRate = 0.125,
        WeightDecay = 1e-4,
        TargetMomentum = 0.999,
        ConstantMomentum = true,
        Symmetric = false,
        ProjectionDimension = 128,
        HeadBatchNorm = HeadNormalization.All,
    };

    /// <summary>BYOL with i-Mix on CovType.</summary>
    public static ByolOptions CovTypeByolIMix { get; } =
        CovTypeByol with { Mixing = new IMixOptions { Alpha = 2 }, Table = new() { MaskProbability = 0 } };

    /// <summary>MoCo on Higgs: 28 continuous slots.</summary>
    public static MoCoOptions HiggsMoCo { get; } = TableMoCo(TabularMlpOptions.Higgs, 0.2);

    /// <summary>MoCo with i-Mix on Higgs.</summary>
    public static MoCoOptions HiggsMoCoIMix { get; } = HiggsMoCo with { Mixing = new IMixOptions() };

    /// <summary>The N-pair form on Higgs.</summary>
    public static SimClrOptions HiggsNPair { get; } = TableNPair(TabularMlpOptions.Higgs);

    /// <summary>The N-pair form with i-Mix on Higgs.</summary>
    public static SimClrOptions HiggsNPairIMix { get; } = HiggsNPair with { Mixing = new IMixOptions() };

    private static MoCoOptions TableMoCo(TabularMlpOptions backbone, double mask) => new()
    {
        Backbone = backbone,
        Table = new() { MaskProbability = mask },
        Epochs = 500,
        WarmupEpochs = 5,
        BatchSize = 512,
        Optimizer = OptimizerKind.Sgd,
        LearningRate = 0.125,
        Temperature = 0.1,
        QueueLength = 4096,
        KeyMomentum = 0.999,
        HeadBatchNorm = HeadNormalization.All,
        BatchNormGroups = 1,
    };

    private static SimClrOptions TableNPair(TabularMlpOptions backbone) => new()
    {
        Loss = SimClrLoss.NPair,
        Backbone = backbone,
        Table = new() { MaskProbability = 0.2 },
        Epochs = 500,
        WarmupEpochs = 5,
        BatchSize = 512,
        Optimizer = OptimizerKind.Sgd,
        LearningRate = 0.125,
        Temperature = 0.1,
    };
}
