using FsCheck.Xunit;
using TorchSharp;
using static TorchSharp.torch;

namespace MLNet.Ssl.Tests;

/// <summary>SimCLR v2's parts of a ResNet: selective kernels, the deep stem and pooled shortcuts.</summary>
public class SelectiveKernelTests
{
    private static readonly ResNetOptions Tiny =
        new() { Block = ResNetBlock.Bottleneck, BlocksPerStage = [1, 2], Width = 8, SelectiveKernels = true };

    [Property(MaxTest = 20)]
    public void ABlockIsItsFormula(byte batch, byte side, byte width, bool strided, bool projected, bool training,
        byte seed)
    {
        using var scope = NewDisposeScope();
        using var generator = new Generator(seed, CPU);
        long b = 2 + batch % 4, h = 1 + side % 7, w = 1 + side / 7 % 7, c = 1 + width % 6, stride = strided ? 2 : 1;
        long inputs = projected ? 5 : 4 * c, outputs = 4 * c;
        using var block = new ResidualBlock(Tiny, inputs, c, stride, generator);
        block.train(training);
        using var _ = no_grad();
        var p = block.state_dict();
        foreach (var (name, value) in p)
            if (value.ndim == 1) value.copy_(rand(value.shape, generator: generator).add(0.5));
        var x = randn([b, inputs, h, w], generator: generator);

        Tensor Norm(Tensor t, string name)
        {
            var mean = training ? t.mean([0, 2, 3]) : p[$"{name}.running_mean"];
            var variance = training ? t.sub(mean.view(1, -1, 1, 1)).square().mean([0, 2, 3]) : p[$"{name}.running_var"];
            Tensor Channels(Tensor v) => v.view(1, -1, 1, 1);
            return (t - Channels(mean)) / Channels(variance + 1e-5)
                .sqrt() * Channels(p[$"{name}.weight"]) + Channels(p[$"{name}.bias"]);
        }
        Tensor Conv(Tensor t, string name, long by = 1, long padding = 0) =>
            nn.functional.conv2d(t, p[$"{name}.weight"], null, [by, by], [padding, padding]);

        var y = Norm(Conv(x, "conv1"), "bn1").relu();
        y = Norm(Conv(y, "conv2", stride, 1), "bn2").relu();
        var (first, second) = (y.narrow(1, 0, c), y.narrow(1, c, c));
        var z = Norm(Conv((first + second).mean([2, 3], keepdim: true), "attn.fc_reduce"), "attn.bn").relu();
        var logits = Conv(z, "attn.fc_select");
        var (one, other) = (logits.narrow(1, 0, c).exp(), logits.narrow(1, c, c).exp());
        y = (one * first + other * second) / (one + other);
        y = Norm(Conv(y, "conv3"), "bn3");
        var shortcut = stride == 1 && inputs == outputs ? x
            : Norm(Conv(Pool(x, stride), "downsample.1"), "downsample.2");
        var expected = (y + shortcut).relu();

        var actual = block.call(x);
        Assert.Equal(new[] { b, outputs, (h + stride - 1) / stride, (w + stride - 1) / stride }, actual.shape);
        Assert.True(actual.allclose(expected, 1e-3, 1e-4), $"off by {(actual - expected).abs().max().ToSingle()}");
    }

    /// <summary>SimCLR v2's average pooling, pixel by pixel: the border counts as zeros at stride 2
    /// and not at all at stride 1.</summary>
    private static Tensor Pool(Tensor x, long stride)
    {
        long height = x.size(2), width = x.size(3);
        var rows = new List<Tensor>();
        for (long i = 0; i < height; i += stride)
        {
            var row = new List<Tensor>();
            for (long j = 0; j < width; j += stride)
            {
                var seen = new List<Tensor>();
                for (long u = i; u <= i + 1 && u < height; u++)
                    for (long v = j; v <= j + 1 && v < width; v++) seen.Add(x.select(2, u).select(2, v));
                row.Add(stack(seen).sum([0]).div(stride == 1 ? seen.Count : 4));
            }
            rows.Add(stack(row, 2));
        }
        return stack(rows, 2);
    }

    public static TheoryData<int, int, bool, int> Published => new()
    {
        { 50, 1, false, 24 }, { 50, 1, true, 35 }, { 50, 2, false, 94 }, { 50, 2, true, 140 },
        { 101, 1, false, 43 }, { 101, 1, true, 65 }, { 101, 2, false, 170 }, { 101, 2, true, 257 },
        { 152, 1, false, 58 }, { 152, 1, true, 89 }, { 152, 2, false, 233 }, { 152, 2, true, 354 },
        { 152, 3, true, 795 },
    };

