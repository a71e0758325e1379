using static TorchSharp.torch;

namespace MLNet.Ssl.Tests;

public class ResNetTests
{
    public static TheoryData<string, long, int> Presets => new()
    {
        { "ResNet18", 11_176_512, 512 }, { "ResNet34", 21_284_672, 512 }, { "ResNet50", 23_508_032, 2048 },
        { "ResNet101", 42_500_160, 2048 }, { "ResNet152", 58_143_808, 2048 },
    };

    [Theory]
    [MemberData(nameof(Presets))]
    public void PresetsHaveThePublishedNumberOfParameters(string preset, long parameters, int features)
    {
        using var scope = NewDisposeScope();
        var options = (ResNetOptions)typeof(ResNetOptions).GetMethod(preset)!.Invoke(null, [ResNetStem.ImageNet, 64])!;
        using var network = options.Create(new Generator(1));
        Assert.Equal(parameters, network.parameters().Sum(p => p.numel()));
        Assert.Equal(features, options.EmbeddingDimension);
    }

    [Theory]
    [InlineData(ResNetStem.ImageNet, 1)]
    [InlineData(ResNetStem.SmallStride2, 2)]
    [InlineData(ResNetStem.Small, 4)]
    public void TheStemDecidesHowMuchIsSeen(ResNetStem stem, int lastSide)
    {
        using var scope = NewDisposeScope();
        var options = ResNetOptions.ResNet18(stem, 8);
        using var network = new ResNet(options, new Generator(1));
        network.eval();
        options.ValidateViewSize(32);
        Assert.Equal([2, 64], network.call(rand(2, 3, 32, 32)).shape);
        Assert.Contains($"at least {32 / lastSide} pixels",
            Assert.Throws<ArgumentException>(() => options.ValidateViewSize(32 / lastSide - 1)).Message);
    }

    [Fact]
    public void ConvolutionsStartWithKaimingsSpreadAndTheSeedDecides()
    {
        using var scope = NewDisposeScope();
        using var a = ResNetOptions.ResNet18().Create(new Generator(3));
        using var b = ResNetOptions.ResNet18().Create(new Generator(3));
        var weight = a.get_parameter("layer3.1.conv2.weight")!;
        Assert.Equal(Math.Sqrt(2.0 / (256 * 9)), weight.std().item<float>(), 2e-4);
        Assert.True(weight.equal(b.get_parameter("layer3.1.conv2.weight")!).all().item<bool>());
    }

    [Theory]
    [InlineData(ResNetBlock.Basic, "bn2")]
    [InlineData(ResNetBlock.Bottleneck, "bn3")]
    public void ZeroInitResidualSilencesTheBranches(ResNetBlock block, string last)
    {
        using var scope = NewDisposeScope();
        var options = new ResNetOptions { Block = block, BlocksPerStage = [1, 2], Width = 4, Stem = ResNetStem.Small };
        using var zero = (options with { ZeroInitResidual = true }).Create(new Generator(1));
        using var one = options.Create(new Generator(1));
        foreach (var (name, parameter) in zero.named_parameters()
            .Where(p => p.name.Contains("bn") && p.name.EndsWith("weight")))
            Assert.Equal(name.Contains(last) ? 0f : 1f, parameter.mean().item<float>());
        Assert.All(one.named_parameters().Where(p => p.name.EndsWith(last + ".weight")), p =>
            Assert.Equal(1f, p.parameter.mean().item<float>()));
    }

    [Fact]
    public void ANetworkOutlivesTheScopeItWasBuiltIn()
    {
        Backbone network;
        using (NewDisposeScope()) network = ResNetOptions.ResNet18(ResNetStem.Small, 4).Create(new Generator(1));
        using var scope = NewDisposeScope();
        Assert.Equal([2, 32], network.call(rand(2, 3, 16, 16)).shape);
        network.Dispose();
    }

    [Fact]
    public void BadOptionsAreNamed()
    {
        VisionTransformerTests.AssertRejected(new ResNetOptions { BlocksPerStage = [] }, "BlocksPerStage is []",
            "1 to 8 numbers");
        VisionTransformerTests.AssertRejected(new ResNetOptions { BlocksPerStage = [2, 0] },
            "BlocksPerStage is [2, 0]");
        VisionTransformerTests.AssertRejected(new ResNetOptions { Width = 0 }, "Width is 0", "at least 1");
        VisionTransformerTests.AssertRejected(new ResNetOptions { Stem = (ResNetStem)9 }, "Stem is 9",
            "ImageNet, Small, SmallStride2");
        VisionTransformerTests.AssertRejected(new ResNetOptions { Block = (ResNetBlock)9 }, "Block is 9",
            "Basic, Bottleneck");
    }
}
