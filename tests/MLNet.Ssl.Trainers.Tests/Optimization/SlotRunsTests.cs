using TorchSharp;
using static TorchSharp.torch;

namespace MLNet.Ssl.Tests;

public class SlotRunsTests
{
    [Fact]
    public void NormsAndFactorsAreThoseOfEverySlot()
    {
        using var scope = NewDisposeScope();
        using var generator = new Generator(1, CPU);
        BackboneOptions[] networks =
        [
            new VisionTransformerOptions { ImageSize = 24, PatchSize = 6, EmbeddingDimension = 24, Depth = 5,
                Heads = 2 },
            new ResNetOptions { BlocksPerStage = [3, 2, 2], Width = 9, Stem = ResNetStem.Small },
        ];
        foreach (var options in networks)
        {
            using var network = options.Create(generator);
            using var flat = new FlatParameters(network);
            foreach (var group in flat.Groups)
            {
                var values = randn([group.Values.numel()], generator: generator);
                var expected = group.Slots.Select(slot =>
                    (double)values.narrow(0, slot.Offset, slot.Length).norm().ToSingle()).Order().ToArray();
                var norms = group.Runs.Norms(values);
                Assert.Equal(expected.Length, group.Runs.Count);
                Assert.All(expected.Zip(norms.data<float>().Order()), pair =>
                    Assert.Equal(pair.First, pair.Second, tolerance: 1e-4 * pair.First));
                var original = values.clone();
                group.Runs.Scale_(values, norms.reciprocal());
                Assert.All(group.Slots, slot =>
                    Assert.Equal(1, values.narrow(0, slot.Offset, slot.Length).norm().ToSingle(), tolerance: 1e-4));
                // What lies between slots stays as it was.
                long inSlots = group.Slots.Sum(slot => slot.Length);
                Assert.True(values.eq(original).sum().item<long>() >= values.numel() - inSlots);
            }
        }
    }

    [Fact]
    public void TheLayersOfATransformerAreFewRuns()
    {
        using var scope = NewDisposeScope();
        using var generator = new Generator(1, CPU);
        using var network = new VisionTransformerOptions
        {
            ImageSize = 24,
            PatchSize = 6,
            EmbeddingDimension = 24,
            Depth = 12,
            Heads = 2
        }.Create(generator);
        using var flat = new FlatParameters(network);
        Assert.Equal(150, flat.Groups.Sum(group => group.Slots.Count));
        Assert.InRange(flat.Groups.Sum(group => group.Runs.Blocks), 1, 20);
    }
}
