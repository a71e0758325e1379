using TorchSharp;
using static TorchSharp.torch;

namespace MLNet.Ssl.Tests;

/// <summary>Training in bfloat16, which a processor computes as a GPU does: the same losses but for rounding, on
/// masters in single precision.</summary>
public sealed class BFloat16Tests : IDisposable
{
    private readonly string _folder = Directory.CreateTempSubdirectory("bf16-").FullName;

    public static TheoryData<string> Methods => [.. SmallRuns.All.Keys];

    public void Dispose() => Directory.Delete(_folder, true);

    [Theory]
    [MemberData(nameof(Methods))]
    public void TenLossesAreThoseOfSinglePrecision(string name)
    {
        // At high rates small networks are chaotic in any precision.
        var options = SmallRuns.Of(name) with { LearningRate = 1e-3 };
        var (single, _) = FirstSteps.Of(options with { Precision = Precision.Float32 }, 10);
        var (half, _) = FirstSteps.Of(options with { Precision = Precision.BFloat16 }, 10);
        Assert.NotEqual(single, half);
        Assert.All(single.Zip(half), pair =>
            Assert.Equal(pair.First, pair.Second, tolerance: 0.05 * Math.Max(1, Math.Abs(pair.First))));
    }

    public static TheoryData<string> Networks => ["ViT", "ResNet"];

    [Theory]
    [MemberData(nameof(Networks))]
    public void GradientsPointWhereThoseOfSinglePrecisionDo(string network)
    {
        // Of a real width: where few products are summed, rounding shows.
        PretrainOptions options = network == "ViT"
            ? new DinoOptions
            {
                Backbone = Vit with { EmbeddingDimension = 96 },
                LocalCrops = 2,
                LocalSize = 12,
                OutputDimension = 64
            }
            : new SimClrOptions
            {
                Backbone =
                new ResNetOptions { BlocksPerStage = [1, 1], Width = 32, Stem = ResNetStem.Small }
            };
        options = options with { Epochs = 3, Seed = 5, Threads = 1 };
        var (_, single) = FirstSteps.Of(options with { Precision = Precision.Float32 }, 1);
        var (_, half) = FirstSteps.Of(options with { Precision = Precision.BFloat16 }, 1);
        double most = single.Values.Max(Norm);
        foreach (var (parameter, gradient) in single)
        {
            // Where the gradient is zero but for rounding, its direction is noise: a bias before a normalisation.
            if (Norm(gradient) < 1e-3 * most) continue;
            double cosine = gradient.Zip(half[parameter], (a, b) => (double)a * b)
                .Sum() / (Norm(gradient) * Norm(half[parameter]));
            Assert.True(cosine > 0.99, $"{parameter}: {cosine}");
        }
    }

    [Fact]
    public void AnAverageMovesInSinglePrecision()
    {
        using var scope = NewDisposeScope();
        using var generator = new Generator(1, CPU);
        using var source = Vit.Create(generator);
        using var target = Vit.Create(generator);
        using var from = new FlatParameters(source, precision: Precision.BFloat16);
        using var to = new FlatParameters(target, from);
        using (no_grad())
        {
            foreach (var group in to.Groups) group.Values.fill_(1);
            foreach (var group in from.Groups) group.Values.fill_(2);
        }
        for (int i = 0; i < 1000; i++) to.MoveTowards(from, 0.996);
        // In bfloat16 it would stop at 1.008.
        Assert.Equal(2 - Math.Pow(0.996, 1000), to.Groups[0].Values.mean().ToSingle(), tolerance: 1e-4);
        Assert.All(target.parameters(), p => Assert.Equal(1.984375f, p.to(ScalarType.Float32).mean().ToSingle()));
    }

