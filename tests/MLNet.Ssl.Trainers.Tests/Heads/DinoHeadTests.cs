using static TorchSharp.torch;

namespace MLNet.Ssl.Tests;

public class DinoHeadTests
{
    [Fact]
    public void PrototypesStartWithNormOneAndLogitsAreCosines()
    {
        using var scope = NewDisposeScope();
        using var head = new DinoHead(new DinoHeadOptions(8)
        {
            OutputDimension = 12,
            HiddenDimension = 16,
            BottleneckDimension = 4
        }, new Generator(1));
        var x = rand(5, 8);
        var v = head.get_parameter("last_layer.weight_v")!;
        var cosines = head.Bottleneck(x).matmul((v / v.norm(1, keepdim: true)).T);
        Assert.True(head.call(x).allclose(cosines, 1e-5, 1e-6));
        Assert.True(head.get_parameter("last_layer.weight_g")!.eq(1).all().item<bool>());
    }

    [Theory]
    [InlineData(true, false)]
    [InlineData(false, true)]
    public void NormLastLayerFreezesTheNorms(bool normLastLayer, bool trainable)
    {
        using var head = new DinoHead(new DinoHeadOptions(4)
        {
            OutputDimension = 4,
            HiddenDimension = 4,
            NormLastLayer = normLastLayer
        }, new Generator(1));
        Assert.Equal(trainable, head.get_parameter("last_layer.weight_g")!.requires_grad);
    }

    [Fact]
    public void BadOptionsAreNamed()
    {
        Rejects(new(0), "InputDimension is 0");
        Rejects(new(4) { OutputDimension = 1 }, "OutputDimension is 1; it must be at least 2");
        Rejects(new(4) { HiddenDimension = 0 }, "HiddenDimension is 0");
        Rejects(new(4) { BottleneckDimension = 0 }, "BottleneckDimension is 0");
        Rejects(new(4) { Layers = 0 }, "Layers is 0; it must be at least 1");

        static void Rejects(DinoHeadOptions options, string message) =>
            Assert.Contains(message,
                Assert.Throws<ArgumentOutOfRangeException>(() => new DinoHead(options, new Generator(1))).Message);
    }
}
