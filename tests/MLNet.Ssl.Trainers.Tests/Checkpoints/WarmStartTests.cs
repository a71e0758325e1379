using static TorchSharp.torch;

namespace MLNet.Ssl.Tests;

public sealed class WarmStartTests : IDisposable
{
    private static readonly ResNetOptions ResNet = new() { BlocksPerStage = [1, 1], Width = 8, Stem = ResNetStem.SmallStride2 };

    private static readonly SimClrOptions SimClr = new() { Backbone = ResNet, ImageSize = 24, BatchSize = 16, Epochs = 1, Seed = 1, Threads = 1 };

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
        using var encoder = Pretrainer.Fit(_images, options, log: m => log?.Add(m.Text));
        return [.. encoder.Backbone.state_dict().Values.Where(t => t.dtype == ScalarType.Float32).SelectMany(t => t.data<float>())];
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
        Assert.NotEqual(trained, Weights(options with { Backbone = ResNet, Epochs = 0 }));
        // Trained on from there, and not from elsewhere.
        Assert.NotEqual(trained, Weights(options with { InitialWeights = path, Epochs = 1 }));
    }

    [Fact]
    public void WeightsThatDoNotFitAreRefusedBeforeTraining()
    {
        string path = Saved(SimClr);
        var error = Assert.Throws<InvalidDataException>(() => Weights(SimClr with { Backbone = ResNet with { Width = 16 }, InitialWeights = path }));
        Assert.Contains(path, error.Message);
        Assert.Contains("conv1.weight", error.Message);
        Assert.Throws<FileNotFoundException>(() => Weights(SimClr with { InitialWeights = _folder.File("none.pth") }));
    }
}