    [Fact]
    public void NormsOfBatchesAndPrototypesStayInSinglePrecision()
    {
        using var scope = NewDisposeScope();
        using var generator = new Generator(1, CPU);
        using var network = new EncoderWithHead(
            (Vit with { PatchSize = 16, ConvolutionalStem = true, ImageSize = 32 }).Create(generator),
            new DinoHead(new(24)
            {
                OutputDimension = 32,
                HiddenDimension = 16,
                BottleneckDimension = 8,
                BatchNorm = true
            }, generator));
        using var flat = new FlatParameters(network, precision: Precision.BFloat16);
        foreach (var (name, parameter) in network.named_parameters())
        {
            bool keeps = name.Contains("last_layer") || name.Contains("proj.1.") || name.Contains("proj.4.")
                || name.Contains("proj.7.")
                || name.Contains("proj.10.") || name.Contains("head.mlp.1.") || name.Contains("head.mlp.4.");
            Assert.Equal((name, keeps ? ScalarType.Float32 : ScalarType.BFloat16), (name, parameter.dtype));
        }
        Assert.All(network.named_buffers(), b => Assert.NotEqual(ScalarType.BFloat16, b.buffer.dtype));
        Assert.All(network.Weights(), entry => Assert.NotEqual(ScalarType.BFloat16, entry.Value.dtype));
        var (features, output) = network.Pass(randn([4, 3, 32, 32], generator: generator).to(ScalarType.BFloat16));
        Assert.Equal((ScalarType.Float32, ScalarType.Float32), (features.dtype, output.dtype));
    }

    [Theory]
    [InlineData("DINO, SDMP")]
    [InlineData("MoCo v2, i-Mix")]
    [InlineData("table: BYOL")]
    public void ACheckpointHoldsMastersAndResumesToTheBit(string name)
    {
        var options = SmallRuns.Of(name) with { Precision = Precision.BFloat16 };
        string whole = Path.Combine(_folder, "whole"), cut = Path.Combine(_folder, "cut");
        var expected = SmallRuns.Train(options.In(whole));
        Directory.CreateDirectory(cut);
        File.Copy(SmallRuns.File(whole, 5), SmallRuns.File(cut, 5));
        SmallRuns.AssertSame(expected, SmallRuns.Train(options.In(cut, resume: true)));
        SmallRuns.AssertSame(SmallRuns.State(SmallRuns.File(whole, SmallRuns.Steps)),
            SmallRuns.State(SmallRuns.File(cut, SmallRuns.Steps)));
        using var scope = NewDisposeScope();
        var state = SafeTensors.Read(SmallRuns.File(whole, SmallRuns.Steps));
        Assert.All(state, entry => Assert.NotEqual(ScalarType.BFloat16, entry.Value.dtype));
        // Masters have what bfloat16 has not.
        Assert.Contains(state.Values, value => value.dtype == ScalarType.Float32
            && !value.to(ScalarType.BFloat16).to(ScalarType.Float32).allclose(value, rtol: 1e-6, atol: 0));
    }

    [Fact]
    public void AnEncoderEmbedsInBFloat16AndSavesSinglePrecision()
    {
        using var scope = NewDisposeScope();
        using var generator = new Generator(1, CPU);
        var images = Patterns.Draw(20, 1).Images;
        var preprocessing = ImagePreprocessing.For(24);
        using var single = new ImageEncoder(Vit.Create(generator), preprocessing) { Precision = Precision.Float32 };
        using var copy = Vit.Create(generator);
        copy.load_state_dict(single.Backbone.state_dict());
        using var half = new ImageEncoder(copy, preprocessing) { Precision = Precision.BFloat16 };
        var (expected, actual) = (single.Embed(images), half.Embed(images));
        var cosines = nn.functional.cosine_similarity(expected, actual);
        Assert.InRange(cosines.min().ToSingle(), 0.999f, 0.9999999f);
        string path = Path.Combine(_folder, "encoder.safetensors");
        half.SaveSafeTensors(path);
        Assert.All(SafeTensors.Read(path), entry => Assert.Equal(ScalarType.Float32, entry.Value.dtype));
        using var other = Vit.Create(generator);
        half.Load(other.state_dict());
        Assert.True(half.Embed(images).allclose(actual) is false);
    }

