using TorchSharp;
using static TorchSharp.torch;

namespace MLNet.Ssl.Tests;

public class OptimizerTests
{
    [Fact]
    public void AdamWFollowsItsFormula()
    {
        const double lr = 0.1, wd = 0.2, b1 = 0.9, b2 = 0.999, eps = 1e-8;
        double w = 0.7, m = 0, v = 0;
        var (moved, expected) = (new List<double>(), new List<double>());
        Run(new AdamW(), 0.7, lr, wd, (g, t) =>
        {
            w *= 1 - lr * wd;
            m = b1 * m + (1 - b1) * g;
            v = b2 * v + (1 - b2) * g * g;
            w -= lr / (1 - Math.Pow(b1, t)) * m / (Math.Sqrt(v / (1 - Math.Pow(b2, t))) + eps);
            expected.Add(w);
        }, moved);
        AssertClose(expected, moved);
    }

    [Fact]
    public void SgdFollowsPyTorchsForm()
    {
        const double lr = 0.1, wd = 0.2;
        double w = 0.7, v = 0;
        var (moved, expected) = (new List<double>(), new List<double>());
        Run(new Sgd(0.9), 0.7, lr, wd, (g, _) =>
        {
            v = 0.9 * v + g + wd * w;
            w -= lr * v;
            expected.Add(w);
        }, moved);
        AssertClose(expected, moved);
    }

    [Fact]
    public void AnUpdateSharedByThreadsIsTheSame()
    {
        float[] Moved(ShardThreads? threads)
        {
            using var scope = NewDisposeScope();
            using var generator = new Generator(1, CPU);
            using var module = new Single(400_000, 1);
            using var parameters = new FlatParameters(module);
            using var optimizer = new AdamW { Threads = threads };
            for (int i = 0; i < 2; i++)
                optimizer.Step(parameters.Groups[0], randn([400_000], generator: generator), 0.1, 0.2);
            return parameters.Groups[0].Values.data<float>().ToArray();
        }
        using var threads = new ShardThreads(2, 2);
        Assert.Equal(Moved(null), Moved(threads));
    }

    [Fact]
    public void AveragesMoveTowardsTheSourceAndItsBuffersStay()
    {
        using var scope = NewDisposeScope();
        using var generator = new Generator(1, CPU);
        var options = new ResNetOptions { BlocksPerStage = [1], Width = 8, Stem = ResNetStem.Small };
        using var source = options.Create(generator);
        using var target = options.Create(generator);
        using var from = new FlatParameters(source);
        using var to = new FlatParameters(target, from);
        var buffers = target.named_buffers().Select(b => b.buffer.clone()).ToList();
        var before = to.Groups[0].Values.clone();
        to.MoveTowards(from, 1);
        Assert.True(before.allclose(to.Groups[0].Values));
        to.MoveTowards(from, 0.25);
        Assert.True((before * 0.25 + from.Groups[0].Values * 0.75).sub(to.Groups[0].Values).abs().max()
            .ToSingle() < 1e-6);
        to.MoveTowards(from, 0);
        Assert.All(source.named_parameters().Zip(target.named_parameters()), p =>
            Assert.True(p.First.parameter.allclose(p.Second.parameter)));
        Assert.All(target.named_buffers().Zip(buffers), b => Assert.True(b.First.buffer.allclose(b.Second)));
    }

    [Fact]
    public void FlatParametersShareStorageWithTheModule()
    {
        using var scope = NewDisposeScope();
        using var generator = new Generator(1, CPU);
        using var network =
            new ResNetOptions { BlocksPerStage = [1], Width = 8, Stem = ResNetStem.Small }.Create(generator);
        using var flat = new FlatParameters(network);
        var x = randn([2, 3, 8, 8], generator: generator);
        network.eval();
        using (no_grad())
        {
            foreach (var group in flat.Groups) group.Values.zero_();
            Assert.Equal(0f, network.call(x).abs().max().ToSingle());
        }
        Assert.Equal(network.parameters().Sum(p => p.numel()), flat.Groups.Sum(g => g.Slots.Sum(slot => slot.Length)));
    }

    [Fact]
    public void EveryParameterBeginsOnABoundaryOf64Bytes()
    {
        using var scope = NewDisposeScope();
        using var generator = new Generator(1, CPU);
        using var network =
            new ResNetOptions { BlocksPerStage = [1], Width = 9, Stem = ResNetStem.Small }.Create(generator);
        using var flat = new FlatParameters(network);
        Assert.All(flat.Groups, group =>
            Assert.All(group.Slots, slot => Assert.Equal(0, slot.Offset * sizeof(float) % 64)));
        Assert.All(flat.Groups, group =>
            Assert.True(group.Slots[^1].Offset + group.Slots[^1].Length <= group.Values.numel()));
    }

    private static void Run(FlatOptimizer optimizer, double start, double lr, double wd, Action<double, int> reference,
        List<double> moved)
    {
        using (optimizer)
        using (var scope = NewDisposeScope())
        {
            // Longer than a piece, so that every piece is seen to move alike.
            using var network = new Single(300_000, start);
            using var flat = new FlatParameters(network, (_, _) => FlatParameters.Decayed);
            for (int t = 1; t <= 5; t++)
            {
                double g = Math.Sin(t) + 0.3;
                optimizer.Step(flat.Groups[0], full([300_000], g), lr, wd);
                reference(g, t);
                using var inner = NewDisposeScope();
                Assert.Equal(flat.Groups[0].Values.min().ToSingle(), flat.Groups[0].Values.max().ToSingle());
                moved.Add(flat.Groups[0].Values.mean().ToSingle());
            }
        }
    }

    private static void AssertClose(List<double> expected, List<double> actual)
    {
        Assert.Equal(5, actual.Count);
        Assert.All(expected.Zip(actual), p => Assert.Equal(p.First, p.Second, tolerance: 1e-5));
    }

    private sealed class Single : nn.Module
    {
        public Single(long length, double value) : base(nameof(Single)) =>
            register_parameter("w", nn.Parameter(full([length], value)));
    }
}
