using static TorchSharp.torch;

namespace MLNet.Ssl.Tests;

[Collection(nameof(Alone))]
public class NativeMemoryTests
{
    [Theory]
    [InlineData(true)]
    [InlineData(false)]
    public void NativeMemoryStaysFlatOverARun(bool dino)
    {
        PretrainOptions options = dino
            ? new DinoOptions
            {
                Backbone = new VisionTransformerOptions
                {
                    ImageSize = 24,
                    PatchSize = 6,
                    EmbeddingDimension = 24,
                    Depth = 2,
                    Heads = 2
                },
                LocalCrops = 2,
                LocalSize = 12,
                OutputDimension = 64,
                HeadHiddenDimension = 32,
                HeadBottleneckDimension = 16,
            }
            : new SimClrOptions
            {
                Backbone =
                new ResNetOptions { BlocksPerStage = [1], Width = 8, Stem = ResNetStem.Small }
            };
        options = options with { ImageSize = 24, BatchSize = 16, Epochs = 400, Seed = 1 };
        StaysFlat(options, o => Pretrainer.Fit(Patterns.Draw(64, 1).Images, o));
    }

    [Fact]
    public void NativeMemoryStaysFlatOverARunOnATable()
    {
        var random = new Random(1);
        using var table = new TableStore(Enumerable.Range(0, 256 * 12).Select(_ => random.NextSingle()).ToArray(), 12);
        StaysFlat(new MoCoOptions
        {
            Backbone = new TabularMlpOptions { InputWidth = 16, HiddenWidths = [64], OutputWidth = 64 },
            Table = new() { MaskProbability = 0.2 },
            Mixing = new IMixOptions { InputMix = new() },
            BatchSize = 128,
            Epochs = 1000,
            Seed = 1,
        }, o => Pretrainer.Fit(table, o));
    }

    private static void StaysFlat(PretrainOptions options, Func<PretrainOptions, Encoder> fit)
    {
        // What earlier tests left to the finaliser would go during the run.
        GC.Collect();
        GC.WaitForPendingFinalizers();
        var (tensors, memory) = (new List<long>(), new List<long>());
        var progress = new Collect(() =>
        {
            tensors.Add(Tensor.TotalCount);
            memory.Add(Environment.WorkingSet);
        });
        using var encoder = fit(options with { Progress = progress });
        Assert.True(tensors.Count >= 4, $"{tensors.Count} reports are too few to tell");
        // Views made ahead come and go; a leak of one tensor a step would be hundreds.
        Assert.InRange(tensors[1..].Max() - tensors[1..].Min(), 0, 40);
        Assert.InRange(memory[^1] - memory[1], long.MinValue, 60L << 20);
    }

    private sealed class Collect(Action report) : IProgress<TrainingProgress>
    {
        public void Report(TrainingProgress value) => report();
    }
}
