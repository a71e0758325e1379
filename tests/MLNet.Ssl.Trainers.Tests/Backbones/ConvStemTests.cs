using TorchSharp;
using static TorchSharp.torch;

namespace MLNet.Ssl.Tests;

/// <summary>MoCo v3's transformers with a convolutional stem.</summary>
public class ConvStemTests
{
    private static readonly VisionTransformerOptions Tiny =
        VisionTransformerOptions.MoCoV3ConvSmall() with
        {
            ImageSize = 48,
            EmbeddingDimension = 24,
            Heads = 3,
            Depth = 2
        };

    // Counted by hand: four convolutions with batch norms, the 1×1 one, the blocks, the class
    // token, the positions and the last norm.
    [Theory]
    [InlineData(false, 384, 1_021_488 + 11 * 1_774_464 + 384 + 197 * 384 + 2 * 384)]
    [InlineData(true, 768, 4_079_712 + 11 * 7_087_872 + 768 + 197 * 768 + 2 * 768)]
    public void PresetsHaveTheNumberOfParametersOfTheOfficialNetworks(bool large, int width, long parameters)
    {
        using var scope = NewDisposeScope();
        var options = large ? VisionTransformerOptions.MoCoV3ConvBase() : VisionTransformerOptions.MoCoV3ConvSmall();
        using var network = options.Create(new Generator(1));
        Assert.Equal((width, 12, 11), (options.EmbeddingDimension, options.Heads, options.Depth));
        Assert.Equal(parameters, network.parameters().Sum(p => p.numel()));
    }

    [Fact]
    public void TheStemIsItsFormulaUnderTheOfficialNames()
    {
        using var scope = NewDisposeScope();
        using var network = new VisionTransformer(Tiny, new Generator(1));
        network.eval();
        var p = network.state_dict();
        string[] norm = ["weight", "bias", "running_mean", "running_var", "num_batches_tracked"];
        string[] official = [.. new[] { 0, 3, 6, 9 }.SelectMany(i =>
            norm.Select(n => $"{i + 1}.{n}").Prepend($"{i}.weight")), "12.weight", "12.bias"];
        var ofStem = p.Where(e => e.Key.StartsWith("patch_embed.", StringComparison.Ordinal))
            .ToDictionary(e => e.Key["patch_embed.".Length..], e => e.Value);
        Assert.Equal(official.Select(n => "proj." + n).Order(), ofStem.Keys.Order());
        foreach (var (name, value) in p)
            if (name.Contains("running", StringComparison.Ordinal))
                value.copy_(rand(value.shape, generator: new Generator(7)).add(0.5));

        using var _ = no_grad();
        using var stem = new ConvStem(24, new Generator(2));
        stem.eval();
        stem.load_state_dict(ofStem);
        var x = randn([2, 3, 37, 50], generator: new Generator(3));
        var y = x.narrow(2, 0, 32).narrow(3, 0, 48);
        for (int i = 0; i < 12; i += 3)
        {
            Tensor Channels(string name) => p[$"patch_embed.proj.{i + 1}.{name}"].view(1, -1, 1, 1);
            y = nn.functional.conv2d(y, p[$"patch_embed.proj.{i}.weight"], null, [2, 2], [1, 1]);
            y = ((y - Channels("running_mean")) / (Channels("running_var") + 1e-5)
                .sqrt() * Channels("weight") + Channels("bias")).relu();
        }
        // A 1×1 convolution is a product at every pixel.
        y = y.permute(0, 2, 3, 1).reshape(2, 6, 24)
            .matmul(p["patch_embed.proj.12.weight"].view(24, 24).t()) + p["patch_embed.proj.12.bias"];
        Assert.True(stem.call(x).allclose(y, 1e-4, 1e-5));
        Assert.Equal([2, 24], network.call(x).shape);
    }

