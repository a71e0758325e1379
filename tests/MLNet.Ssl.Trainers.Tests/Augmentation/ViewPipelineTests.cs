using System.Runtime.InteropServices;
using static TorchSharp.torch;

namespace MLNet.Ssl.Tests;

public sealed class ViewPipelineTests
{
    private static readonly ViewRecipe[] Recipes =
        [ViewRecipes.DinoGlobal1(19), ViewRecipes.DinoGlobal2(19), ViewRecipes.DinoLocal(9), ViewRecipes.MoCoV1(16)];

    [Fact]
    public void Render_AnyThreadCount_GivesTheSameViews()
    {
        var store = Store(24);
        int[] indices = [.. Enumerable.Range(0, 24)];
        var single = Render(store, indices, threads: 1);
        Assert.Equal(single, Render(store, indices, threads: 2));
        Assert.Equal(single, Render(store, indices, threads: 7));
    }

    [Fact]
    public void Render_AnotherOrder_GivesEverySampleTheSameViews()
    {
        var store = Store(4);
        var forward = Render(store, [0, 1, 2, 3]);
        var backward = Render(store, [3, 2, 1, 0]);
        for (int view = 0; view < Recipes.Length; view++)
        {
            int length = forward[view].Length / 4;
            for (int i = 0; i < 4; i++)
                Assert.Equal(forward[view][(i * length)..((i + 1) * length)],
                    backward[view][((3 - i) * length)..((4 - i) * length)]);
        }
    }

    [Fact]
    public void Render_SeedAndEpoch_DecideTheViews()
    {
        var store = Store(3);
        var views = Render(store, [0, 1, 2]);
        Assert.Equal(views, Render(store, [0, 1, 2]));
        Assert.NotEqual(views[0], Render(store, [0, 1, 2], epoch: 1)[0]);
        Assert.NotEqual(views[0], Render(store, [0, 1, 2], seed: 2)[0]);
    }

    [Fact]
    public void Render_ShapesAndRange_AreThoseOfTheRecipes()
    {
        using var scope = NewDisposeScope();
        var views = new ViewPipeline(Recipes, seed: 1, threads: 2).Render(Store(5), [4, 0, 4], epoch: 0);
        for (int view = 0; view < Recipes.Length; view++)
        {
            Assert.Equal(new long[] { 3, 3, Recipes[view].Size, Recipes[view].Size }, views[view].shape);
            Assert.Equal(ScalarType.Float32, views[view].dtype);
            // ImageNet's statistics put [0, 1] into [−2.12, 2.65].
            Assert.All(Values(views[view]), v => Assert.InRange(v, -2.12f, 2.65f));
        }
    }

    [Theory]
    [InlineData(1, 1)]
    [InlineData(1, 57)]
    [InlineData(90, 1)]
    [InlineData(3, 200)]
    public void Render_ThinImages_Work(int width, int height)
    {
        var store = new ImageStore();
        store.Add(Images.Random(width, height, seed: 5).Pixels.Span, width, height);
        foreach (float[] view in Render(store, [0])) Assert.All(view, v => Assert.InRange(v, -2.12f, 2.65f));
    }

    [Fact]
    public void Render_FlatImage_StaysFlat()
    {
        var store = new ImageStore();
        store.Add(Enumerable.Repeat((byte)77, 3 * 40 * 30).ToArray(), 40, 30);
        var recipe = ViewRecipes.DinoGlobal1(17) with { Jitter = null, Normalization = Normalization.None };
        using var scope = NewDisposeScope();
        var view = new ViewPipeline([recipe], seed: 1, threads: 1).Render(store, [0], epoch: 0)[0];
        Assert.All(Values(view), v => Assert.Equal(77 / 255f, v));
    }

    [Fact]
    public void Render_SteadyState_AllocatesNothingPerImage()
    {
        var store = Store(8);
        var pipeline = new ViewPipeline(Recipes, seed: 1, threads: 1);
        var workspace = new ViewWorkspace();
        var chw = new float[3 * 19 * 19];
        long Allocated()
        {
            long before = GC.GetAllocatedBytesForCurrentThread();
            for (int sample = 0; sample < 8; sample++)
                for (int view = 0; view < Recipes.Length; view++)
                    pipeline.RenderView(workspace, store[sample], sample, view, epoch: 0,
                        chw.AsSpan(0, 3 * Recipes[view].Size * Recipes[view].Size));
            return GC.GetAllocatedBytesForCurrentThread() - before;
        }
        // The least of some passes: the runtime itself allocates now and then while it recompiles a method.
        Assert.Equal(0, Enumerable.Range(0, 5).Min(_ => Allocated()));
    }

    [Fact]
    public void Flip_Twice_IsIdentity()
    {
        var image = Images.Random(11, 6, seed: 3);
        var flipped = image.ToPlanar(flip: true).ToImage();
        Assert.False(image.Pixels.Span.SequenceEqual(flipped.Pixels.Span));
        Assert.True(image.Pixels.Span.SequenceEqual(flipped.ToPlanar(flip: true).ToImage().Pixels.Span));
    }

