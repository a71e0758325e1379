using static TorchSharp.torch;

namespace MLNet.Ssl.Tests;

/// <summary>Small runs of every method, of 12 steps in 3 epochs, and what is left of them.</summary>
internal static class SmallRuns
{
    public const int Steps = 12;

    private const int Rows = 64;

    public static readonly VisionTransformerOptions Vit =
        new() { ImageSize = 24, PatchSize = 12, EmbeddingDimension = 24, Depth = 1, Heads = 2 };

    public static readonly ResNetOptions ResNet =
        new() { BlocksPerStage = [1], Width = 8, Stem = ResNetStem.SmallStride2 };

    public static readonly TabularMlpOptions Mlp = new() { InputWidth = 8, HiddenWidths = [16], OutputWidth = 32 };

    private static readonly DinoOptions Dino = new()
    {
        Backbone = Vit,
        LocalCrops = 2,
        LocalSize = 12,
        OutputDimension = 32,
        HeadHiddenDimension = 16,
        HeadBottleneckDimension = 8,
        TeacherMomentum = 0.99,
        FreezeLastLayerEpochs = 1,
        Threads = 2,
        LearningRate = 0.01,
    };

    private static readonly MoCoOptions MoCo =
        new() { Backbone = ResNet, QueueLength = 48, Mixing = new IMixOptions(), Symmetric = true };

    private static readonly MoCoV3Options MoCoV3 =
        new() { Backbone = Vit, HeadHiddenDimension = 16, ProjectionDimension = 8, Mixing = new SdmpOptions() };

    private static readonly ByolOptions Byol =
        new() { Backbone = ResNet, HeadHiddenDimension = 16, ProjectionDimension = 8 };

    private static readonly SimClrOptions SimClr = new() { Backbone = ResNet, Optimizer = OptimizerKind.Lars };

    private static readonly ResNetOptions Bottleneck =
        ResNet with { Block = ResNetBlock.Bottleneck, BlocksPerStage = [1, 1], Stem = ResNetStem.ImageNet };

    public static IReadOnlyDictionary<string, PretrainOptions> All { get; } = new Dictionary<string, PretrainOptions>
    {
        ["DINO in shards"] = Dino with { Centering = DinoCentering.Mean },
        ["DINO, SDMP"] = Dino with { Mixing = new SdmpOptions() },
        ["DINO, ResNet, batch norm in the head"] =
            Dino with { Backbone = ResNet, BatchNormInHead = true, Optimizer = OptimizerKind.Sgd },
        ["MoCo v2, i-Mix"] = MoCo,
        ["MoCo v3, SDMP"] = MoCoV3,
        ["SimCLR, LARS"] = SimClr,
        ["BYOL"] = Byol,
        ["table: MoCo, i-Mix, InputMix"] = new MoCoOptions
        {
            Backbone = Mlp,
            Mixing = new IMixOptions { InputMix = new() },
            Table = new() { MaskProbability = 0.1 }
        },
        ["table: MoCo, reconstruction, bins"] = new MoCoOptions
        {
            Backbone = Mlp with { NumberEmbedding = NumberEmbedding.PiecewiseLinear },
            ReconstructionWeight = 1,
        },
        ["table: N-pair, i-Mix"] =
            new SimClrOptions { Backbone = Mlp, Loss = SimClrLoss.NPair, Mixing = new IMixOptions() },
        ["table: BYOL"] = Byol with { Backbone = Mlp, Optimizer = OptimizerKind.AdamW },
        ["table: MoCo v3"] = MoCoV3 with { Backbone = Mlp, Mixing = null },
    };

