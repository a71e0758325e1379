using static TorchSharp.torch;

namespace MLNet.Ssl.Tests;

/// <summary>Names and forms of other libraries for which there is no file with answers.</summary>
public sealed class ForeignNamesTests : IDisposable
{
    private static readonly ConvNeXtOptions Convolutions =
        new() { Depths = [2, 1, 3], Widths = [16, 20, 32], LayerScale = 0.3 };

    private static readonly ResNetOptions Residual = new() { BlocksPerStage = [1, 1, 1, 1], Width = 8 };

    private static readonly VisionTransformerOptions Rotary = VisionTransformerOptions.DinoV3Small() with
    {
        EmbeddingDimension = 64,
        Heads = 2,
        Depth = 2,
        PatchSize = 8,
        SwiGlu = true,
        ImageSize = 32,
        LayerScale = 0.4,
    };

    private readonly TemporaryFolder _folder = new();

    public void Dispose() => _folder.Dispose();

    private static Backbone Network(BackboneOptions options, ulong seed = 1)
    {
        using var generator = new Generator(seed, CPU);
        var network = options.Create(generator);
        OnnxNetworks.Randomize(network);
        network.eval();
        return network;
    }

    private string Saved(Backbone network, Func<string, string> name, string file = "a.safetensors")
    {
        SafeTensors.Write(_folder.File(file),
            network.state_dict().Select(s => KeyValuePair.Create(name(s.Key), s.Value)));
        return _folder.File(file);
    }

    private static void AssertSame(Backbone expected, PretrainedWeights weights)
    {
        using var actual = weights.CreateBackbone();
        actual.eval();
        using var mode = no_grad();
        var x = randn(2, 3, 48, 32);
        Assert.True(expected.call(x).Equals(actual.call(x)));
    }

    [Fact]
    public void ALayoutIsTheNetworksStateDict()
    {
        using var scope = NewDisposeScope();
        BackboneOptions[] all =
        [
            Convolutions, Rotary, Rotary with { SwiGlu = false, RotaryPositions = false, Registers = 0 },
            VisionTransformerOptions.DinoV2Small(registers: true) with { Depth = 1 },
            VisionTransformerOptions.DinoV2Giant() with { Depth = 1 },
        ];
        foreach (var options in all)
        {
            using var network = options.Create(new Generator(1));
            NetworkLayout layout = options is ConvNeXtOptions ? new ConvNeXtLayout() : new VisionTransformerLayout();
            Assert.Equal(network.state_dict().Select(s => $"{s.Key} [{string.Join(",", s.Value.shape)}]")
                .Order(StringComparer.Ordinal),
                layout.Shapes(options).Select(s => $"{s.Name} [{string.Join(",", s.Shape)}]")
                    .Order(StringComparer.Ordinal));
            Assert.InRange(options.LeastSize.Weights, 0.8 * network.parameters().Sum(p => p.numel()),
                network.parameters().Sum(p => p.numel()));
            Assert.InRange(options.LeastSize.Tensors, 1, network.state_dict().Count);
        }
    }

