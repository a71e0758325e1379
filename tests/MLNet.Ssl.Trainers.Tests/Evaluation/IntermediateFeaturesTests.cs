using static TorchSharp.torch;

namespace MLNet.Ssl.Tests;

public sealed class IntermediateFeaturesTests
{
    private static VisionTransformer Network()
    {
        using var generator = new Generator(3, CPU);
        var network = new VisionTransformer(
            new() { ImageSize = 16, PatchSize = 4, EmbeddingDimension = 12, Depth = 3, Heads = 2 }, generator);
        network.eval();
        return network;
    }

    [Fact]
    public void ClassTokensOfTheLastBlocksStandInBlockOrder()
    {
        using var scope = NewDisposeScope();
        using var network = Network();
        var images = randn(2, 3, 16, 16);
        var features = network.IntermediateFeatures(images, 2);
        var layers = network.IntermediateLayers(images, 2);
        Assert.Equal([2, 24], features.shape);
        Assert.True(features.narrow(1, 0, 12).allclose(layers[0].select(1, 0)));
        Assert.True(features.narrow(1, 12, 12).allclose(network.call(images), atol: 1e-6));
        Assert.False(features.narrow(1, 0, 12).allclose(features.narrow(1, 12, 12)));
    }

    [Fact]
    public void TheMeanPatchTokenIsInterleavedWithTheClassToken()
    {
        using var scope = NewDisposeScope();
        using var network = Network();
        var images = randn(2, 3, 16, 16);
        var features = network.IntermediateFeatures(images, 1, averagePool: true);
        var tokens = network.IntermediateLayers(images, 1)[0];
        Assert.Equal([2, 24], features.shape);
        for (int d = 0; d < 12; d++)
        {
            Assert.Equal(tokens[1, 0, d].item<float>(), features[1, 2 * d].item<float>(), 6);
            double mean = Enumerable.Range(1, 16).Average(p => (double)tokens[1, p, d].item<float>());
            Assert.Equal(mean, features[1, 2 * d + 1].item<float>(), 1e-5);
        }
    }

    [Theory]
    [InlineData(0, false)]
    [InlineData(4, false)]
    [InlineData(2, true)]
    public void BlocksOutOfRangeAreRefused(int blocks, bool averagePool)
    {
        using var scope = NewDisposeScope();
        using var network = Network();
        Assert.ThrowsAny<ArgumentException>(() =>
            network.IntermediateFeatures(zeros(1, 3, 16, 16), blocks, averagePool));
    }
}
