namespace MLNet.Ssl.Tests;

/// <summary>Methods, alone and mixed, must learn: kNN accuracy on frozen features against that
/// of the untrained encoder.</summary>
[Collection(nameof(Alone))]
public class LearningTests(ITestOutputHelper output)
{
    private static readonly ResNetOptions TinyResNet =
        new() { BlocksPerStage = [1, 1], Width = 16, Stem = ResNetStem.SmallStride2 };

    // The pictures' colours say nothing of their class, so they are jittered away.
    private static readonly ViewRecipe View = ViewRecipes.SimClr() with { Scale = (0.3, 1), BlurProbability = 0 };

    private static readonly MoCoOptions MoCo =
        Common(new MoCoOptions { View = View, KeyMomentum = 0.97, QueueLength = 256 });

    private static readonly MoCoV3Options MoCoV3 = Common(new MoCoV3Options
    {
        View1 = View,
        View2 = View,
        HeadHiddenDimension = 128,
        ProjectionDimension = 64,
        Temperature = 0.2,
        KeyMomentum = 0.9,
    });

    private static readonly SimClrOptions SimClr =
        Adam(Common(new SimClrOptions { View = View, Temperature = 0.2 })) with { LearningRate = 0.02 };

    private static readonly SimClrOptions NPair = Common(new SimClrOptions { View = View, Loss = SimClrLoss.NPair });

    // Without negatives a run takes longer to learn anything.
    private static readonly ByolOptions Byol = Adam(Common(new ByolOptions
    {
        View1 = View,
        View2 = View,
        TargetMomentum = 0.99,
        ConstantMomentum = true,
        HeadBatchNorm = HeadNormalization.All,
        HeadHiddenDimension = 128,
        ProjectionDimension = 64,
    })) with
    {
        Epochs = 40,
        LearningRate = 0.01,
        Seed = 1,
    };

    private static readonly DinoOptions Dino = Common(new DinoOptions
    {
        LocalCrops = 4,
        LocalSize = 12,
        OutputDimension = 256,
        HeadHiddenDimension = 128,
        HeadBottleneckDimension = 64,
    }) with
    {
        Optimizer = OptimizerKind.AdamW,
        LearningRate = 0.003,
        BatchSize = 32,
    };

    private static readonly IMixOptions WithInputMix = new() { InputMix = new() { Auxiliaries = 1, Alpha = 0.2 } };

    private static readonly Dictionary<string, (PretrainOptions Options, double Margin)> All = new()
    {
        ["DINO"] = (Dino, 0.06),
        ["DINO, SDMP"] = (Dino with { Seed = 4, Mixing = new SdmpOptions() }, 0.06),
        ["MoCo v2"] = (Adam(MoCo) with { KeyMomentum = 0.99, LearningRate = 0.002 }, 0.06),
        ["MoCo v2, i-Mix"] = (Adam(MoCo) with { Mixing = new IMixOptions() }, 0.12),
        ["MoCo v2, i-Mix and InputMix"] = (Adam(MoCo) with { Mixing = WithInputMix }, 0.1),
        ["MoCo v2, i-Mix of feature maps"] = (Adam(MoCo) with { Mixing = new IMixOptions { Layers = [0, 1, 2] } }, 0.1),
        ["MoCo v3"] = (Adam(MoCoV3) with { Seed = 4 }, 0.2),
        ["MoCo v3, SDMP"] = (WithOwnViews(MoCoV3) with { LearningRate = 1, Mixing = new SdmpOptions() }, 0.06),
        ["SimCLR"] = (SimClr, 0.3),
        ["SimCLR, memory"] = (SimClr with { MemoryLength = 256, MemoryMomentum = 0.97 }, 0.3),
        ["N-pair"] = (Adam(NPair), 0.25),
        ["N-pair, i-Mix"] = (Adam(NPair) with { Mixing = new IMixOptions() }, 0.2),
        ["N-pair, i-Mix and InputMix"] = (Adam(NPair) with { Mixing = WithInputMix }, 0.2),
        ["BYOL"] = (Byol, 0.15),
        ["BYOL, i-Mix"] = (Byol with { Mixing = new IMixOptions() }, 0.15),
        ["BYOL, i-Mix and InputMix"] = (Byol with { Mixing = WithInputMix }, 0.15),
    };

    public static TheoryData<string> Names => [.. All.Keys];

    [Theory]
    [MemberData(nameof(Names))]
    public void LearnsTexturesThatAnUntrainedEncoderDoesNotTellApart(string name)
    {
        var (options, margin) = All[name];
        var (train, test) = (Patterns.Draw(512, 1), Patterns.Draw(256, 2));
        SomeSeed.Reaches(margin, options.Seed!.Value, seed => Gain(name, options with { Seed = seed }, train, test));
    }

    private double Gain(string name, PretrainOptions options, (ImageStore Images, int[] Labels) train,
        (ImageStore Images, int[] Labels) test)
    {
        using var untrained = Pretrainer.Fit(train.Images, options with { Epochs = 0 });
        using var trained = Pretrainer.Fit(train.Images, options);
        double before = Patterns.KnnAccuracy(untrained, train, test),
            after = Patterns.KnnAccuracy(trained, train, test);
        output.WriteLine($"{name}, seed {options.Seed}: kNN accuracy {before:0.000} untrained, {after:0.000} trained");
        return after - before;
    }

    private static MoCoV3Options WithOwnViews(MoCoV3Options options) =>
        options with { View1 = null, View2 = null, Backbone = TinyResNet with { Stem = ResNetStem.Small } };

    private static T Adam<T>(T options) where T : PretrainOptions =>
        (T)(options with { Optimizer = OptimizerKind.AdamW, LearningRate = 0.008 });

    private static T Common<T>(T options) where T : PretrainOptions => (T)(options with
    {
        Backbone = TinyResNet,
        ImageSize = 24,
        BatchSize = 64,
        Epochs = 20,
        LearningRate = 0.2,
        Optimizer = OptimizerKind.Sgd,
        Seed = 3,
        Threads = 2,
    });
}
