using TorchSharp;
using static TorchSharp.torch;

namespace MLNet.Ssl.Tests;

public sealed class SideBySideTests : IDisposable
{
    private static readonly TabularMlpOptions Mlp = new() { InputWidth = 16, HiddenWidths = [32], OutputWidth = 64 };

    private readonly ShardThreads _threads = new(2, 2);
    private readonly SideBySide _sides;

    public SideBySideTests() => _sides = new(_threads);

    public void Dispose()
    {
        _sides.Dispose();
        _threads.Dispose();
    }

    public static TheoryData<string, PretrainOptions> Methods => new()
    {
        { "MoCo, i-Mix", new MoCoOptions { Mixing = new IMixOptions() } },
        { "MoCo, both ways", new MoCoOptions { Symmetric = true } },
        { "MoCo v3", new MoCoV3Options { HeadHiddenDimension = 32, ProjectionDimension = 16 } },
        { "BYOL", new ByolOptions { HeadHiddenDimension = 32 } },
        { "BYOL, i-Mix, one way",
            new ByolOptions { HeadHiddenDimension = 32, Symmetric = false, Mixing = new IMixOptions() } },
        { "SimCLR", new SimClrOptions() },
        { "masked reconstruction", new MaskedReconstructionOptions() },
        { "MoCo and masked reconstruction", new MoCoOptions { ReconstructionWeight = 1 } },
    };

    [Theory]
    [MemberData(nameof(Methods))]
    public void StepsOnTwoThreadsAreThoseOfOne(string method, PretrainOptions options)
    {
        options = options with
        {
            Backbone = Mlp,
            Epochs = 1,
            BatchSize = 32,
            Seed = 1,
            LearningRate = 0.05,
            WarmupEpochs = 0
        };
        var (losses, weights) = Train(options, 1);
        var (otherLosses, otherWeights) = Train(options, 2);
        Assert.All(losses.Zip(otherLosses), pair =>
            Assert.True(Math.Abs(pair.First - pair.Second) < 1e-4, $"{method}: {pair}"));
        Assert.All(weights.Zip(otherWeights), pair =>
            Assert.True(Math.Abs(pair.First - pair.Second) < 1e-3, $"{method}: {pair}"));
    }

    [Fact]
    public void BothRunAtOnceAndTheirTensorsOutliveThemInTheCallersScope()
    {
        using var barrier = new Barrier(2);
        Tensor? passing = null, kept;
        using (NewDisposeScope())
        {
            var x = ones(3).requires_grad_();
            var (first, (second, name)) = _sides.Run(
                () =>
                {
                    Assert.True(barrier.SignalAndWait(TimeSpan.FromSeconds(30)));
                    passing = x * 2;
                    return passing + 1;
                },
                () =>
                {
                    Assert.True(barrier.SignalAndWait(TimeSpan.FromSeconds(30)));
                    using var noGrad = no_grad();
                    return (x * 3, "second");
                });
            Assert.True(passing!.IsInvalid);
            Assert.Equal((3f, 3f, "second"), (first[0].item<float>(), second[0].item<float>(), name));
            Assert.Equal((true, false), (first.requires_grad, second.requires_grad));
            using (no_grad()) Assert.False(_sides.Run(() => x * 2, () => 0).First.requires_grad);
            kept = second;
        }
        Assert.True(kept.IsInvalid);
    }

    [Fact]
    public void AnErrorOfEitherComesBack()
    {
        Assert.Equal("first", Assert.Throws<InvalidOperationException>(() =>
            _sides.Run(int () => throw new InvalidOperationException("first"), () => 1)).Message);
        Assert.Equal("second", Assert.Throws<InvalidOperationException>(() =>
            _sides.Run(() => 1, int () => throw new InvalidOperationException("second"))).Message);
        Assert.Equal((1, 2), _sides.Run(() => 1, () => 2));
    }

    [Fact]
    public void RandomNumbersFollowTheCallersGenerator()
    {
        float[] Drawn(ulong seed)
        {
            using var scope = NewDisposeScope();
            using var generator = new Generator(seed, CPU);
            using var use = ForwardRandom.Use(generator);
            var (first, second) = _sides.Run(() => rand(4, generator: ForwardRandom.Current), () =>
                rand(4, generator: ForwardRandom.Current));
            return [.. first.data<float>(), .. second.data<float>()];
        }
        float[] drawn = Drawn(1);
        Assert.Equal(8, drawn.Distinct().Count());
        Assert.Equal(drawn, Drawn(1));
        Assert.NotEqual(drawn, Drawn(2));
    }

    private static (List<float> Losses, float[] Weights) Train(PretrainOptions options, int threads)
    {
        const int Rows = 256;
        using var scope = NewDisposeScope();
        using var generator = new Generator(1, CPU);
        options = options with { Threads = threads };
        var facts = new DataFacts(Rows, 0, threads) { Table = new(12, [.. Enumerable.Range(0, 12)], []) };
        options = options.Resolve(facts, []);
        using var method = options.CreateMethod(generator, CPU, 1);
        using var step = new TrainingStep(method, options.CreatePlan(), 1, threads, 2);
        var losses = Enumerable.Range(0, 8).Select(i =>
            step.Run([randn([32, 12], generator: generator), randn([32, 12], generator: generator)],
                new StepClock(i, Rows / 32, 1)).Loss.ToSingle()).ToList();
        return (losses, method.Parameters.Groups[0].Values.data<float>().ToArray());
    }
}
