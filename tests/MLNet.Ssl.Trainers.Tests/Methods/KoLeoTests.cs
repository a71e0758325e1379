using static TorchSharp.torch;

namespace MLNet.Ssl.Tests;

public class KoLeoTests
{
    private static readonly DinoOptions Tiny = new()
    {
        Backbone = new VisionTransformerOptions
        {
            ImageSize = 24,
            PatchSize = 6,
            EmbeddingDimension = 24,
            Depth = 2,
            Heads = 2
        },
        DropPathRate = 0,
        ImageSize = 24,
        LocalCrops = 2,
        LocalSize = 12,
        OutputDimension = 64,
        HeadHiddenDimension = 32,
        HeadBottleneckDimension = 16,
        BatchSize = 8,
        Epochs = 10,
        Optimizer = OptimizerKind.AdamW,
        LearningRate = 0.001,
        Seed = 1,
        Threads = 2,
    };

    [Theory]
    [InlineData(2, 3)]
    [InlineData(7, 5)]
    [InlineData(32, 24)]
    public void TheLossAndItsGradientAreThoseOfANaiveLoop(int rows, int width)
    {
        using var scope = NewDisposeScope();
        using var generator = new Generator(5, CPU);
        var features = randn([rows, width], generator: generator).mul_(3f).requires_grad_();
        var loss = KoLeo.Loss(features);
        loss.backward();
        double[] x = [.. features.detach().data<float>().Select(v => (double)v)];
        Assert.Equal(Naive(x, rows, width), loss.item<float>(), 1e-5);
        float[] gradient = [.. features.grad!.data<float>()];
        const double Step = 1e-5;
        for (int i = 0; i < x.Length; i++)
        {
            double[] up = [.. x], down = [.. x];
            up[i] += Step;
            down[i] -= Step;
            Assert.Equal((Naive(up, rows, width) - Naive(down, rows, width)) / (2 * Step), gradient[i], 2e-4);
        }
    }

    // As DINOv2's code has it, in double precision.
    private static double Naive(double[] x, int rows, int width)
    {
        var z = new double[rows][];
        for (int i = 0; i < rows; i++)
        {
            double norm = 0;
            for (int k = 0; k < width; k++) norm += x[i * width + k] * x[i * width + k];
            z[i] = [.. Enumerable.Range(0, width).Select(k => x[i * width + k] / Math.Max(Math.Sqrt(norm), 1e-8))];
        }
        double sum = 0;
        for (int i = 0; i < rows; i++)
        {
            int nearest = -1;
            double most = double.NegativeInfinity;
            for (int j = 0; j < rows; j++)
            {
                double dot = Enumerable.Range(0, width).Sum(k => z[i][k] * z[j][k]);
                if (j != i && dot > most) (nearest, most) = (j, dot);
            }
            double distance =
                Math.Sqrt(Enumerable.Range(0, width).Sum(k => Math.Pow(z[i][k] - z[nearest][k] + 1e-8, 2)));
            sum -= Math.Log(distance + 1e-8);
        }
        return sum / rows;
    }

    [Fact]
    public void EqualRowsAndHalfPrecisionGiveFiniteNumbers()
    {
        using var scope = NewDisposeScope();
        var loss = KoLeo.Loss(ones(4, 8));
        Assert.InRange(loss.item<float>(), 10, 20);
        var half = ones(4, 8, dtype: ScalarType.BFloat16);
        Assert.Equal(ScalarType.Float32, KoLeo.Loss(half).dtype);
    }

    [Fact]
    public void DinoAddsItForEachGlobalCropOfTheStudent()
    {
        using var scope = NewDisposeScope();
        using var random = new Generator(3, CPU);
        Tensor[] views = [.. new[] { 24, 24, 12, 12 }.Select(size => randn([8, 3, size, size], generator: random))];
        using var plain = Made(Tiny);
        using var spread = Made(Tiny with { KoLeoWeight = 0.1 });
        Assert.True(plain.SamplesAreIndependent);
        Assert.False(spread.SamplesAreIndependent);
        var clock = new StepClock(0, 10, 10);
        double Loss(Dino method) => method.Forward(views, clock, 0).Loss.item<float>();
        double terms = views.Take(2).Sum(view => KoLeo.Loss(plain.Student.Backbone.call(view)).item<float>());
        Assert.Equal(Loss(plain) + 0.1 * terms, Loss(spread), 1e-5);
        Assert.InRange(Math.Abs(terms), 0.01, 100);

        static Dino Made(DinoOptions options)
        {
            using var generator = new Generator(1, CPU);
            return (Dino)options.CreateMethod(generator, CPU, 1);
        }
    }

    [Fact]
    public void ItSpreadsWhatIsLearned()
    {
        var images = Patterns.Draw(64, 1).Images;
        double Nearest(double weight, int seed)
        {
            using var scope = NewDisposeScope();
            using var encoder = Pretrainer.Fit(images, Tiny with
            {
                KoLeoWeight = weight,
                BatchSize = 16,
                Epochs = 40,
                Seed = seed,
            });
            var features = new float[64 * 24];
            encoder.Embed([.. Enumerable.Range(0, 64).Select(i => images[i])], features);
            return KoLeo.Loss(tensor(features).view(64, 24)).item<float>();
        }
        SomeSeed.Reaches(0.1, Tiny.Seed!.Value, seed => Nearest(0, seed) - Nearest(1, seed));
    }

    [Fact]
    public void ANegativeWeightIsRefused() =>
        Assert.Contains("KoLeoWeight is -1",
            Assert.ThrowsAny<ArgumentException>(() =>
                Pretrainer.Fit(Patterns.Draw(16, 1).Images, Tiny with { KoLeoWeight = -1 })).Message);
}
