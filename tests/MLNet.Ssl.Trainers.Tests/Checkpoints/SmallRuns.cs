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

    public static IReadOnlyDictionary<string, PretrainOptions> All { get; } = new Dictionary<string, PretrainOptions>
    {
        ["DINO in shards"] = Dino with { Centering = DinoCentering.Mean },
        ["DINO, SDMP"] = Dino with { Mixing = new SdmpOptions() },
        ["DINO, ResNet, batch norm in the head"] =
            Dino with { Backbone = ResNet, BatchNormInHead = true, Optimizer = OptimizerKind.Sgd },
        ["MoCo v2, i-Mix"] = MoCo,
        ["MoCo v3, SDMP"] = MoCoV3,
        ["SimCLR, LARS"] = new SimClrOptions { Backbone = ResNet, Optimizer = OptimizerKind.Lars },
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

    public static PretrainOptions Of(string name) =>
        All[name] with { Epochs = 3, BatchSize = 16, Seed = 5, Threads = All[name].Threads ?? 1 };

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
