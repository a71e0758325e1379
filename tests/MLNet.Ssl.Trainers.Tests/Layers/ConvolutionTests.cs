using static TorchSharp.torch;
using static TorchSharp.torch.nn;

namespace MLNet.Ssl.Tests;

/// <summary>Convolutions in single precision against those in double precision, which take
/// another way through libtorch.</summary>
public sealed class ConvolutionTests(ITestOutputHelper output)
{
    private const double Tolerance = 1e-4;

    [Fact]
    public void ResultsAndGradientsAreRightForEveryShape()
    {
        var random = new Random(1);
        T Any<T>(params T[] values) => values[random.Next(values.Length)];
        var wrong = new List<string>();
        for (int i = 0; i < 400; i++)
        {
            long outputs = Any(random.Next(1, 81), random.Next(1, 81), random.Next(1, 81), 256, 1024);
            long inputs = Any(random.Next(1, 81), Any(3, 4, 20, 24, 28, 40, 72), Any(64, 128, 256, 512, 500));
            long kernel = Any(1, 3, 3, 7), stride = Any(1, 2), side = random.Next((int)kernel, inputs > 128 ? 10 : 18),
                batch = random.Next(1, 18);
            if (kernel == 7 && inputs > 80) inputs = 3;
            double error = Error(inputs, outputs, kernel, stride, side, side + random.Next(3), batch,
                hasBias: i % 2 == 0, seed: (ulong)i);
            if (!(error <= Tolerance)) wrong.Add(
                $"{inputs}→{outputs}, kernel {kernel}, stride {stride}, side {side}, batch {batch}: {error:g2}");
        }
        foreach (string shape in wrong) output.WriteLine(shape);
        Assert.Empty(wrong);
    }

    [Theory]
    [InlineData(192, 4)]
    [InlineData(24, 12)]
    [InlineData(384, 14)]
    [InlineData(384, 16)]
    public void APatchEmbeddingIsRight(long width, long patch) =>
        Assert.InRange(Error(3, width, patch, patch, 4 * patch + 1, 3 * patch, batch: 5, hasBias: true, seed: 1,
            padding: 0), 0, Tolerance);

    [Theory]
    // The default network for photos: its first strided shortcuts killed the process.
    [InlineData(512, 1024)]
    [InlineData(1024, 2048)]
    public void AStridedShortcutOfABottleneckNetworkTrains(long inputs, long outputs) =>
        Assert.InRange(Error(inputs, outputs, 1, 2, 8, 8, batch: 8, hasBias: false, seed: 1), 0, Tolerance);

    /// <summary>The largest error of the result and of the three gradients, relative to
    /// the largest value of each.</summary>
    private static double Error(long inputs, long outputs, long kernel, long stride, long height, long width,
        long batch, bool hasBias, ulong seed,
        long? padding = null)
    {
        using var scope = NewDisposeScope();
        using var generator = new Generator(seed);
        using var layer = new Conv2d(inputs, outputs, kernel, stride, generator, uniform: true, hasBias, padding);
        var x = randn([batch, inputs, height, width], generator: generator).requires_grad_();
        var y = layer.call(x);
        var direction = randn(y.shape, generator: generator);
        Tensor[] parameters = [x, .. layer.parameters()];
        var gradients = autograd.grad([(y * direction).sum()], parameters);

        var exact = parameters.Select(p => p.detach().to(float64).requires_grad_()).ToArray();
        var expected = functional.conv2d(exact[0], exact[1], hasBias ? exact[2]
            : null, [stride, stride], [padding ?? kernel / 2, padding ?? kernel / 2]);
        var expectedGradients = autograd.grad([(expected * direction.to(float64)).sum()], exact);
        return gradients.Zip(expectedGradients).Append((y, expected))
            .Max(pair => ((pair.Item1.to(float64) - pair.Item2).abs().max() / pair.Item2.abs().max().clamp_min(1e-3))
                .item<double>() is var e && double.IsNaN(e)
                ? double.PositiveInfinity : e);
    }
}
