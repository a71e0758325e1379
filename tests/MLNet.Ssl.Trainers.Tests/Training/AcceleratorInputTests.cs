using TorchSharp;
using static TorchSharp.torch;

namespace MLNet.Ssl.Tests;

/// <summary>What travels to an accelerator, tried on a processor.</summary>
public class AcceleratorInputTests
{
    [Fact]
    public void ViewsFromBytesAreTheViews()
    {
        using var scope = NewDisposeScope();
        var images = Patterns.Draw(6, 1).Images;
        ViewRecipe[] recipes =
        [
            ViewRecipes.MoCoV2() with { Size = 24 }, ViewRecipes.MoCoV3View1() with { Size = 24 },
            ViewRecipes.MoCoV3View2() with { Size = 12 },
            ViewRecipes.MoCoV3View2() with { Size = 12, Normalization = Normalization.Cifar10 },
            ViewRecipes.MoCoV2() with { Size = 24 },
        ];
        var pipeline = new ViewPipeline(recipes, 3, 2);
        var expected = pipeline.Render(images, [4, 0, 2], 5);
        var packed = pipeline.RenderBytes(images, [4, 0, 2], 5);
        Assert.Equal(4, packed.Length);
        Assert.All(packed, run => Assert.Equal(ScalarType.Byte, run.dtype));
        var actual = pipeline.Normalize(packed);
        Assert.Equal(expected.Length, actual.Length);
        Assert.All(expected.Zip(actual), pair =>
        {
            Assert.Equal(pair.First.shape, pair.Second.shape);
            Assert.True((pair.First - pair.Second).abs().max().ToSingle() < 2e-6);
        });
    }

    [Fact]
    public void PlannedFactorsAreThoseDrawnOneByOne()
    {
        using var scope = NewDisposeScope();
        using var planned = new KeepPlan();
        using var fresh = new KeepPlan();
        var like = zeros(1);
        (long Rows, double Rate)[] asks = [(8, 0.1), (64, 0.25), (5, 0.5)];
        List<float[]> Draw(KeepPlan plan, params (long Rows, double Rate)[] of) =>
            [.. of.Select(ask => plan.Next(ask.Rows, ask.Rate, like).data<float>().ToArray())];
        planned.Begin(1, CPU);
        Draw(planned, asks);
        planned.Begin(2, CPU);
        fresh.Begin(2, CPU);
        Assert.Equal(Draw(fresh, asks), Draw(planned, asks));
        // Another way than the step before went.
        planned.Begin(3, CPU);
        fresh.Begin(3, CPU);
        (long, double)[] others = [(8, 0.1), (9, 0.5), (3, 0.5)];
        Assert.Equal(Draw(fresh, others), Draw(planned, others));
        using var large = new KeepPlan();
        large.Begin(4, CPU);
        var factors = Draw(large, (100_000, 0.2))[0];
        Assert.Equal([0f, 1.25f], factors.Distinct().Order());
        Assert.InRange(factors.Average(), 0.99, 1.01);
    }
}
