using static TorchSharp.torch;

namespace MLNet.Ssl.Tests;

/// <summary>MoCo, MoCo v3, BYOL and the N-pair form as methods, alone and with every mixing they have.</summary>
public class MomentumMethodTests
{
    private static readonly ResNetOptions TinyResNet =
        new() { BlocksPerStage = [1, 1], Width = 16, Stem = ResNetStem.Small };

    private static readonly VisionTransformerOptions TinyVit =
        VisionTransformerOptions.MoCoV3Small(6) with { ImageSize = 24, EmbeddingDimension = 24, Depth = 2 };

    private static readonly MoCoOptions TinyMoCo = Tiny(new MoCoOptions(), TinyResNet);

    private static readonly MoCoV3Options TinyMoCoV3 = Tiny(new MoCoV3Options { HeadHiddenDimension = 32 }, TinyVit);

    private static readonly ByolOptions TinyByol = Tiny(new ByolOptions { HeadHiddenDimension = 32 }, TinyResNet);

    private static readonly DinoOptions TinyDino = Tiny(new DinoOptions
    {
        LocalCrops = 4,
        LocalSize = 12,
        OutputDimension = 64,
        HeadHiddenDimension = 32,
        HeadBottleneckDimension = 16,
    }, TinyVit);

    private static readonly SimClrOptions TinyNPair = Tiny(new SimClrOptions { Loss = SimClrLoss.NPair }, TinyResNet);

    public static TheoryData<PretrainOptions> Runs => [
        TinyMoCo,
        TinyMoCo with { Symmetric = true, HeadBatchNorm = HeadNormalization.Hidden, Mixing = new IMixOptions() },
        Tiny(MoCoOptions.V1, TinyResNet),
        TinyMoCoV3,
        TinyMoCoV3 with { Mixing = new SdmpOptions() },
        TinyMoCoV3 with { Backbone = TinyResNet, Mixing = new SdmpOptions { ExtraViews = true, LogMixture = true } },
        TinyMoCo with { Mixing = new IMixOptions { Layers = [0, 2, 3] } },
        TinyByol,
        TinyByol with { Mixing = new IMixOptions { Mixer = Mixer.CutMix, Layers = [0, 1] }, BatchNormGroups = 2,
            ConstantMomentum = true },
        TinyDino with { Mixing = new SdmpOptions() },
        TinyNPair,
        TinyNPair with { Mixing = new IMixOptions { Layers = [1], Mixer = Mixer.CutMix } },
        TinyNPair with { Loss = SimClrLoss.NtXent, MemoryLength = 32 },
        TinyNPair with { Mixing = new IMixOptions { SharedLambda = true, InputMix = new() } }];

    [Theory]
    [MemberData(nameof(Runs))]
    public void TheSameSeedGivesTheSameWeightsAndTrainingMovesThem(PretrainOptions options)
    {
        var images = Patterns.Draw(64, 1).Images;
        var trained = Embeddings(images, options);
        Assert.All(trained, v => Assert.True(float.IsFinite(v)));
        Assert.Equal(trained, Embeddings(images, options));
        Assert.NotEqual(trained, Embeddings(images, options with { Epochs = 0 }));
    }

    public static TheoryData<PretrainOptions, string> Invalid => new()
    {
        { TinyMoCo with { QueueLength = 24 }, "QueueLength is 24; it must be a multiple of BatchSize (16)" },
        { TinyMoCo with { QueueLength = 0 }, "QueueLength" },
        { TinyMoCo with { BatchNormGroups = 3 }, "BatchNormGroups" },
        { TinyMoCo with { BatchNormGroups = 16 }, "BatchNormGroups" },
        { TinyMoCo with { Temperature = 0 }, "Temperature" },
        { TinyMoCo with { KeyMomentum = 1.5 }, "KeyMomentum" },
        { TinyMoCo with { BatchSize = 1 }, "BatchSize" },
        { TinyMoCo with { Mixing = new IMixOptions { Alpha = 0 } }, "Mixing.Alpha" },
        { TinyMoCo with { Mixing = new IMixOptions { Mixer = Mixer.ResizeMix } }, "Mixup, CutMix" },
        { TinyMoCo with { Mixing = new IMixOptions { InputMix = new() { Auxiliaries = 0 } } },
            "Mixing.InputMix.Auxiliaries" },
        { TinyMoCo with { Mixing = new IMixOptions { InputMix = new() { Alpha = -1 } } }, "Mixing.InputMix.Alpha" },
        { TinyMoCo with { Mixing = new IMixOptions { Layers = [4] } }, "Mixing.Layers holds 4" },
        { TinyMoCo with { Backbone = TinyVit, Mixing = new IMixOptions { Layers = [1] } },
            "Mixing.Layers holds 1; for VisionTransformerOptions" },
        { TinyMoCo with { Mixing = new SdmpOptions() }, MixingOptions.Possible },
        { TinyMoCoV3 with { Mixing = new IMixOptions() }, MixingOptions.Possible },
        { TinyMoCoV3 with { Mixing = new SdmpOptions(), BatchSize = 15 }, "BatchSize is 15; SDMP" },
        { TinyMoCoV3 with { Mixing = new SdmpOptions { Alpha = -1 } }, "Mixing.Alpha" },
        { TinyMoCoV3 with { Temperature = -1 }, "Temperature" },
        { TinyMoCoV3 with { WeightDecay = -1 }, "WeightDecay" },
        { TinyByol with { Mixing = new SdmpOptions() }, MixingOptions.Possible },
        { TinyByol with { TargetMomentum = -0.1 }, "TargetMomentum" },
        { TinyByol with { HeadHiddenDimension = 0 }, "HeadHiddenDimension" },
        { TinyDino with { Mixing = new IMixOptions() }, MixingOptions.Possible },
        { TinyDino with { Mixing = new SdmpOptions(), LocalCrops = 1 }, "LocalCrops" },
        { TinyDino with { Mixing = new SdmpOptions(), BatchSize = 15 }, "BatchSize is 15; SDMP" },
        { TinyDino with { Mixing = new SdmpOptions { ExtraViews = true } }, "Mixing.ExtraViews" },
        { TinyNPair with { Loss = SimClrLoss.NtXent, Mixing = new IMixOptions() }, MixingOptions.Possible },
        { TinyNPair with { Mixing = new SdmpOptions() }, MixingOptions.Possible },
    };

