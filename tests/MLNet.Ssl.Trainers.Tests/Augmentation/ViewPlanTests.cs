using FsCheck;
using FsCheck.Xunit;

namespace MLNet.Ssl.Tests;

public sealed class ViewPlanTests
{
    [Property]
    public bool Crop_AnyImageAndRecipe_LiesInside(PositiveInt width, PositiveInt height, int seed)
    {
        var recipe = seed % 2 == 0 ? ViewRecipes.DinoGlobal1() : ViewRecipes.DinoLocal();
        var crop = ViewPlan.Draw(recipe, width.Get, height.Get, new ViewRandom((ulong)seed, 0, 0, 0)).Crop;
        return crop is { Left: >= 0, Top: >= 0, Width: >= 1, Height: >= 1 } && crop.Left + crop.Width <= width.Get
            && crop.Top + crop.Height <= height.Get;
    }

    [Fact]
    public void Draw_ManyViews_KeepsTheProbabilities()
    {
        var recipe = ViewRecipes.DinoGlobal2() with { FlipProbability = 0.3, BlurProbability = 0.6 };
        const int views = 20_000;
        var plans = Enumerable.Range(0, views).Select(i => ViewPlan.Draw(recipe, 64, 64, new ViewRandom(7, 0, i, 0)))
            .ToArray();
        AssertShare(0.3, plans.Count(p => p.Flip));
        AssertShare(0.8, plans.Count(p => p.Jitter is not null));
        AssertShare(0.2, plans.Count(p => p.Grayscale));
        AssertShare(0.6, plans.Count(p => p.BlurSigma is not null));
        AssertShare(0.2, plans.Count(p => p.Solarize));
        Assert.Equal(1.05, plans.Where(p => p.BlurSigma is not null).Average(p => p.BlurSigma!.Value), 0.02);
        // Area shares are uniform over (0.4, 1) before the few rejections of boxes that do not fit.
        Assert.InRange(plans.Average(p => p.Crop.Width * p.Crop.Height / 4096.0), 0.62, 0.71);

        static void AssertShare(double expected, int count) => Assert.Equal(expected, count / (double)views, 0.02);
    }

    [Fact]
    public void JitterOrder_IsAUniformPermutation()
    {
        var random = new ViewRandom(3, 0, 0, 0);
        var counts = new Dictionary<string, int>();
        for (int i = 0; i < 24_000; i++)
        {
            int order = JitterPlan.Draw(new(0.4, 0.4, 0.4, 0.1), ref random).Order;
            string text = string.Concat(Enumerable.Range(0, 4).Select(k => (order >> (2 * k)) & 3));
            counts[text] = counts.GetValueOrDefault(text) + 1;
        }
        Assert.Equal(24, counts.Count);
        Assert.All(counts, c => Assert.Equal("0123", string.Concat(c.Key.Order())));
        Assert.All(counts.Values, count => Assert.InRange(count, 850, 1150));
    }

    [Fact]
    public void Jitter_StrengthZero_IsOff()
    {
        var random = new ViewRandom(3, 0, 0, 0);
        var plan = JitterPlan.Draw(new(0, 0, 0, 0), ref random);
        Assert.Equal((null, null, null, null), (plan.Brightness, plan.Contrast, plan.Saturation, plan.Hue));
    }

    [Fact]
    public void Random_SeedEpochSampleAndView_AllMatter()
    {
        double[] first = [Draw(1, 2, 3, 4), Draw(2, 2, 3, 4), Draw(1, 3, 3, 4), Draw(1, 2, 4, 4), Draw(1, 2, 3, 5),
            Draw(1, 3, 2, 4), Draw(1, 2, 4, 3)];
        Assert.Equal(first.Length, first.Distinct().Count());
        Assert.Equal(first[0], Draw(1, 2, 3, 4));

        static double Draw(ulong seed, int epoch, int sample, int view) =>
            new ViewRandom(seed, epoch, sample, view).Uniform(0, 1);
    }
}
