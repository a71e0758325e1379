using System.Reflection;

namespace MLNet.Ssl.Tests;

public class PresetsTests
{
    private static readonly DataFacts ImageNet = new(1_281_167, 400, 8), Cifar = new(50_000, 32, 8),
    SmallData = new(13_000, 400, 8),
        CovType = new(15_120, 0, 8) { Table = new(54, [.. Enumerable.Range(0, 10)], []) },
        Higgs = new(100_000, 0, 8) { Table = new(28, [.. Enumerable.Range(0, 28)], []) };

    public static TheoryData<string> Names =>
        [.. typeof(Presets).GetProperties(BindingFlags.Public | BindingFlags.Static).Select(p => p.Name)];

    private static T Resolved<T>(string name) where T : PretrainOptions
    {
        bool Is(string data) => name.Contains(data, StringComparison.Ordinal);
        var facts = Is("Cifar") ? Cifar : Is("SmallData") ? SmallData : Is("CovType") ? CovType : Is("Higgs") ? Higgs
            : ImageNet;
        var preset = (PretrainOptions)typeof(Presets).GetProperty(name)!.GetValue(null)!;
        var options = preset.Resolve(facts, []);
        options.Validate(facts);
        return (T)options;
    }

    private static double Peak(PretrainOptions options) => options.LearningRate!.Value * options.BatchSize!.Value / 256;

    [Theory]
    [MemberData(nameof(Names))]
    public void EveryPresetIsValidForItsData(string name)
    {
        var options = Resolved<PretrainOptions>(name);
        var plan = options.CreatePlan();
        // The schedule reaches the peak after the warm-up.
        int steps = 10;
        var rates = Enumerable.Range(0, options.Epochs * steps)
            .Select(s => plan.LearningRate(new StepClock(s, steps, options.Epochs))).ToList();
        Assert.InRange(rates.Max(), 0.99 * Peak(options), 1.0001 * Peak(options));
        Assert.True(rates[^1] < 0.02 * Peak(options));
    }

    [Fact]
    public void SimClrsHaveThePublishedValues()
    {
        var v1 = Resolved<SimClrOptions>(nameof(Presets.SimClrImageNet));
        Assert.Equal(4.8, Peak(v1), 1e-9);
        Assert.Equal((0.1, 1.0, true, 2, 1e-4),
            (v1.Temperature, v1.ColorStrength, v1.Blur, v1.HeadLayers, v1.WeightDecay));
        var cifar = Resolved<SimClrOptions>(nameof(Presets.SimClrCifar10));
        Assert.Equal((2.0, 0.5, 0.5, false), (Peak(cifar), cifar.Temperature, cifar.ColorStrength, cifar.Blur));
        var v2 = Resolved<SimClrOptions>(nameof(Presets.SimClrV2ImageNetMemory));
        Assert.Equal(6.4, Peak(v2), 1e-9);
        Assert.Equal((3, 65_536, 0.999), (v2.HeadLayers, v2.MemoryLength, v2.MemoryMomentum));
        foreach (var options in new[] { v1, cifar, v2 })
            Assert.True(((ResNetOptions)options.Backbone!).ZeroInitResidual);
        var npair = Resolved<SimClrOptions>(nameof(Presets.NPairCifar10IMix));
        Assert.Equal((0.125, 0.2, 10, false),
            (Peak(npair), npair.Temperature, npair.WarmupEpochs, ((ResNetOptions)npair.Backbone!).ZeroInitResidual));
    }

    [Fact]
    public void DinosHaveThePublishedValues()
    {
        var vanilla = Resolved<DinoOptions>(nameof(Presets.DinoImageNetViTSmall));
        Assert.Equal((0.001, OptimizerKind.AdamW, 0.04, 0.4, 8),
            (Peak(vanilla), vanilla.Optimizer, vanilla.WeightDecay, vanilla.WeightDecayEnd, vanilla.LocalCrops));
        Assert.Equal((DinoCentering.Mean, 0.04, 0.996, 1),
            (vanilla.Centering, vanilla.TeacherTemperature, vanilla.TeacherMomentum, vanilla.FreezeLastLayerEpochs));
        var boosted = Resolved<DinoOptions>(nameof(Presets.DinoImageNetViTSmallBoosted));
        Assert.Equal((300, 0.04, 0.07, 30, false),
            (boosted.Epochs, boosted.WarmupTeacherTemperature, boosted.TeacherTemperature,
            boosted.WarmupTeacherTemperatureEpochs, boosted.NormLastLayer));
    }