    [Theory]
    [MemberData(nameof(Published))]
    public void NetworksHaveThePublishedMillionsOfParameters(int depth, int multiplier, bool selective, int millions)
    {
        var options = ResNetOptions.SimClrV2(depth, multiplier, selective);
        Assert.True(options.ZeroInitResidual);
        Assert.Equal(millions, (int)Math.Round(Count(options) / 1e6));
        Assert.Equal(2048 * multiplier, options.EmbeddingDimension);
    }

    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public void TheCountIsThatOfTheNetwork(bool selective)
    {
        using var scope = NewDisposeScope();
        var options = ResNetOptions.SimClrV2(selectiveKernels: selective) with { Width = 16 };
        using var network = options.Create(new Generator(1));
        Assert.Equal(Count(options), network.state_dict()
            .Where(e => !e.Key.EndsWith("tracked", StringComparison.Ordinal)).Sum(e => e.Value.numel()));
    }

    /// <summary>Weights of the convolutions and their batch norms, summed up from the papers; the published numbers
    /// include the running statistics.</summary>
    private static long Count(ResNetOptions o)
    {
        long w = o.Width;
        static long Conv(long from, long to, long kernel) => from * to * kernel * kernel + 4 * to;
        long sum = o.SelectiveKernels ? Conv(3, w / 2, 3) + Conv(w / 2, w / 2, 3) + Conv(w / 2, w, 3)
            : Conv(3, w, 7), inputs = w;
        foreach (int blocks in o.BlocksPerStage)
        {
            for (int i = 0; i < blocks; i++, inputs = 4 * w)
            {
                long middle = Math.Max(32, w / 16);
                sum += Conv(inputs, w, 1) + Conv(w, 4 * w, 1);
                sum += o.SelectiveKernels ? Conv(w, 2 * w, 3) + Conv(w, middle, 1) + middle * 2 * w : Conv(w, w, 3);
                if (i == 0) sum += Conv(inputs, 4 * w, 1);
            }
            w *= 2;
        }
        return sum;
    }

    [Fact]
    public void StateSurvivesARoundTripUnderItsDocumentedNames()
    {
        using var scope = NewDisposeScope();
        using var a = Tiny.Create(new Generator(1));
        using var b = Tiny.Create(new Generator(2));
        foreach (string name in new[]
        {
            "conv1.0.weight", "conv1.1.running_var", "conv1.3.weight", "conv1.4.bias", "conv1.6.weight", "bn1.weight",
            "layer1.0.conv2.weight",
            "layer1.0.bn2.running_mean", "layer1.0.attn.fc_reduce.weight", "layer1.0.attn.bn.weight",
            "layer1.0.attn.fc_select.weight",
            "layer2.0.downsample.1.weight", "layer2.0.downsample.2.weight", "layer2.1.conv3.weight",
        })
            Assert.Contains(name, a.state_dict().Keys);
        b.load_state_dict(a.state_dict());
        var x = rand([2, 3, 40, 40], generator: new Generator(3));
        a.eval();
        b.eval();
        Assert.True(a.call(x).allclose(b.call(x), 0, 0));
    }

    [Fact]
    public void GradientsReachEveryParameter()
    {
        using var scope = NewDisposeScope();
        using var network = Tiny.Create(new Generator(1));
        network.train();
        (network.call(rand([4, 3, 32, 32], generator: new Generator(2))) * randn([4, 64], generator: new Generator(3)))
            .sum().backward();
        Assert.All(network.named_parameters(), p => Assert.True(p.parameter.grad!.abs().max().ToSingle() > 0, p.name));
    }

    [Fact]
    public void BadOptionsAreNamed()
    {
        VisionTransformerTests.AssertRejected(Tiny with { Block = ResNetBlock.Basic }, "Block is Basic",
            "SelectiveKernels", "Bottleneck");
        VisionTransformerTests.AssertRejected(Tiny with { Width = 1 }, "Width is 1", "at least 2");
        Assert.Contains("depth is 18",
            Assert.Throws<ArgumentOutOfRangeException>(() => ResNetOptions.SimClrV2(18)).Message);
        Assert.Contains("widthMultiplier is 0",
            Assert.Throws<ArgumentOutOfRangeException>(() => ResNetOptions.SimClrV2(50, 0)).Message);
    }
}
