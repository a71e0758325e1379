using static TorchSharp.torch;

namespace MLNet.Ssl.Tests;

public class PartialHeadTests
{
    /// <summary>A model file that keeps a part of a head may claim any size of the rest.</summary>
    [Fact]
    public void AHeadOfWhichTheFirstLayersAreKeptIsBuiltInThose()
    {
        using var generator = new Generator(1, CPU);
        using var head =
            new ProjectionHead(new(4) { Layers = 1_000_000_000, OutputDimension = 1_000_000_000 }, 1, generator);
        Assert.Equal(["layers.0.linear.weight"], head.named_parameters().Select(p => p.name)
            .Where(n => n.EndsWith("linear.weight", StringComparison.Ordinal)));
        Assert.Equal((1_000_000_000, 1_000_000_000), (head.Layers, head.Options.OutputDimension));
    }
}
