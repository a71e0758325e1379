using static TorchSharp.torch;

namespace MLNet.Ssl.Tests;

public class ProjectionHeadTests
{
    [Theory]
    [InlineData(2)]
    [InlineData(3)]
    public void HiddenListsEveryStage(int layers)
    {
        using var scope = NewDisposeScope();
        using var head = new ProjectionHead(new ProjectionHeadOptions(16) { OutputDimension = 6, Layers = layers },
            new Generator(1));
        head.eval();
        var x = randn(4, 16);
        var hidden = head.Hidden(x);
        Assert.Equal(layers + 1, hidden.Count);
        Assert.Same(x, hidden[0]);
        Assert.All(hidden.Skip(1).SkipLast(1), h => Assert.True(h.shape is [4, 16] && h.min().item<float>() >= 0));
        Assert.True(hidden[^1].equal(head.call(x)).all().item<bool>());
        Assert.Equal([4, 6], hidden[^1].shape);
    }

    [Fact]
    public void LinearsHaveNoBiasAndTheLastBatchNormNoShift()
    {
        using var scope = NewDisposeScope();
        using var head = new ProjectionHead(new ProjectionHeadOptions(256), new Generator(1));
        Assert.Equal(["layers.0.bn.bias", "layers.0.bn.weight", "layers.0.linear.weight", "layers.1.bn.weight",
            "layers.1.linear.weight"],
            head.named_parameters().Select(p => p.name).Order(StringComparer.Ordinal));
        Assert.Equal(0.01, head.get_parameter("layers.0.linear.weight")!.std().item<float>(), 2e-4);
        head.train();
        var z = head.call(randn(64, 256));
        Assert.True(z.mean([0]).abs().max().item<float>() < 1e-4);
        Assert.Equal(1, z.std([0], unbiased: false).mean().item<float>(), 0.01);
    }

    [Fact]
    public void BadOptionsAreNamed()
    {
        Rejects(new(0), "InputDimension is 0");
        Rejects(new(4) { OutputDimension = 0 }, "OutputDimension is 0");
        Rejects(new(4) { Layers = 0 }, "Layers is 0; it must be at least 1");

        static void Rejects(ProjectionHeadOptions options, string message) =>
            Assert.Contains(message, Assert.Throws<ArgumentOutOfRangeException>(() =>
                new ProjectionHead(options, new Generator(1))).Message);
    }
}
