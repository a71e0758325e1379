using static TorchSharp.torch;

namespace MLNet.Ssl.Tests;

public class VisionTransformerTests
{
    private static readonly VisionTransformerOptions Options =
        new() { ImageSize = 16, PatchSize = 4, EmbeddingDimension = 24, Depth = 3, Heads = 3 };

    private static Tensor Images(long count, long size, ulong seed = 5) =>
        rand([count, 3, size, size], generator: new Generator(seed));

    private static float[] Values(Tensor t) => t.detach().contiguous().data<float>().ToArray();

    [Theory]
    [InlineData(192, 3, 5_524_416)]
    [InlineData(384, 6, 21_665_664)]
    [InlineData(768, 12, 85_798_656)]
    public void PresetsHaveThePublishedNumberOfParameters(int width, int heads, long parameters)
    {
        using var scope = NewDisposeScope();
        var preset = width switch
        {
            192 => VisionTransformerOptions.Tiny(),
            384 => VisionTransformerOptions.Small(),
            _ => VisionTransformerOptions.Base()
        };
        Assert.Equal((width, heads), (preset.EmbeddingDimension, preset.Heads));
        using var network = preset.Create(new Generator(1));
        Assert.Equal(parameters, network.parameters().Sum(p => p.numel()));
    }

    [Fact]
    public void TheSeedDecidesTheWeights()
    {
        using var scope = NewDisposeScope();
        using var a = Options.Create(new Generator(7));
        using var b = Options.Create(new Generator(7));
        using var c = Options.Create(new Generator(8));
        foreach (var (name, weight) in a.state_dict()) Assert.Equal(Values(weight), Values(b.state_dict()[name]));
        Assert.NotEqual(Values(a.get_parameter("pos_embed")!), Values(c.get_parameter("pos_embed")!));
    }

    [Fact]
    public void InitialWeightsHaveTheSpreadOfThePaper()
    {
        using var scope = NewDisposeScope();
        using var network = new VisionTransformer(new() { Depth = 1 }, new Generator(1));
        foreach (string name in new[] { "pos_embed", "blocks.0.attn.qkv.weight", "blocks.0.mlp.fc2.weight" })
            Assert.Equal(0.02, network.get_parameter(name)!.std().item<float>(), 3e-4);
        Assert.Equal(0, network.get_parameter("blocks.0.attn.qkv.bias")!.abs().max().item<float>());
        double bound = 1 / Math.Sqrt(3 * 16 * 16);
        Assert.InRange(network.get_parameter("patch_embed.proj.weight")!.abs().max().item<float>(), 0.99 * bound,
            bound);
    }

    [Fact]
    public void TheFeatureIsTheClassTokenOfTheLastLayerWithEqualGradients()
    {
        using var scope = NewDisposeScope();
        using var network = new VisionTransformer(Options, new Generator(1));
        var x = Images(3, 16);
        var direct = network.call(x);
        var full = network.IntermediateLayers(x, 1)[0].select(1, 0);
        Assert.True(direct.allclose(full, 1e-4, 1e-5));

        var weights = rand([3, 24], generator: new Generator(2));
        (direct * weights).sum().backward();
        var gradients = network.named_parameters().ToDictionary(p => p.name, p => p.parameter.grad!.clone());
        network.zero_grad();
        (full * weights).sum().backward();
        foreach (var (name, parameter) in network.named_parameters())
            Assert.True(parameter.grad!.allclose(gradients[name], 1e-3, 1e-5), name);
    }

    [Fact]
    public void ClassTokensOfTheLastBlocksStandInBlockOrder()
    {
        using var scope = NewDisposeScope();
        using var one = new VisionTransformer(Options, new Generator(1));
        using var two = new VisionTransformer(Options with { LastBlocks = 2 }, new Generator(1));
        var x = Images(2, 16);
        var features = two.call(x);
        Assert.Equal((48, 48), (two.EmbeddingDimension, ((BackboneOptions)two.Options).EmbeddingDimension));
        Assert.Equal([2, 48], features.shape);
        Assert.True(features.narrow(1, 0, 24).allclose(one.IntermediateLayers(x, 2)[0].select(1, 0), 1e-4, 1e-5));
        Assert.Equal(Values(one.call(x)), Values(features.narrow(1, 24, 24)));
        features.sum().backward();
        Assert.All(two.parameters(), parameter => Assert.NotNull(parameter.grad));
    }

    [Theory]
    [InlineData(0)]
    [InlineData(2)]
    public void TheMeanPatchTokenIsInterleavedWithTheClassToken(int registers)
    {
        using var scope = NewDisposeScope();
        using var network = new VisionTransformer(
            Options with { AveragePoolPatchTokens = true, Registers = registers }, new Generator(1));
        var x = Images(2, 16);
        float[] features = Values(network.call(x)[1]);
        var tokens = network.IntermediateLayers(x, 1)[0][1];
        Assert.Equal((48, 48), (network.EmbeddingDimension, features.Length));
        for (int channel = 0; channel < 24; channel++)
        {
            float[] values = Values(tokens.select(1, channel));
            Assert.Equal(values[0], features[2 * channel], 1e-5);
            Assert.Equal(values[(1 + registers)..].Average(), features[2 * channel + 1], 1e-5);
        }
    }

    [Fact]
    public void ARestThatDoesNotFillAPatchIsCutOff()
    {
        using var scope = NewDisposeScope();
        using var network = new VisionTransformer(Options, new Generator(1));
        var x = Images(2, 23);
        Assert.True(network.call(x).allclose(network.call(x.narrow(2, 0, 20).narrow(3, 0, 20)), 1e-5, 1e-6));
    }