    [Fact]
    public void TheStemKeepsPyTorchsInitialWeightsAndTheRestHasMoCosV3()
    {
        using var scope = NewDisposeScope();
        using var network = VisionTransformerOptions.MoCoV3ConvSmall().Create(new Generator(1));
        void Uniform(string name, double bound) =>
            Assert.InRange(network.get_parameter(name)!.abs().max().item<float>(), 0.98 * bound, bound);
        Uniform("patch_embed.proj.3.weight", 1 / Math.Sqrt(48 * 9));
        Uniform("patch_embed.proj.12.weight", 1 / Math.Sqrt(384));
        Uniform("patch_embed.proj.12.bias", 1 / Math.Sqrt(384));
        Uniform("blocks.0.attn.qkv.weight", Math.Sqrt(6.0 / (384 + 384)));
        Assert.False(network.get_parameter("pos_embed")!.requires_grad);
    }

    [Fact]
    public void FreezingThePatchEmbeddingLeavesTheStemFree()
    {
        using var scope = NewDisposeScope();
        using var generator = new Generator(1, CPU);
        var options = new MoCoV3Options
        {
            Backbone = Tiny,
            ImageSize = 48,
            BatchSize = 4,
            HeadHiddenDimension = 16
        }.Resolve(new DataFacts(64, 48, 2), []);
        using var method = (MoCoV3)options.CreateMethod(generator, CPU, 1);
        var views = new[] { randn([4, 3, 48, 48], generator: generator), randn([4, 3, 48, 48], generator: generator) };
        method.Forward(views, new StepClock(0, 4, 2), 0).Loss.backward();
        foreach (var (name, parameter) in method.Pair.Online.named_parameters())
        {
            if (name.EndsWith("pos_embed", StringComparison.Ordinal)) continue;
            Assert.True(parameter.grad!.isfinite().all().item<bool>()
                && (parameter.grad!.abs().max().ToSingle() > 0 || IsWithoutEffect(name)), name);
        }

        // What is added before a batch norm, or to all keys, changes nothing.
        static bool IsWithoutEffect(string name) => name.EndsWith("qkv.bias", StringComparison.Ordinal);
    }

    [Fact]
    public void SamplesAreNoLongerIndependentForDino()
    {
        using var generator = new Generator(1, CPU);
        var options = new DinoOptions
        {
            Centering = DinoCentering.Mean,
            ImageSize = 48,
            LocalSize = 16,
            OutputDimension = 16,
            HeadHiddenDimension = 16,
            BatchSize = 4
        };
        foreach (var (backbone, independent) in new[] { (Tiny, false),
            (Tiny with { ConvolutionalStem = false }, true) })
        {
            var resolved = (options with { Backbone = backbone }).Resolve(new DataFacts(64, 48, 2), []);
            using var method = resolved.CreateMethod(generator, CPU, 1);
            Assert.Equal(independent, method.SamplesAreIndependent);
        }
        // MoCo keeps batch statistics of parts of a batch apart, where there are any.
        int? Groups(VisionTransformerOptions vit) =>
            ((MoCoOptions)new MoCoOptions { Backbone = vit }.Resolve(new DataFacts(5000, 224, 2), [])).BatchNormGroups;
        Assert.Equal((8, 1), (Groups(Tiny), Groups(Tiny with { ConvolutionalStem = false })));
    }

    [Fact]
    public void StateSurvivesARoundTrip()
    {
        using var scope = NewDisposeScope();
        using var a = Tiny.Create(new Generator(1));
        using var b = Tiny.Create(new Generator(2));
        b.load_state_dict(a.state_dict());
        a.eval();
        b.eval();
        var x = rand([2, 3, 64, 64], generator: new Generator(3));
        Assert.True(a.call(x).allclose(b.call(x), 0, 0));
    }

    [Fact]
    public void BadOptionsAreNamed()
    {
        VisionTransformerTests.AssertRejected(Tiny with { PatchSize = 8 }, "PatchSize is 8", "ConvolutionalStem",
            "must be 16");
        VisionTransformerTests.AssertRejected(Tiny with { EmbeddingDimension = 12 }, "EmbeddingDimension is 12",
            "multiple of 8");
    }
}