    [Theory]
    [InlineData(NumberEmbedding.PiecewiseLinear)]
    [InlineData(NumberEmbedding.Periodic)]
    public void RowsThatDifferByLessThanBFloat16HasAreToldApart(NumberEmbedding embedding)
    {
        using var generator = new Generator(1, CPU);
        var options = SmallRuns.Mlp with { NumberEmbedding = embedding, NumericSlots = [0, 1, 2], NumberBins = 64 };
        using var encoder = new TableEncoder(options.WithColumns(3).Create(generator), TablePreprocessing.None(3))
        {
            Precision = Precision.BFloat16,
        };
        int width = encoder.EmbeddingDimension;
        var embeddings = new float[2 * width];
        encoder.Embed([[1, 1, 1], [1.003f, 1.003f, 1.003f]], embeddings);
        Assert.NotEqual(embeddings[..width], embeddings[width..]);
    }

    [Fact]
    public void AFineTunedNetworkIsKeptInSinglePrecisionAndClassifiesInBFloat16()
    {
        using var scope = NewDisposeScope();
        using var generator = new Generator(1, CPU);
        var (images, labels) = Patterns.Draw(64, 1);
        using var encoder = new ImageEncoder(Vit.Create(generator), ImagePreprocessing.For(24));
        var options = new FineTuneOptions
        {
            Epochs = 60,
            BatchSize = 16,
            Seed = 1,
            LearningRate = 0.02,
            MinCropScale = 1,
            Precision = Precision.BFloat16
        };
        int[] classes = [.. labels.Select(label => (int)label)];
        using var classifier = FineTuner.Fit(images, classes, classes.Max() + 1, encoder, options);
        Assert.All(classifier.Network.parameters(), p => Assert.Equal(ScalarType.Float32, p.dtype));
        var logits = new float[images.Count * classifier.NumberOfClasses];
        RgbImage[] all = [.. Enumerable.Range(0, images.Count).Select(i => images[i])];
        classifier.Logits(all, logits);
        using (no_grad())
        {
            var single = classifier.Network.call(classifier.Preprocessing.Batch(all));
            double error = (tensor(logits).view(single.shape) - single).norm().ToSingle() / single.norm().ToSingle();
            Assert.InRange(error, 1e-5, 0.05);
        }
        int right = Enumerable.Range(0, images.Count).Count(i =>
        {
            var row = logits.AsSpan(i * classifier.NumberOfClasses, classifier.NumberOfClasses);
            return row[classes[i]] == System.Numerics.Tensors.TensorPrimitives.Max<float>(row);
        });
        Assert.True(right >= 0.8 * images.Count, $"{right} of {images.Count}");
    }

    [Fact]
    public void AMethodThatDoesNotKnowItIsRefused()
    {
        var context = new PlanContext(new DinoOptions { Precision = Precision.BFloat16 }, new(64, 24, 1), new());
        Assert.Contains("Precision is BFloat16",
            Assert.Throws<ArgumentException>(() => context.Resolve(new())).Message);
        Assert.Equal(Precision.Float32, new DinoOptions().For(new(64, 24, 1)).Settings.Precision);
        var choices = new Choices { HasBFloat16 = true };
        Assert.Equal(Precision.BFloat16, choices.Precision(new DinoOptions(), possible: true));
        Assert.Equal("Precision = BFloat16: this GPU has it", choices.Made.Single().ToString());
        Assert.Equal(Precision.Float32, choices.Precision(new DinoOptions(), possible: false));
    }

    private static VisionTransformerOptions Vit { get; } =
        new() { ImageSize = 24, PatchSize = 12, EmbeddingDimension = 24, Depth = 2, Heads = 2 };

    private static double Norm(float[] values) => Math.Sqrt(values.Sum(v => (double)v * v));
}