    [Fact]
    public void TheOthersHaveThePublishedValues()
    {
        var byol = Resolved<ByolOptions>(nameof(Presets.ByolSmallData));
        Assert.Equal((2.0, 0.996, 1e-6), (Peak(byol), byol.TargetMomentum, byol.WeightDecay));
        var moco = Resolved<MoCoOptions>(nameof(Presets.MoCoV2Cifar10IMix));
        Assert.Equal((10, 0.2, OptimizerKind.Sgd, 1e-4, 2),
            (moco.WarmupEpochs, moco.Temperature, moco.Optimizer, moco.WeightDecay, moco.HeadLayers));
        var v3 = Resolved<MoCoV3Options>(nameof(Presets.MoCoV3ImageNetConvViTBase));
        Assert.Equal(0.0024, Peak(v3), 1e-9);
        Assert.Equal((0.2, 0.1, 40, 768),
            (v3.Temperature, v3.WeightDecay, v3.WarmupEpochs, v3.Backbone!.EmbeddingDimension));
    }

    [Fact]
    public void LongRunsOfMoCoV3OnAResNetHaveTheirOwnDecayAndMomentum()
    {
        (double?, double?, double?) At(int epochs)
        {
            var options = new MoCoV3Options { Backbone = ResNetOptions.ResNet50(), Epochs = epochs }
                .Resolve(ImageNet, []);
            return (options.LearningRate, options.WeightDecay, options.KeyMomentum);
        }
        Assert.Equal((0.6, 1e-6, 0.99), At(100));
        Assert.Equal((0.3, 1e-6, 0.99), At(300));
        Assert.Equal((0.3, 1.5e-6, 0.996), At(1000));
    }

    [Fact]
    public void MoCoIsCalledByItsVersion() => Assert.Equal(["MoCo v1", "MoCo v2", "MoCo v1"],
        new PretrainOptions[] { MoCoOptions.V1, new MoCoOptions(), Presets.MoCoV1ImageNet }.Select(o => o.MethodName));

    [Fact]
    public void MoCosStepsStandBehindTheWarmUp()
    {
        double[] Rates(MoCoOptions options)
        {
            var plan = (options with { DecayEpochs = [8], Epochs = 10, BatchSize = 256, LearningRate = 1 })
                .Resolve(Cifar, []).CreatePlan();
            return [.. new[] { 0, 3, 7, 8, 31, 32 }.Select(step =>
                Math.Round(plan.LearningRate(new StepClock(step, StepsPerEpoch: 4, Epochs: 10)), 12))];
        }
        Assert.Equal([0.125, 0.5, 1, 1, 1, 0.1], Rates(new() { WarmupEpochs = 2 }));
        // i-Mix has one of its own, here of an epoch; MoCo alone has none.
        Assert.Equal([0.25, 1, 1, 1, 1, 0.1], Rates(new() { Mixing = new IMixOptions() }));
        Assert.Equal([1, 1, 1, 1, 1, 0.1], Rates(new()));
    }

    [Fact]
    public void ResidualBranchesStartAsTheMethodsDo()
    {
        static bool? Zero(PretrainOptions options, DataFacts facts) =>
            (options.Resolve(facts, []).Backbone as ResNetOptions)?.ZeroInitResidual;
        foreach (var facts in new[] { Cifar, ImageNet })
        {
            Assert.True(Zero(new SimClrOptions(), facts));
            Assert.False(Zero(new SimClrOptions { Loss = SimClrLoss.NPair }, facts));
            Assert.False(Zero(new MoCoOptions(), facts));
            Assert.False(Zero(new ByolOptions(), facts));
        }
        Assert.True(Zero(new MoCoV3Options(), Cifar));
        Assert.False(Zero(new DinoOptions(), Cifar));
        // What is given stays.
        Assert.False(Zero(new SimClrOptions { Backbone = ResNetOptions.ResNet18() }, ImageNet));
    }
}