    /// <summary>Parts of methods and backbones that <see cref="All"/> is without.</summary>
    public static IReadOnlyDictionary<string, PretrainOptions> Variants { get; } =
        new Dictionary<string, PretrainOptions>
        {
            ["DINO, KoLeo, rotary positions"] = Dino with
            {
                KoLeoWeight = 0.1,
                Centering = DinoCentering.SinkhornKnopp,
                Backbone = Vit with { RotaryPositions = true, Registers = 2, SwiGlu = true, LayerScale = 0.1 },
            },
            ["DINO, ConvNeXt, norms trained"] = Dino with
            {
                Backbone = new ConvNeXtOptions { Depths = [1, 1], Widths = [16, 32] },
                NormLastLayer = false,
                DropPathRate = 0.2,
            },
            ["MoCo v2, shuffled, selective kernels"] = MoCo with
            {
                Backbone = Bottleneck with { SelectiveKernels = true },
                BatchNormGroups = 2,
                Mixing = null,
            },
            ["MoCo v2, i-Mix of feature maps"] =
            MoCo with { Backbone = Bottleneck, Mixing = new IMixOptions { Layers = [0, 1, 2], InputMix = new() } },
            ["MoCo v3, SDMP besides, convolutional stem"] = MoCoV3 with
            {
                Backbone = Vit with
                {
                    ConvolutionalStem = true,
                    PatchSize = 16,
                    ImageSize = 32,
                    Flavor = VisionTransformerFlavor.MoCoV3
                },
                ImageSize = 32,
                Mixing = new SdmpOptions { ExtraViews = true, LogMixture = true },
            },
            ["SimCLR, memory"] = SimClr with { MemoryLength = 64, Optimizer = OptimizerKind.AdamW },
            ["BYOL, i-Mix by CutMix"] = Byol with { Mixing = new IMixOptions { Mixer = Mixer.CutMix } },
            ["table: masked reconstruction"] = new MaskedReconstructionOptions
            {
                Table = new() { CategoricalSlots = [0..3], ContinuousSlots = [3, 4, 5], Quantiles = 50 },
                Backbone = Mlp with { NumberEmbedding = NumberEmbedding.Periodic },
                HeadLayers = 2,
            },
            ["table: SimCLR, groups"] = SimClr with
            {
                Backbone = Mlp with { InputGroups = [2, 4] },
                Table = new() { MaskProbability = 0.2, ResampleProbability = 0.2 },
            },
        };

    public static PretrainOptions Of(string name)
    {
        var options = All.GetValueOrDefault(name) ?? Variants[name];
        return options with { Epochs = 3, BatchSize = 16, Seed = 5, Threads = options.Threads ?? 1 };
    }

    /// <summary>Whether it may compute in bfloat16.</summary>
    public static bool HasBFloat16(string name) => Of(name) is not MaskedReconstructionOptions;

    public static PretrainOptions In(this PretrainOptions options, string folder, bool resume = false) =>
        options with
        {
            CheckpointFolder = folder,
            CheckpointEvery = CheckpointInterval.Steps(1),
            CheckpointsKept = 1000,
            Resume = resume
        };

    /// <summary>Trains on drawn images or rows; the weights of the encoder.</summary>
    public static Dictionary<string, byte[]> Train(PretrainOptions options, List<TrainingMessage>? log = null,
        int rows = Rows, int dataSeed = 1,
        Device? device = null)
    {
        using var encoder = Encoder(options, log, rows, dataSeed, device);
        return Bits(encoder.Backbone.state_dict());
    }

    public static string File(string folder, int step) => Path.Combine(folder, $"checkpoint-{step:D10}.safetensors");

    /// <summary>All that a checkpoint keeps of a run, to the bit.</summary>
    public static Dictionary<string, byte[]> State(string file)
    {
        using var scope = NewDisposeScope();
        return Bits(SafeTensors.Read(file));
    }

    public static void AssertSame(Dictionary<string, byte[]> expected, Dictionary<string, byte[]> actual)
    {
        Assert.Equal(expected.Keys.Order(), actual.Keys.Order());
        Assert.DoesNotContain(expected.Keys, name => !expected[name].AsSpan().SequenceEqual(actual[name]));
    }

    private static Dictionary<string, byte[]> Bits(Dictionary<string, Tensor> tensors) =>
        tensors.ToDictionary(entry => entry.Key, entry => entry.Value.cpu().bytes.ToArray());

    public static Encoder Encoder(
        PretrainOptions options, List<TrainingMessage>? log = null, int rows = Rows, int dataSeed = 1,
        Device? device = null)
    {
        if (options.Backbone is not TabularMlpOptions)
            return Pretrainer.Fit(Patterns.Draw(rows, dataSeed).Images, options, device, m => log?.Add(m));
        var random = new Random(dataSeed);
        using var table = new TableStore(Enumerable.Range(0, rows * 6).Select(_ => random.NextSingle()).ToArray(), 6);
        return Pretrainer.Fit(table, options, device, m => log?.Add(m));
    }
}