    [Fact]
    public void Flip_WithResize_MirrorsTheResult()
    {
        var image = Images.Random(23, 14, seed: 4);
        PlanarImage straight = new(), mirrored = new();
        new Resampler().Resize(image, new CropBox(3, 2, 17, 11), 9, 13, Interpolation.Bicubic, flip: false, straight);
        new Resampler().Resize(image, new CropBox(3, 2, 17, 11), 9, 13, Interpolation.Bicubic, flip: true, mirrored);
        Assert.True(straight.ToImage().ToPlanar(flip: true).ToImage()
            .Pixels.Span.SequenceEqual(mirrored.ToImage().Pixels.Span));
    }

    [Fact]
    public void Blur_GrowingSigma_SmoothsMoreAndMore()
    {
        var image = Images.Random(40, 33, seed: 6);
        double last = double.MaxValue;
        foreach (double sigma in new[] { 0.1, 0.5, 1, 2, 8 })
        {
            byte[] blurred = image.With(i => new GaussianBlur().Apply(i, sigma)).Pixels.ToArray();
            double mean = blurred.Average(v => (double)v),
                deviation = Math.Sqrt(blurred.Average(v => (v - mean) * (v - mean)));
            Assert.True(deviation < last, $"σ {sigma}: {deviation} is not below {last}");
            last = deviation;
        }
    }

    [Fact]
    public void Blur_LargestSigma_DoesNotOverflow()
    {
        byte[] white = [.. Enumerable.Repeat((byte)255, 3 * 9 * 5)];
        Assert.Equal(white,
            new RgbImage(white, 9, 5).With(i => new GaussianBlur().Apply(i, GaussianBlur.MaxSigma)).Pixels.ToArray());
    }

    [Fact]
    public void Blur_BrightColumn_HasTheVarianceOfItsSigma()
    {
        const int size = 41;
        foreach (double sigma in new[] { 1.5, 2.5, 3.5 })
        {
            var pixels = new byte[3 * size * size];
            for (int y = 0; y < size; y++) pixels.AsSpan((y * size + size / 2) * 3, 3).Fill(255);
            var row = new RgbImage(pixels, size, size).With(i => new GaussianBlur().Apply(i, sigma)).Pixels.ToArray()
                .Chunk(3).Take(size).ToArray();
            double mass = row.Sum(p => p[1]),
                variance = row.Select((p, x) => p[1] * Math.Pow(x - size / 2, 2)).Sum() / mass;
            Assert.Equal(255, mass, 4.0);
            Assert.Equal(sigma, Math.Sqrt(variance), 0.15);
        }
    }

    [Fact]
    public void Render_NoAugmentation_GivesTheCentralSquareInEveryView()
    {
        var store = new ImageStore();
        var image = Images.Random(20, 26, seed: 5);
        store.Add(image.Pixels.Span, 20, 26);
        var recipe = ViewRecipes.NoAugmentation(20) with { Normalization = Normalization.None };
        using var scope = NewDisposeScope();
        var views = new ViewPipeline([recipe, recipe], 1, 1).Render(store, [0], 0);
        var bytes = image.Pixels.Span;
        var expected = new float[3 * 400];
        for (int i = 0; i < expected.Length; i++) expected[i] = bytes[(3 * 20 + i % 400) * 3 + i / 400] / 255f;
        foreach (var view in views) Assert.Equal(expected, Values(view), (a, b) => Math.Abs(a - b) < 1e-6);
    }

    [Fact]
    public void Construction_BadArguments_AreRefused()
    {
        Assert.Contains("one per view", Assert.Throws<ArgumentException>(() => new ViewPipeline([], 1, 1)).Message);
        Assert.Contains("threads is 0; allowed is at least 1",
            Assert.Throws<ArgumentOutOfRangeException>(() => new ViewPipeline(Recipes, 1, 0)).Message);
        Assert.Contains("Size is -1",
            Assert.Throws<ArgumentOutOfRangeException>(() => new ViewPipeline([new() { Size = -1 }], 1, 1)).Message);
    }

    [Fact]
    public void Render_BadIndices_AreRefused()
    {
        var pipeline = new ViewPipeline(Recipes, 1, 1);
        var store = Store(2);
        Assert.Contains("indices is 2; allowed is from 0 to 1",
            Assert.Throws<ArgumentOutOfRangeException>(() => pipeline.Render(store, [0, 2], 0)).Message);
        Assert.Contains("at least one", Assert.Throws<ArgumentException>(() => pipeline.Render(store, [], 0)).Message);
    }

    private static ImageStore Store(int count)
    {
        var store = new ImageStore();
        for (int i = 0; i < count; i++) store.Add(Images.Random(20 + i, 40 - i, seed: i).Pixels.Span, 20 + i, 40 - i);
        return store;
    }

    private static float[][] Render(ImageStore store, int[] indices, int threads = 2, ulong seed = 1, int epoch = 0)
    {
        using var scope = NewDisposeScope();
        return [.. new ViewPipeline(Recipes, seed, threads).Render(store, indices, epoch).Select(Values)];
    }

    private static float[] Values(Tensor tensor) => MemoryMarshal.Cast<byte, float>(tensor.bytes).ToArray();
}
