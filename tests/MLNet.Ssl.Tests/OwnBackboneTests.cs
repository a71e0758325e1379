using Microsoft.ML;
using Microsoft.ML.Data;
using TorchSharp.Modules;
using static TorchSharp.torch;

namespace MLNet.Ssl.Tests;

/// <summary>Options of a backbone that this library does not know: two convolutions, of public types alone.</summary>
public sealed record TwoConvolutionsOptions : BackboneOptions
{
    public int Width { get; init; } = 8;

    public double DropPath { get; init; }

    protected override int FeatureDimension => 2 * Width;

    public override int LayerCount => 2;

    public override double DefaultLayerDecay => 0.5;

    public override bool NormalizesBatches => false;

    public override int LayerOf(string parameter) => parameter.StartsWith("second", StringComparison.Ordinal) ? 2 : 1;

    public override BackboneOptions WithDropPath(double rate) => this with { DropPath = rate };

    protected override Backbone Build(Generator generator) => new TwoConvolutions(this, generator);

    public override void Validate() => ArgumentOutOfRangeException.ThrowIfLessThan(Width, 1);
}

/// <summary>The network itself.</summary>
public sealed class TwoConvolutions : Backbone, IOnnxLayer
{
    private readonly TwoConvolutionsOptions _options;
    private Parameter first;
    private Parameter second;

    public TwoConvolutions(TwoConvolutionsOptions options, Generator generator)
        : base(nameof(TwoConvolutions), options.EmbeddingDimension)
    {
        _options = options;
        first = new Parameter(empty(options.Width, 3, 3, 3).normal_(0, 0.2, generator));
        second = new Parameter(empty(2 * options.Width, options.Width, 3, 3).normal_(0, 0.2, generator));
        RegisterComponents();
    }

    public override BackboneOptions Options => _options;

    public override Tensor forward(Tensor x)
    {
        x = nn.functional.relu(nn.functional.conv2d(x, first, strides: [2, 2], padding: [1, 1]));
        return nn.functional.relu(nn.functional.conv2d(x, second, strides: [2, 2], padding: [1, 1])).mean([2, 3]);
    }

    public string Export(OnnxGraph graph, string x)
    {
        x = graph.Relu(graph.Conv(x, first, bias: null, stride: 2, padding: 1));
        // Any operator of ONNX has this form.
        x = graph.Node("Relu", [graph.Conv(x, second, bias: null, stride: 2, padding: 1)]);
        return graph.Node("ReduceMean", [x], ("axes", new long[] { 2, 3 }), ("keepdims", 0L));
    }
}

/// <summary>Options of one that does not say them.</summary>
public sealed record SilentOptions : BackboneOptions
{
    protected override int FeatureDimension => 3;

    public override void Validate()
    {
    }

    protected override Backbone Build(Generator generator) => new Silent();
}

/// <summary>One that cannot be exported.</summary>
public sealed class Silent() : Backbone(nameof(Silent), embeddingDimension: 3)
{
    public override Tensor forward(Tensor x) => x.mean([2, 3]);
}

/// <summary>A backbone written outside of the library takes part in everything by one registration.</summary>
public sealed class OwnBackboneTests
{
    private readonly MLContext _ml = new(seed: 1);

    public OwnBackboneTests() => Backbones.Register<TwoConvolutionsOptions>("test-two-convolutions");

    private static PretrainOptions Options =>
        TestImages.Untrained with { Backbone = new TwoConvolutionsOptions(), Epochs = 2, BatchSize = 8, Seed = 1 };

    private IDataView View => _ml.Transforms.Conversion.MapValueToKey("Label").Fit(_ml.View(TestImages.Rows(24)))
        .Transform(_ml.View(TestImages.Rows(24)));

    [Fact]
    public void ItIsPretrainedFineTunedSavedAndLoaded()
    {
        using var folder = new TemporaryFolder();
        var ssl = _ml.SelfSupervised();
        var view = View;
        using var encoder = ssl.Pretrain("Embedding", "Image", Options).Fit(view);
        using var classifier = ssl.FineTune("PredictedLabel", "Image", "Label", encoder,
            new() { Epochs = 2, BatchSize = 8, DropPathRate = 0.1 }).Fit(view);
        Assert.Equal(new TwoConvolutionsOptions(), classifier.Classifier.Backbone);

        ssl.Model.Save(encoder, view.Schema, folder.File("encoder.zip"));
        using var loaded = (EmbeddingTransformer)ssl.Model.Load(folder.File("encoder.zip"), out _);
        Assert.Equal(Column(encoder, "Embedding"), Column(loaded, "Embedding"));

        ssl.Model.Save(classifier, view.Schema, folder.File("classifier.zip"));
        using var predictor = (ImageClassificationTransformer)ssl.Model.Load(folder.File("classifier.zip"), out _);
        Assert.Equal(Column(classifier, "Score"), Column(predictor, "Score"));

        float[][] Column(ITransformer model, string name) => [.. model.Transform(view).GetColumn<float[]>(name)];
    }