    [Theory]
    [InlineData(ResNetBlock.Basic, "")]
    [InlineData(ResNetBlock.Basic, "resnet.")]
    [InlineData(ResNetBlock.Bottleneck, "resnet.")]
    public void AResNetLoadsUnderHuggingFacesNames(ResNetBlock block, string prefix)
    {
        using var scope = NewDisposeScope();
        var options = Residual with { Block = block, BlocksPerStage = [2, 1, 1, 2] };
        using var network = Network(options);
        var state = network.state_dict().Select(s => KeyValuePair.Create(prefix + OfTransformers(s.Key), s.Value))
            .Append(KeyValuePair.Create("classifier.1.weight", randn(5, network.EmbeddingDimension)));
        SafeTensors.Write(_folder.File("a.safetensors"), state);
        using var weights = PretrainedWeights.Open(_folder.File("a.safetensors"));
        Assert.Equal(block, ((ResNetOptions)weights.Backbone).Block);
        Assert.Equal(["classifier.1.weight"], weights.Report.Ignored);
        AssertSame(network, weights);

        static string OfTransformers(string name)
        {
            string Part(string convolution) => convolution is "conv" ? "convolution" : "normalization";
            return name.Split('.') switch
            {
                ["conv1", var leaf] => $"embedder.embedder.convolution.{leaf}",
                ["bn1", var leaf] => $"embedder.embedder.normalization.{leaf}",
                [var stage, var i, "downsample", var part, var leaf] =>
                    $"encoder.stages.{stage[^1] - '1'}.layers.{i}.shortcut.{(part == "0" ? "convolution" : "normalization")}.{leaf}",
                [var stage, var i, var layer, var leaf] =>
                    $"encoder.stages.{stage[^1] - '1'}.layers.{i}.layer.{layer[^1] - '1'}.{Part(layer[..^1])}.{leaf}",
                _ => throw new InvalidOperationException(name),
            };
        }
    }

    [Theory]
    [InlineData("official")]
    [InlineData("timm")]
    [InlineData("Hugging Face")]
    [InlineData("Hugging Face, model.")]
    public void AConvNeXtLoadsUnderThreeLibrariesNames(string library)
    {
        using var scope = NewDisposeScope();
        using var network = Network(Convolutions);
        using var weights = PretrainedWeights.Open(Saved(network, name => Renamed(name.Split('.'), library)));
        Assert.Equal(Convolutions.Describe(), weights.Backbone.Describe());
        AssertSame(network, weights);
    }

    private static string Renamed(string[] name, string library) => (library[0], name) switch
    {
        ('t', ["downsample_layers", "0", .. var rest]) => $"stem.{string.Join('.', rest)}",
        ('t', ["downsample_layers", var stage, .. var rest]) => $"stages.{stage}.downsample.{string.Join('.', rest)}",
        ('t', ["norm", var part]) => $"head.norm.{part}",
        ('t', ["stages", var stage, var block, .. var rest]) =>
            $"stages.{stage}.blocks.{block}." + string.Join('.', rest)
            .Replace("dwconv", "conv_dw").Replace("pwconv", "mlp.fc"),
        ('H', ["downsample_layers", var stage, .. var rest]) =>
            Model(library) + $"stages.{stage}.downsample_layers.{string.Join('.', rest)}",
        ('H', ["norm", var part]) => $"layer_norm.{part}",
        ('H', ["stages", var stage, var block, .. var rest]) =>
            Model(library) + $"stages.{stage}.layers.{block}." + string.Join('.', rest)
            .Replace("norm", "layer_norm").Replace("dwconv", "depthwise_conv").Replace("pwconv", "pointwise_conv"),
        _ => string.Join('.', name),
    };

    private static string Model(string library) => library.EndsWith("model.") ? "model." : "";

    [Fact]
    public void AResNetInASequenceLoadsAsLightlyTrainsIt()
    {
        using var scope = NewDisposeScope();
        using var network = Network(Residual);
        string path = Saved(network, name => "backbone." + (name.Split('.') switch
        {
            ["conv1", .. var rest] => $"0.{string.Join('.', rest)}",
            ["bn1", .. var rest] => $"1.{string.Join('.', rest)}",
            [var layer, .. var rest] => $"{layer[5] - '0' + 3}.{string.Join('.', rest)}",
            _ => name,
        }));
        using var weights = PretrainedWeights.Open(path);
        Assert.Equal(Residual.ToString(), weights.Backbone.ToString());
        AssertSame(network, weights);
    }

