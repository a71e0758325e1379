using static TorchSharp.torch;

namespace MLNet.Ssl.Tests;

/// <summary>Each run in a process of its own: what other tests left would go, or be used again, meanwhile.</summary>
[Collection(nameof(Alone))]
public class NativeMemoryTests
{
    private const string Dino = "DINO", SimClr = "SimCLR", Table = "table: MoCo, i-Mix, InputMix";

    [Theory]
    [InlineData(Dino)]
    [InlineData(SimClr)]
    [InlineData(Table)]
    public void NativeMemoryStaysFlatOverARun(string run) =>
        TrainingProcess.MustSucceed(TrainingProcess.Command("memory", run));

    /// <summary>Trains in this process; 0 if memory and tensors do not grow.</summary>
    internal static int Measure(string run)
    {
        if (run == Table)
        {
            var random = new Random(1);
            using var table =
                new TableStore(Enumerable.Range(0, 256 * 12).Select(_ => random.NextSingle()).ToArray(), 12);
            return Measure(new MoCoOptions
            {
                Backbone = new TabularMlpOptions { InputWidth = 16, HiddenWidths = [64], OutputWidth = 64 },
                Table = new() { MaskProbability = 0.2 },
                Mixing = new IMixOptions { InputMix = new() },
                BatchSize = 128,
                Epochs = 400,
                Seed = 1,
            }, o => Pretrainer.Fit(table, o));
        }
        PretrainOptions options = run == Dino
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
        options = options with { ImageSize = 24, BatchSize = 16, Epochs = 160, Seed = 1 };
        return Measure(options, o => Pretrainer.Fit(Patterns.Draw(64, 1).Images, o));
    }

    private static int Measure(PretrainOptions options, Func<PretrainOptions, Encoder> fit)
    {
        var (tensors, memory) = (new List<long>(), new List<long>());
        var progress = new Collect(_ =>
        {
            tensors.Add(Tensor.TotalCount);
            memory.Add(Environment.WorkingSet);
        });
        using var encoder = fit(options with { Progress = progress });
        // Views made ahead come and go; a leak of one tensor a step would be hundreds.
        if (tensors.Count >= 4 && tensors[1..].Max() - tensors[1..].Min() <= 40
            && memory[^1] - memory[1] <= 60L << 20) return 0;
        Console.Error.WriteLine($"tensors: {string.Join(' ', tensors)}; bytes: {string.Join(' ', memory)}");
        return 1;
    }
}