    [Fact]
    public void AFileOfItsWeightsTellsWhatItIs()
    {
        using var folder = new TemporaryFolder();
        var ssl = _ml.SelfSupervised();
        using var encoder = ssl.Pretrain("Embedding", "Image", Options).Fit(View);
        encoder.SaveSafeTensors(folder.File("own.safetensors"));
        using var loaded = ssl.LoadPretrained("Embedding", "Image", folder.File("own.safetensors")).Fit(View);
        Assert.Equal(
            encoder.Transform(View).GetColumn<float[]>("Embedding"),
            loaded.Transform(View).GetColumn<float[]>("Embedding"));
    }

    [Fact]
    public void ItIsExportedAsItSaysItself()
    {
        using var folder = new TemporaryFolder();
        using var scope = NewDisposeScope();
        using var generator = new Generator(1, CPU);
        using var encoder =
            new ImageEncoder(new TwoConvolutionsOptions().Create(generator), ImagePreprocessing.For(16));
        encoder.ExportOnnx(folder.File("own.onnx"));
        using var run = new OnnxRun(folder.File("own.onnx"));
        var image = new RgbImage(TestImages.Rgb(1), 16, 16);
        var expected = new float[16];
        encoder.Embed([image], expected);
        float[] planes = new float[3 * 16 * 16];
        for (int i = 0; i < planes.Length; i++) planes[i % 3 * 256 + i / 3] = image.Pixels.Span[i];
        float[] exported = run.Run(planes, 1, 3, 16, 16);
        for (int i = 0; i < expected.Length; i++) Assert.Equal(expected[i], exported[i], 1e-5f);
        Assert.Contains(expected, value => value > 0.01f);
    }

    [Fact]
    public void OneThatDoesNotSayHowIsRefusedWithAdvice()
    {
        using var folder = new TemporaryFolder();
        using var encoder = new ImageEncoder(new Silent(), ImagePreprocessing.For(16));
        var error = Assert.Throws<NotSupportedException>(() => encoder.ExportOnnx(folder.File("silent.onnx")));
        Assert.Contains("Silent cannot be exported to ONNX: it does not implement IOnnxLayer", error.Message);
        Assert.False(File.Exists(folder.File("silent.onnx")));

        var ssl = _ml.SelfSupervised();
        var view = View;
        using var fitted =
            ssl.Pretrain("Embedding", "Image", TestImages.Untrained with { Backbone = new SilentOptions() }).Fit(view);
        error = Assert.Throws<NotSupportedException>(
            () => ssl.Model.Save(fitted, view.Schema, folder.File("silent.mlssl")));
        Assert.Contains("Silent cannot be saved, as its Options are null: override them", error.Message);
        error = Assert.Throws<NotSupportedException>(
            () => ssl.FineTune("PredictedLabel", "Image", "Label", fitted, new() { Epochs = 1 }).Fit(view));
        Assert.Contains("its Options are null", error.Message);
    }

    [Fact]
    public void AKindIsOneTypesAndATypeHasOneKind()
    {
        Assert.Throws<ArgumentException>(() => Backbones.Register<TwoConvolutionsOptions>("another name"));
        Assert.Throws<ArgumentException>(() => Backbones.Register<VisionTransformerOptions>("test-two-convolutions"));
        Assert.Throws<ArgumentException>(() => Backbones.Register<TwoConvolutionsOptions>(" "));
        Backbones.Register<TwoConvolutionsOptions>("test-two-convolutions");
    }

    [Fact]
    public void AnArchitectureSaysInAFewWordsWhatItIs()
    {
        Assert.Equal("ResNet-18, small stem, 512 features", ResNetOptions.ResNet18(ResNetStem.Small).Describe());
        Assert.Equal("ResNet-50, width 32, 1024 features", ResNetOptions.ResNet50(width: 32).Describe());
        Assert.Equal("ViT-S/16, 384 features", VisionTransformerOptions.Small().Describe());
        Assert.Equal("ViT/4 of 6 blocks, 3 heads, 192 features",
            new VisionTransformerOptions { PatchSize = 4, EmbeddingDimension = 192, Depth = 6, Heads = 3 }.Describe());
        Assert.Equal("TwoConvolutions, 16 features", new TwoConvolutionsOptions().Describe());
    }
}