    [Theory]
    [MemberData(nameof(Invalid))]
    public void AnOptionOutOfRangeIsNamedBeforeTraining(PretrainOptions options, string named)
    {
        var error = Assert.ThrowsAny<ArgumentException>(() => Pretrainer.Fit(Patterns.Draw(64, 1).Images, options));
        Assert.Contains(named, error.Message);
    }

    [Fact]
    public void TheFrozenPatchEmbeddingStaysAndTheRestMoves()
    {
        using var generator = new Generator(1, CPU);
        var options = (MoCoV3Options)TinyMoCoV3.Resolve(new DataFacts(64, 24, 2), []);
        using var method = (MoCoV3)options.CreateMethod(generator, CPU, 1);
        using var step = new TrainingStep(method, options.CreatePlan() with { LearningRate = _ => 0.01 }, 1, 1, 1);
        using var scope = NewDisposeScope();
        var before = method.Pair.Online.named_parameters().ToDictionary(p => p.name, p => p.parameter.detach().clone());
        step.Run([randn([16, 3, 24, 24]), randn([16, 3, 24, 24])], new StepClock(0, 4, 2));
        foreach (var (name, parameter) in method.Pair.Online.named_parameters())
        {
            bool still = name.Contains("patch_embed", StringComparison.Ordinal)
                || name.EndsWith("pos_embed", StringComparison.Ordinal);
            Assert.True(still == before[name].allclose(parameter, 0, 0), name);
        }
    }

    [Fact]
    public void AutoFollowsTheDataAndTheArchitecture()
    {
        var small = new DataFacts(50_000, 32, 2);
        var moco = (MoCoOptions)new MoCoOptions().Resolve(small, []);
        Assert.Equal((256, 4096, 0.99, 2, 0),
            (moco.BatchSize, moco.QueueLength, moco.KeyMomentum, moco.BatchNormGroups, moco.WarmupEpochs));
        var large = (MoCoOptions)new MoCoOptions { Epochs = 200 }.Resolve(new DataFacts(1_281_167, 300, 8), []);
        Assert.Equal((256, 65_536, 0.999, 8, 0.03),
            (large.BatchSize, large.QueueLength, large.KeyMomentum, large.BatchNormGroups, large.LearningRate));
        var odd = (MoCoOptions)new MoCoOptions { BatchSize = 5 }.Resolve(small, []);
        Assert.Equal((4095, 1), (odd.QueueLength, odd.BatchNormGroups));
        var vit =
            (MoCoV3Options)new MoCoV3Options { Backbone = VisionTransformerOptions.MoCoV3Small(4) }.Resolve(small, []);
        Assert.Equal((0.2, OptimizerKind.AdamW, 1.5e-4, 0.1),
            (vit.Temperature, vit.Optimizer, vit.LearningRate, vit.WeightDecay));
        Assert.Equal((3, 2, HeadOutputNorm.Plain), (vit.Projector(vit.Backbone!).Layers,
            vit.Predictor(vit.Backbone!).Layers, vit.Predictor(vit.Backbone!).OutputNorm));
        var resnet = (MoCoV3Options)new MoCoV3Options().Resolve(small, []);
        Assert.Equal((1.0, OptimizerKind.Lars, 0.6, 1e-6),
            (resnet.Temperature, resnet.Optimizer, resnet.LearningRate, resnet.WeightDecay));
        Assert.Equal((2, HeadOutputNorm.None),
            (resnet.Projector(resnet.Backbone!).Layers, resnet.Predictor(resnet.Backbone!).OutputNorm));
        Assert.True(((ResNetOptions)resnet.Backbone!).ZeroInitResidual);
        var byol = (ByolOptions)new ByolOptions().Resolve(small, []);
        Assert.Equal((OptimizerKind.Lars, 2.0, 0.99, 1e-6),
            (byol.Optimizer, byol.LearningRate, byol.TargetMomentum, byol.WeightDecay));
    }

    private static T Tiny<T>(T options, BackboneOptions backbone) where T : PretrainOptions =>
        (T)(options with { Backbone = backbone, ImageSize = 24, BatchSize = 16, Epochs = 2, Seed = 3, Threads = 2 });

    private static float[] Embeddings(ImageStore images, PretrainOptions options)
    {
        using var encoder = Pretrainer.Fit(images, options);
        var result = new float[8 * encoder.EmbeddingDimension];
        encoder.Embed([.. Enumerable.Range(0, 8).Select(i => images[i])], result);
        return result;
    }
}
