using static TorchSharp.torch;

namespace MLNet.Ssl.Tests;

public sealed class WarmStartTests : IDisposable
{
    private static readonly ResNetOptions ResNet =
        new() { BlocksPerStage = [1, 1], Width = 8, Stem = ResNetStem.SmallStride2 };

    private static readonly SimClrOptions SimClr =
        new() { Backbone = ResNet, ImageSize = 24, BatchSize = 16, Epochs = 1, Seed = 1, Threads = 1 };

    private readonly TemporaryFolder _folder = new();
    private readonly ImageStore _images = Patterns.Draw(32, 1).Images;

    public void Dispose() => _folder.Dispose();

    private string Saved(PretrainOptions options)
    {
        using var encoder = Pretrainer.Fit(_images, options);
        encoder.SaveSafeTensors(_folder.File("weights.safetensors"));
        return _folder.File("weights.safetensors");
    }

    private float[] Weights(PretrainOptions options, List<string>? log = null)
    {
        using var encoder = Pretrainer.Fit(_images, options, log: log is null ? null : m => log.Add(m.Text));
        return [.. encoder.Backbone.state_dict().Values.Where(t => t.dtype == ScalarType.Float32)
            .SelectMany(t => t.data<float>())];
    }

    public static TheoryData<PretrainOptions> Methods => new()
    {
        SimClr with { Seed = 2 },
        SimClr with { Seed = 2, MemoryLength = 16 },
        new MoCoOptions { ImageSize = 24, BatchSize = 16, Seed = 2, Threads = 1 },
        new DinoOptions { ImageSize = 24, LocalSize = 12, BatchSize = 16, Seed = 2, Threads = 1, OutputDimension = 16 },
    };

    [Theory]
    [MemberData(nameof(Methods))]
    public void TheBackboneStartsFromTheFileAndIsTheFiles(PretrainOptions options)
    {
        var trained = Weights(SimClr);
        string path = Saved(SimClr);
        var log = new List<string>();
        Assert.Equal(trained, Weights(options with { Backbone = null, InitialWeights = path, Epochs = 0 }, log));
        Assert.Contains(log, line => line.Contains("that of InitialWeights", StringComparison.Ordinal));
        // Nobody need listen.
        Assert.Equal(trained, Weights(options with { Backbone = null, InitialWeights = path, Epochs = 0 }));
        Assert.NotEqual(trained, Weights(options with { Backbone = ResNet, Epochs = 0 }));
        // Trained on from there, and not from elsewhere.
        Assert.NotEqual(trained, Weights(options with { InitialWeights = path, Epochs = 1 }));
    }

    [Theory]
    [InlineData("official_dinov2.pth")]
    [InlineData("hf_dinov2_reg.safetensors")]
    [InlineData("official_dinov3.pth")]
    public void DinoGoesOnFromForeignNetworks(string file)
    {
        string path = Path.Combine(Golden.Folder, "foreign", file);
        Assert.SkipUnless(File.Exists(path), $"The golden set has no foreign/{file}.");
        var images = Patterns.Draw(32, 1).Images;
        var heads = new PretrainedOptions { Heads = 3 };
        var options = new DinoOptions
        {
            InitialWeights = path,
            InitialWeightsOptions = heads,
            LocalCrops = 2,
            LocalSize = file.Contains("v3", StringComparison.Ordinal) ? 16 : 14,
            KoLeoWeight = 0.1,
            BatchSize = 16,
            OutputDimension = 32,
            Epochs = 0,
            Seed = 1,
            Threads = 1,
        };
        using var scope = NewDisposeScope();
        using var loaded = PretrainedEncoder.Load(path, heads);
        // Before the first step it is the file's network.
        using (var started = Pretrainer.Fit(images, options))
            Assert.Equal(State(loaded.Backbone), State(started.Backbone));
        using var continued = Pretrainer.Fit(images, options with { Epochs = 2 });
        Assert.Equal(loaded.Backbone.Options, continued.Backbone.Options);
        Assert.NotEqual(State(loaded.Backbone), State(continued.Backbone));
        Assert.All(State(continued.Backbone), value => Assert.True(float.IsFinite(value)));

        static float[] State(Backbone backbone) => [.. backbone.state_dict().Values.SelectMany(t => t.data<float>())];
    }

    [Fact]
    public void ASizeLeftAtAutoFitsThePatches()
    {
        foreach (var (side, patch, expected) in new[] { (300, 14, 224), (200, 14, 196), (224, 16, 224), (40, 14, 28),
            (10, 14, 14), (500, 32, 224) })
        {
            var options =
                new DinoOptions { Backbone = VisionTransformerOptions.Small(patch) with { ImageSize = 2 * patch } };
            Assert.Equal(expected, options.Resolve(new(100, side, 1), []).ImageSize);
        }
    }

    [Fact]
    public void ANameIsThatOfANetworkOnThisMachine()
    {
        var error = Assert.Throws<FileNotFoundException>(() =>
            Weights(SimClr with { Backbone = null, InitialWeights = "moco_v3_resnet50" }));
        Assert.Contains("CC-BY-NC 4.0", error.Message);
        Assert.Contains("InitialWeightsOptions is given without InitialWeights",
            Assert.Throws<ArgumentException>(() => Weights(SimClr with { InitialWeightsOptions = new() })).Message);
    }

    [Fact]
    public void WeightsThatDoNotFitAreRefusedBeforeTraining()
    {
        string path = Saved(SimClr);
        var error = Assert.Throws<InvalidDataException>(() =>
            Weights(SimClr with { Backbone = ResNet with { Width = 16 }, InitialWeights = path }));
        Assert.Contains(path, error.Message);
        Assert.Contains("conv1.weight", error.Message);
        Assert.Throws<FileNotFoundException>(() => Weights(SimClr with { InitialWeights = _folder.File("none.pth") }));
    }
}
