using FsCheck.Xunit;
using TorchSharp;
using static TorchSharp.torch;

namespace MLNet.Ssl.Tests;

/// <summary>i-Mix at feature maps.</summary>
public class ManifoldMixTests
{
    private static readonly ResNetOptions TinyResNet =
        new() { BlocksPerStage = [1, 1], Width = 8, Stem = ResNetStem.Small };

    // λ is 0 or 1 as good as always, and then folded to 1.
    private static readonly IMixOptions Unmixed = new() { Alpha = 1e-6 };

    private static EncoderWithHead Network(ulong seed)
    {
        var generator = new Generator(seed, CPU);
        return new(TinyResNet.Create(generator),
            new MlpHead(new(16) { BatchNorm = true, OutputDimension = 6 }, generator));
    }

    private static Tensor Images(long rows, ulong seed) => randn([rows, 3, 8, 8], generator: new Generator(seed, CPU));

    [Fact]
    public void StagesInARowAreAForwardPass()
    {
        using var scope = NewDisposeScope();
        var sk = TinyResNet with
        {
            Block = ResNetBlock.Bottleneck,
            SelectiveKernels = true,
            Stem = ResNetStem.ImageNet
        };
        var vit = new VisionTransformerOptions
        {
            ImageSize = 16,
            PatchSize = 4,
            EmbeddingDimension = 8,
            Depth = 1,
            Heads = 2
        };
        foreach (BackboneOptions options in new BackboneOptions[] { TinyResNet, sk, vit })
        {
            using var network = options.Create(new Generator(1));
            network.eval();
            Assert.Equal(options.StageCount, network.StageCount);
            var x = randn([2, 3, 16, 16], generator: new Generator(2));
            var whole = network.call(x);
            for (int cut = 0; cut <= network.StageCount; cut++)
                Assert.True(network.Run(network.Run(x, 0, cut), cut, network.StageCount).allclose(whole, 1e-5, 1e-6),
                    $"{options.GetType().Name} cut at {cut}");
        }
    }

    [Property(MaxTest = 20)]
    public void AShareOfOneIsTheUnmixedPassAtEveryLayer(byte size, byte groupSeed, byte seed)
    {
        using var scope = NewDisposeScope();
        int groups = 1 + groupSeed % 3, rows = groups * (2 + size % 4);
        using var network = Network(seed);
        var x = Images(rows, seed);
        var (features, output) = network.Pass(x, groups);
        for (int layer = 0; layer < TinyResNet.StageCount; layer++)
        {
            var mixed = new IMix(Unmixed with { Layers = [layer] })
                .Pass(network, x, rows, groups, new HostRandom(seed));
            Assert.True(mixed.Features.allclose(features, 1e-4, 1e-5), $"features at {layer}");
            Assert.True(mixed.Output.allclose(output, 1e-4, 1e-5), $"output at {layer}");
        }
    }

    [Property(MaxTest = 20)]
    public void FeatureMapsAreMixedWhereAndHowIsDrawn(byte size, byte seed)
    {
        using var scope = NewDisposeScope();
        int rows = 4 + 2 * (size % 3);
        using var network = Network(seed);
        var x = Images(rows, seed);
        int[] layers = [0, 2, 3];
        var actual = new IMix(new() { Layers = layers }).Pass(network, x, rows, 2, new HostRandom(seed));

        var random = new HostRandom(seed);
        int layer = layers[random.Below(3)];
        var partners = random.Permutation(rows);
        float[] shares =
            [.. Enumerable.Range(0, rows).Select(_ => random.Beta(1)).Select(v => (float)Math.Max(v, 1 - v))];
        Tensor Half(int i, Tensor t) => t.narrow(0, i * rows / 2, rows / 2);
        // Each half of the batch has statistics of its own, before and after.
        var map = cat([.. new[] { 0, 1 }.Select(i => network.Backbone.Run(Half(i, x), 0, layer))], 0);
        var mixed = Mixers.Mixup(map, map.index_select(0, tensor(partners)), shares);
        var expected =
            cat([.. new[] { 0, 1 }.Select(i => network.Head.call(network.Backbone.Run(Half(i, mixed), layer, 4)))], 0);
        Assert.True(actual.Output.allclose(expected, 1e-3, 1e-4));
        var scores = randn([rows, rows]);
        Assert.True(actual.Targets.Weigh(scores).allclose(SoftTargets.Mixed(partners, shares, CPU).Weigh(scores)));
    }

    [Fact]
    public void EveryLayerOfTheListHasItsTurn()
    {
        var seen = Enumerable.Range(0, 60).Select(seed => new HostRandom(seed).Below(3)).CountBy(i => i).ToDictionary();
        Assert.Equal([0, 1, 2], seen.Keys.Order());
        Assert.All(seen.Values, count => Assert.InRange(count, 8, 35));
    }

    [Theory]
    [InlineData(Mixer.Mixup)]
    [InlineData(Mixer.CutMix)]
    public void RowsBehindTheQueriesStayAsTheyAre(Mixer mixer)
    {
        using var scope = NewDisposeScope();
        using var network = Network(1);
        network.eval();
        var x = Images(8, 2);
        var clean = network.Pass(x).Output;
        for (int layer = 0; layer < 4; layer++)
        {
            // The seed's box and shares leave no query as it is.
            var output = new IMix(new() { Mixer = mixer, Layers = [layer] }).Pass(network, x, 4, 1, new HostRandom(3))
                .Output;
            Assert.True(output.narrow(0, 4, 4).allclose(clean.narrow(0, 4, 4), 1e-4, 1e-5), $"positives at {layer}");
            Assert.False(output.narrow(0, 0, 4).allclose(clean.narrow(0, 0, 4), 1e-3, 1e-3), $"queries at {layer}");
        }
    }

    [Fact]
    public void GradientsPassThroughTheMixToTheStem()
    {
        using var scope = NewDisposeScope();
        using var network = Network(1);
        var (_, output, targets) = new IMix(new() { Layers = [2] })
            .Pass(network, Images(6, 2), 6, 1, new HostRandom(3));
        Contrast.CrossEntropy(Contrast.Logits(output, randn([6, 6])), targets).backward();
        Assert.All(network.named_parameters().Where(p => p.name.EndsWith("weight", StringComparison.Ordinal)),
            p => Assert.True(p.parameter.grad!.abs().max().ToSingle() > 0, p.name));
    }

    [Fact]
    public void LayersThatABackboneLacksAreNamed()
    {
        static string Refused(IReadOnlyList<int> layers, BackboneOptions backbone) =>
            Assert.ThrowsAny<ArgumentException>(() => new IMixOptions { Layers = layers }.Validate(8, backbone))
                .Message;
        new IMixOptions { Layers = [0, 1, 5] }.Validate(8, ResNetOptions.ResNet50());
        Assert.Contains("Mixing.Layers holds 6; for ResNetOptions it must lie between 0 and 5",
            Refused([0, 6], ResNetOptions.ResNet50()));
        Assert.Contains("Mixing.Layers holds -1", Refused([-1], ResNetOptions.ResNet50()));
        Assert.Contains("Mixing.Layers is empty", Refused([], ResNetOptions.ResNet50()));
        Assert.Contains("Mixing.Layers holds 1; for VisionTransformerOptions it may hold 0 alone",
            Refused([0, 1], VisionTransformerOptions.Small()));
    }
}