    [Fact]
    public void ANetworkOutlivesTheScopeItWasBuiltIn()
    {
        Backbone network;
        using (NewDisposeScope()) network = Options.Create(new Generator(1));
        using var scope = NewDisposeScope();
        Assert.Equal([2, 24], network.call(Images(2, 16)).shape);
        network.Dispose();
    }

    [Fact]
    public void PositionsResampledInInferenceModeServeTrainingToo()
    {
        using var scope = NewDisposeScope();
        using var network = Options.Create(new Generator(1));
        using (inference_mode()) network.call(Images(1, 8));
        network.call(Images(1, 8)).sum().backward();
        Assert.NotNull(network.get_parameter("pos_embed")!.grad);
    }

    [Fact]
    public void RotaryPositionsOfManySizesServeInAnyOrder()
    {
        using var scope = NewDisposeScope();
        var options = Options with { RotaryPositions = true };
        using var network = new VisionTransformer(options, new Generator(1));
        int[] sizes = [.. Enumerable.Range(2, 12).Select(side => 4 * side)];
        foreach (int size in sizes.Concat(sizes.Reverse()))
        {
            using var fresh = new VisionTransformer(options, new Generator(1));
            var x = Images(2, size);
            Tensor expected = fresh.call(x), known;
            using (inference_mode()) known = network.call(x);
            Assert.Equal(Values(expected), Values(known));
            // Kept by the pass above, in which nothing has a gradient.
            var trained = network.call(x);
            trained.sum().backward();
            Assert.Equal(Values(expected), Values(trained));
        }
    }

    [Fact]
    public void ThreadsShareANetworkEachWithItsOwnRandomness()
    {
        using var scope = NewDisposeScope();
        using var network = (Options with { DropPathRate = 0.5 }).Create(new Generator(1));
        network.train();
        float[] Forward(ulong seed)
        {
            using var inner = NewDisposeScope();
            using (ForwardRandom.Use(new Generator(seed))) return Values(network.call(Images(8, 12, seed)));
        }
        var alone = new[] { Forward(1), Forward(2) };
        for (int round = 0; round < 5; round++)
        {
            var together = new float[2][];
            var threads = Enumerable.Range(0, 2).Select(i => new Thread(() => together[i] = Forward((ulong)i + 1)))
                .ToList();
            threads.ForEach(t => t.Start());
            threads.ForEach(t => t.Join());
            Assert.Equal(alone, together);
        }
    }

    [Fact]
    public void DropPathIsOffInEvaluation()
    {
        using var scope = NewDisposeScope();
        using var dropping = (Options with { DropPathRate = 0.9 }).Create(new Generator(1));
        using var plain = Options.Create(new Generator(1));
        dropping.eval();
        Assert.Equal(Values(plain.call(Images(2, 16))), Values(dropping.call(Images(2, 16))));
    }

    [Fact]
    public void TrainingWithDropPathAsksForAGenerator()
    {
        using var scope = NewDisposeScope();
        using var network = (Options with { DropPathRate = 0.1 }).Create(new Generator(1));
        network.train();
        Assert.Contains("ForwardRandom.Use",
            Assert.Throws<InvalidOperationException>(() => network.call(Images(1, 16))).Message);
    }

    [Fact]
    public void BadOptionsAreNamed()
    {
        AssertRejected(Options with { PatchSize = 0 }, "PatchSize is 0", "at least 1");
        AssertRejected(Options with { EmbeddingDimension = 25 }, "EmbeddingDimension is 25", "multiple of Heads (3)");
        AssertRejected(Options with { Depth = 0 }, "Depth is 0", "at least 1");
        AssertRejected(Options with { Heads = -1 }, "Heads is -1", "at least 1");
        AssertRejected(Options with { MlpRatio = double.NaN }, "MlpRatio is NaN", "positive");
        AssertRejected(Options with { MlpRatio = 0.01 }, "MlpRatio is 0.01", "EmbeddingDimension (24)", "at least 1");
        AssertRejected(Options with { RotaryPositions = true, Flavor = VisionTransformerFlavor.MoCoV3 },
            "RotaryPositions is true", "MoCoV3 has a table");
        AssertRejected(Options with { DropPathRate = 1 }, "DropPathRate is 1", "at least 0 and below 1");
        AssertRejected(Options with { LastBlocks = 4 }, "LastBlocks is 4", "from 1 to 3");
        AssertRejected(Options with { LastBlocks = 2, AveragePoolPatchTokens = true }, "LastBlocks is 2", "must be 1");
        AssertRejected(Options with { ImageSize = 18 }, "ImageSize is 18", "multiple of PatchSize (4)");
    }

    internal static void AssertRejected(BackboneOptions options, params string[] parts)
    {
        string message = Assert.ThrowsAny<ArgumentException>(options.Validate).Message;
        foreach (string part in parts) Assert.Contains(part, message);
        Assert.ThrowsAny<ArgumentException>(() => options.Create(new Generator(1)));
    }

    [Fact]
    public void ViewSizesAreMultiplesOfThePatch()
    {
        Options.ValidateViewSize(12);
        foreach (int size in new[] { 0, 2, 18 })
            Assert.Contains($"{size} pixels does not fit patches of 4",
                Assert.Throws<ArgumentException>(() => Options.ValidateViewSize(size)).Message);
    }

    [Fact]
    public void ImagesOfTheWrongShapeAreRefused()
    {
        using var scope = NewDisposeScope();
        using var network = Options.Create(new Generator(1));
        foreach (var images in new[] { zeros(2, 1, 16, 16), zeros(2, 3, 3, 16), zeros(3, 16, 16) })
            Assert.Contains("expected (B,3,H,W)", Assert.Throws<ArgumentException>(() => network.call(images)).Message);
    }
}