    [Theory]
    [InlineData("backbone", "momentum_backbone")]
    [InlineData("backbone", "backbone_momentum")]
    [InlineData("student_backbone", "teacher_backbone")]
    public void OfTwoNetworksTheOneWantedIsTaken(string online, string momentum)
    {
        using var scope = NewDisposeScope();
        using var first = Network(Residual, 1);
        using var second = Network(Residual, 2);
        second.get_parameter("conv1.weight")!.requires_grad_(false).zero_();
        SafeTensors.Write(_folder.File("two.safetensors"),
            first.state_dict().Select(s => KeyValuePair.Create($"{online}.{s.Key}", s.Value))
            .Concat(second.state_dict().Select(s => KeyValuePair.Create($"{momentum}.{s.Key}", s.Value))));
        foreach (var (options, expected) in new (PretrainedOptions, Backbone)[]
        {
            (new() { Network = PretrainedNetwork.Online }, first),
            (new() { Network = PretrainedNetwork.Momentum }, second),
            (new() { Place = online + "." }, first), (new() { Place = momentum + "." }, second),
        })
        {
            using var weights = PretrainedWeights.Open(_folder.File("two.safetensors"), options);
            AssertSame(expected, weights);
        }
        var error = Assert.Throws<InvalidDataException>(() =>
            PretrainedWeights.Open(_folder.File("two.safetensors"), new() { Place = "other." }));
        Assert.Contains($"'{momentum}.'", error.Message);
    }

    [Theory]
    [InlineData("""{"weight_map": {"a": "../b.safetensors"}}""", "'../b.safetensors'")]
    [InlineData("""{"weight_map": {"a": "/b.safetensors"}}""", "'/b.safetensors'")]
    [InlineData("""{"weight_map": {"a": 3}}""", "''")]
    [InlineData("""{"weight_map": {"a": "missing.safetensors"}}""", "'missing.safetensors'")]
    [InlineData("""{"weight_map": {"a": "shard.safetensors"}}""", "lacks the tensor 'a'")]
    [InlineData("""{"weight_map": [1]}""", "weight_map")]
    [InlineData("""{"weight_map": {"a": "b", "a": "c"}}""", "JSON")]
    [InlineData("{", "JSON")]
    public void AnIndexThatLeadsElsewhereOrNowhereIsRefused(string index, string message)
    {
        using var scope = NewDisposeScope();
        SafeTensors.Write(_folder.File("shard.safetensors"), [KeyValuePair.Create("b", ones(2))]);
        File.WriteAllText(_folder.File("x.safetensors.index.json"), index);
        var error =
            Assert.Throws<InvalidDataException>(() => Checkpoint.Open(_folder.File("x.safetensors.index.json")));
        Assert.Contains(message, error.Message);
    }

    [Fact]
    public void AFileOfThisLibraryKeepsWhatShapesDoNotTell()
    {
        using var scope = NewDisposeScope();
        var options = Rotary with { Heads = 4 };
        using var encoder = new ImageEncoder(Network(options), ImagePreprocessing.For(32));
        encoder.SaveSafeTensors(_folder.File("own.safetensors"));
        using var weights = PretrainedWeights.Open(_folder.File("own.safetensors"));
        Assert.Equal(options, weights.Backbone);
        AssertSame(encoder.Backbone, weights);
    }

    [Fact]
    public void TheClassTokenAloneIsThatOfAllTokensAndMapsLeaveRegistersOut()
    {
        using var scope = NewDisposeScope();
        using var mode = no_grad();
        foreach (var options in new[] { Rotary,
            Rotary with { RotaryPositions = false, Registers = 3, SwiGlu = false } })
        {
            using var network = (VisionTransformer)Network(options);
            var x = randn(2, 3, 48, 32);
            var tokens = network.IntermediateLayers(x, 1)[0];
            Assert.Equal(1 + options.Registers + 6 * 4, tokens.size(1));
            Assert.True(network.call(x).allclose(tokens.select(1, 0), 1e-4, 1e-5));
            var (all, maps) = (network.LastSelfAttention(x), network.ClassTokenAttention(x));
            Assert.Equal([2, 2, 6, 4], maps.shape);
            Assert.True(all.narrow(2, 0, 1).narrow(3, network.PrefixTokens, 24).reshape(2, 2, 6, 4)
                .allclose(maps, 1e-4, 1e-6));
            Assert.True(all.sum(-1).allclose(ones(2, 2, tokens.size(1)), 1e-5, 1e-5));
        }
    }

