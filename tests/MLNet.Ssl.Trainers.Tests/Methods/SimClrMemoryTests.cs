using FsCheck.Xunit;
using TorchSharp;
using static TorchSharp.torch;

namespace MLNet.Ssl.Tests;

/// <summary>SimCLR v2's memory.</summary>
public class SimClrMemoryTests
{
    private static readonly ResNetOptions TinyResNet =
        new() { BlocksPerStage = [1], Width = 8, Stem = ResNetStem.Small };

    private static SimClrOptions Options(int memory) => Told(memory).Resolve(new DataFacts(64, 8, 1), []);

    private static SimClrOptions Told(int memory, double momentum = 0.9) => new()
    {
        Backbone = TinyResNet,
        ImageSize = 8,
        BatchSize = 4,
        ProjectionDimension = 6,
        MemoryLength = memory,
        MemoryMomentum = momentum,
        Threads = 1,
    };

    [Property(MaxTest = 30)]
    public void TheMemoryIsMoreNegatives(byte batchSeed, byte widthSeed, byte lengthSeed, byte seed)
    {
        using var scope = NewDisposeScope();
        int batch = 2 + batchSeed % 6, width = 2 + widthSeed % 6, length = 1 + lengthSeed % 9;
        const double T = 0.4;
        using var generator = new Generator(seed, CPU);
        double[][] Rows(Tensor t) => [.. Enumerable.Range(0, (int)t.size(0))
            .Select(i => t[i].data<float>().ToArray().Select(v => (double)v).ToArray())];
        var z = NtXent.Normalize(randn([2 * batch, width], generator: generator));
        var memory = NtXent.Normalize(randn([length, width], generator: generator));
        var (rows, old) = (Rows(z), Rows(memory));
        double expected = 0;
        for (int i = 0; i < 2 * batch; i++)
        {
            double Similarity(double[] other) => Math.Exp(rows[i].Zip(other, (x, y) => x * y).Sum() / T);
            double all = rows.Where((_, j) => j != i).Sum(Similarity) + old.Sum(Similarity);
            expected -= Math.Log(Similarity(rows[(i + batch) % (2 * batch)]) / all) / (2 * batch);
        }
        Assert.Equal(expected, NtXent.Loss(z, T, memory: memory.t()).ToSingle(), tolerance: 1e-4);
        Assert.True(expected > NtXent.Loss(z, T).ToSingle());
    }

    [Fact]
    public void TheSlowCopysEmbeddingsOfTheLastBatchesAreInTheLoss()
    {
        using var generator = new Generator(1, CPU);
        using var scope = NewDisposeScope();
        var options = Options(8);
        using var method = (SimClr)options.CreateMethod(generator, CPU, 1);
        using var step = new TrainingStep(method, options.CreatePlan() with { LearningRate = _ => 0.1 }, 1, 1, 1);
        var before = method.Network.named_parameters().ToDictionary(p => p.name, p => p.parameter.detach().clone());
        var slow = before.ToDictionary(p => p.Key, p => p.Value.clone());
        var kept = new List<Tensor>();
        for (int i = 0; i < 3; i++)
        {
            var views = new[] { randn([4, 3, 8, 8], generator: generator), randn([4, 3, 8, 8], generator: generator) };
            var columns = method.Memory!.Columns.clone();
            // The projections of this step, with which the loss can be told; running
            // statistics have no part in training.
            float told;
            using (no_grad())
            {
                told = NtXent.Loss(method.Network.Pass(cat(views, 0)).Output, options.Temperature!.Value,
                    memory: columns).ToSingle();
                foreach (var (name, parameter) in method.Network.named_parameters())
                    slow[name] = slow[name] * 0.9 + parameter * 0.1;
            }
            Assert.Equal(told, step.Run(views, new StepClock(i, 4, 2)).Loss.ToSingle(), 1e-4f);
            foreach (var (name, parameter) in method.Pair!.Target.named_parameters())
                Assert.True(slow[name].allclose(parameter, 1e-4, 1e-6), name);
            Assert.All(method.Pair.Target.parameters(), p => Assert.Null(p.grad));
            kept.Add(NtXent.Normalize(method.Pair.Keys(views[1])));
        }
        // First in, first out: of three batches the first has gone, and the third lies in its place.
        Assert.True(method.Memory!.Columns.allclose(cat([kept[2], kept[1]], 0).t(), 1e-4, 1e-5));
        Assert.NotEqual(0, (before["backbone.conv1.weight"] - method.Network.state_dict()["backbone.conv1.weight"])
            .abs().max().ToSingle());
    }

    [Fact]
    public void WithoutAMemoryThereIsNoSlowCopy()
    {
        using var generator = new Generator(1, CPU);
        using var method = (SimClr)Options(0).CreateMethod(generator, CPU, 1);
        Assert.Null(method.Pair);
        Assert.Null(method.Memory);
    }

    public static TheoryData<SimClrOptions, string> Invalid => new()
    {
        { Told(6), "MemoryLength is 6; it must be a multiple of BatchSize (4)" },
        { Told(-4), "MemoryLength is -4" },
        { Told(8, 1.5), "MemoryMomentum is 1.5" },
        { Told(8) with { Loss = SimClrLoss.NPair }, "MemoryLength is 8; with Loss = NPair it must be 0" },
    };

    [Theory]
    [MemberData(nameof(Invalid))]
    public void AnOptionOutOfRangeIsNamed(SimClrOptions options, string named) =>
        Assert.Contains(named,
            Assert.ThrowsAny<ArgumentException>(() => options.Validate(new DataFacts(64, 8, 1))).Message);
}