    [Theory]
    [InlineData(true)]
    [InlineData(false)]
    public void TheyAreFineTunedWithLayerDecayAndDropPath(bool transformer)
    {
        using var scope = NewDisposeScope();
        BackboneOptions options = transformer ? Rotary with { ImageSize = 24 }
            : Convolutions with { Depths = [1, 1], Widths = [16, 20] };
        using var encoder = new ImageEncoder(Network(options), ImagePreprocessing.For(24));
        var (images, labels) = Patterns.Draw(32, 1);
        var fineTune = new FineTuneOptions { Epochs = 2, BatchSize = 16, Seed = 1, Threads = 2, DropPathRate = 0.1 };
        using var classifier = FineTuner.Fit(images, labels, Patterns.Classes, encoder, fineTune);
        Assert.Equal(options.WithDropPath(0).Describe(), classifier.Backbone.Describe());
        var (before, after) = (encoder.Backbone.state_dict(), classifier.Network.Features.state_dict());
        Assert.Equal(before.Keys, after.Keys);
        Assert.All(after, s => Assert.True(s.Value.isfinite().all().item<bool>(), s.Key));
        Assert.Contains(after, s => s.Key.Contains("gamma") && !s.Value.Equals(before[s.Key]));
    }

    [Theory]
    [InlineData(20)]
    [InlineData(32)]
    public void ADepthwiseConvolutionIsTheSumOfShifts(int channels)
    {
        using var scope = NewDisposeScope();
        var (x, weight, bias) =
            (randn([2, channels, 9, 6], requires_grad: true), randn(channels, 1, 7, 7), randn(channels));
        var padded = nn.functional.pad(x, [3, 3, 3, 3]);
        var expected = bias.view(1, -1, 1, 1).expand(2, channels, 9, 6);
        for (int i = 0; i < 7; i++)
            for (int j = 0; j < 7; j++)
                expected = expected + padded.narrow(2, i, 9).narrow(3, j, 6) * weight.select(3, j).select(2, i)
                    .view(1, -1, 1, 1);
        var actual = Tensors.Convolution.Depthwise(x, weight, bias, padding: 3);
        Assert.True(actual.allclose(expected, 1e-4, 1e-4));
        var upstream = randn_like(actual);
        var gradient = autograd.grad([actual], [x], [upstream])[0];
        Assert.True(gradient.allclose(autograd.grad([expected], [x], [upstream])[0], 1e-4, 1e-4));
    }

    [Theory]
    [InlineData("vits", 22_056_576)]
    [InlineData("vits reg", 22_058_112)]
    [InlineData("vitb", 86_580_480)]
    [InlineData("v3 s", 21_601_152)]
    [InlineData("convnext t", 27_820_128)]
    public void PresetsHaveThePublishedNumberOfParameters(string name, long parameters)
    {
        using var scope = NewDisposeScope();
        BackboneOptions preset = name switch
        {
            "vits" => VisionTransformerOptions.DinoV2Small(),
            "vits reg" => VisionTransformerOptions.DinoV2Small(registers: true),
            "vitb" => VisionTransformerOptions.DinoV2Base(),
            "v3 s" => VisionTransformerOptions.DinoV3Small(),
            _ => ConvNeXtOptions.Tiny(),
        };
        using var network = preset.Create(new Generator(1));
        // The mask token, of training alone, is counted there.
        int mask = preset is VisionTransformerOptions ? preset.EmbeddingDimension : 0;
        Assert.Equal(parameters, mask + network.parameters().Sum(p => p.numel()));
    }
}
