using static TorchSharp.torch;

namespace MLNet.Ssl.Tests;

public sealed class PretrainedWeightsTests : IDisposable
{
    private static readonly VisionTransformerOptions Vit =
        new() { EmbeddingDimension = 64, Heads = 1, Depth = 2, PatchSize = 8, ImageSize = 32, MlpRatio = 2 };
    private static readonly ResNetOptions Bottlenecks =
        new() { BlocksPerStage = [1, 2], Block = ResNetBlock.Bottleneck, Width = 8 };
    private static readonly ResNetOptions Basic =
        new() { BlocksPerStage = [2, 1, 1], Width = 8, Stem = ResNetStem.Small };

    private readonly TemporaryFolder _folder = new();

    public void Dispose() => _folder.Dispose();

    private string File(string name = "weights.pth") => _folder.File(name);

    /// <summary>A network whose running statistics and norms tell tensors apart too.</summary>
    private static Backbone Network(BackboneOptions options, ulong seed)
    {
        using var generator = new Generator(seed, CPU);
        var network = options.Create(generator);
        using var _ = no_grad();
        foreach (var (name, buffer) in network.named_buffers())
            if (is_floating_point(buffer.dtype)) buffer.uniform_(0.5, 1.5, generator);
        foreach (var (name, parameter) in network.named_parameters())
            if (parameter.ndim == 1) parameter.add_(rand(parameter.shape, generator: generator) * 0.1);
        network.eval();
        return network;
    }

    private static Dictionary<string, object?> State(Backbone network, string prefix = "") =>
        network.state_dict().ToDictionary(s => prefix + s.Key, s => (object?)s.Value);

    private static Dictionary<string, object?> With(Dictionary<string, object?> state,
        params (string Name, object? Value)[] more)
    {
        foreach (var (name, value) in more) state[name] = value;
        return state;
    }

    private static void AssertSame(Backbone expected, Backbone actual, int size = 32)
    {
        using var scope = NewDisposeScope();
        using var mode = no_grad();
        actual.eval();
        var x = randn(2, 3, size, size);
        Assert.True(expected.call(x).Equals(actual.call(x)));
        var (e, a) = (expected.state_dict(), actual.state_dict());
        Assert.Equal(e.Keys, a.Keys);
        Assert.All(e, s => Assert.True(s.Value.Equals(a[s.Key]), s.Key));
    }

    [Fact]
    public void FeaturesOfSeveralBlocksAreAskedForAndKept()
    {
        using var scope = NewDisposeScope();
        using var network = Network(Vit, 1);
        string file = File(), own = File("own.safetensors");
        TorchFiles.WriteZip(file, State(network));
        using (var encoder = PretrainedEncoder.Load(file, new() { LastBlocks = 2 }))
        {
            Assert.Equal(128, encoder.EmbeddingDimension);
            encoder.SaveSafeTensors(own);
            using var mode = no_grad();
            var x = randn(2, 3, 32, 32);
            Assert.True(encoder.Backbone.call(x).narrow(1, 64, 64).allclose(network.call(x), 1e-5, 1e-6));
            using var kept = PretrainedEncoder.Load(own);
            AssertSame(encoder.Backbone, kept.Backbone);
        }
        using (var pooled = PretrainedEncoder.Load(own, new() { LastBlocks = 1, AveragePoolPatchTokens = true }))
            Assert.Equal("ViT/8 of 2 blocks, 1 heads, 128 features with the mean patch token",
                pooled.Backbone.Options!.Describe());
        void Refused(string path, PretrainedOptions options, string because) =>
            Assert.Contains(because, Assert.Throws<InvalidDataException>(() =>
                PretrainedEncoder.Load(path, options)).Message);
        Refused(file, new() { LastBlocks = 3 }, "LastBlocks is 3");
        Refused(own, new() { AveragePoolPatchTokens = true }, "LastBlocks is 2");
        using var residual = Network(Basic, 1);
        string resnet = File("resnet.pth");
        TorchFiles.WriteZip(resnet, State(residual));
        Refused(resnet, new() { LastBlocks = 2 }, "LastBlocks and AveragePoolPatchTokens are for vision transformers");
    }

    public static TheoryData<string> Architectures => ["vit", "bottlenecks", "basic"];

    private static BackboneOptions Options(string architecture) =>
        architecture switch { "vit" => Vit, "bottlenecks" => Bottlenecks, _ => Basic };

    [Theory]
    [MemberData(nameof(Architectures))]
    public void TheArchitectureIsReadFromShapes(string architecture)
    {
        using var scope = NewDisposeScope();
        using var network = Network(Options(architecture), 1);
        foreach (string prefix in new[] { "", "module.", "backbone.", "module.backbone.", "encoder." })
        {
            string zip = File("zip.pth"), legacy = File("legacy.pth"), safe = File("a.safetensors");
            TorchFiles.WriteZip(zip, State(network, prefix));
            TorchFiles.WriteLegacy(legacy,
                new Dictionary<string, object?> { ["state_dict"] = State(network, prefix), ["epoch"] = 3L });
            SafeTensors.Write(safe, network.state_dict().Select(s => KeyValuePair.Create(prefix + s.Key, s.Value)));
            foreach (string path in new[] { zip, legacy, safe })
            {
                using (var weights = PretrainedWeights.Open(path))
                {
                    Assert.Equal(Options(architecture).ToString(), weights.Backbone.ToString());
                    Assert.EndsWith(prefix, weights.Report.Network);
                    Assert.Empty(weights.Report.Missing);
                    Assert.Empty(weights.Report.Ignored);
                    Assert.Equal(network.state_dict().Count, weights.Report.Matched.Count);
                    using var loaded = weights.CreateBackbone();
                    AssertSame(network, loaded);
                }
                System.IO.File.Delete(path);
            }
        }
    }

    [Fact]
    public void ALayoutIsTheNetworksStateDict()
    {
        ResNetOptions[] resNets =
        [
            Basic, Bottlenecks, ResNetOptions.ResNet18(width: 8), ResNetOptions.ResNet50(width: 4),
            ResNetOptions.ResNet34(ResNetStem.SmallStride2, 4),
        ];
        foreach (var options in resNets) Check(ResNetLayout.Shapes(options), options);
        VisionTransformerOptions[] transformers = [Vit, Vit with { Depth = 1, MlpRatio = 1.5, ImageSize = 8 }];
        foreach (var options in transformers) Check(VisionTransformerLayout.Shapes(options), options);

        static void Check(IEnumerable<(string Name, long[] Shape)> layout, BackboneOptions options)
        {
            using var network = options.Create(new Generator(1));
            Assert.Equal(network.state_dict().Select(s => $"{s.Key} [{string.Join(",", s.Value.shape)}]")
                .Order(StringComparer.Ordinal),
                layout.Select(s => $"{s.Name} [{string.Join(",", s.Shape)}]").Order(StringComparer.Ordinal));
        }
    }

    [Theory]
    [InlineData(PretrainedNetwork.Auto, "teacher")]
    [InlineData(PretrainedNetwork.Momentum, "teacher")]
    [InlineData(PretrainedNetwork.Online, "student")]
    public void DinosCheckpointGivesTheTeacher(PretrainedNetwork wanted, string expected)
    {
        using var scope = NewDisposeScope();
        using var student = Network(Vit, 1);
        using var teacher = Network(Vit, 2);
        (string, object?)[] head =
            [("module.head.mlp.0.weight", ones([4, 64])), ("module.head.last_layer.weight_g", ones([9, 1]))];
        TorchFiles.WriteZip(File(), new Dictionary<string, object?>
        {
            ["student"] = With(State(student, "module.backbone."), head),
            ["teacher"] = With(State(teacher, "module.backbone."), head),
            ["optimizer"] = new Dictionary<string, object?>
            {
                ["state"] =
                new Dictionary<string, object?> { ["0"] = State(student) }
            },
            ["epoch"] = 7L,
        });
        using var weights = PretrainedWeights.Open(File(), new() { Network = wanted });
        Assert.Equal($"{expected}/module.backbone.", weights.Report.Network);
        Assert.Equal(["module.head.mlp.0.weight", "module.head.last_layer.weight_g"], weights.Report.Ignored);
        Assert.Equal(Interpolation.Bicubic, weights.Preprocessing.Interpolation);
        using var loaded = weights.CreateBackbone();
        AssertSame(expected == "teacher" ? teacher : student, loaded);
    }

    [Theory]
    [InlineData(PretrainedNetwork.Auto, true)]
    [InlineData(PretrainedNetwork.Momentum, false)]
    public void MoCoV2sCheckpointGivesTheQueryEncoder(PretrainedNetwork wanted, bool query)
    {
        using var scope = NewDisposeScope();
        using var q = Network(Bottlenecks, 1);
        using var k = Network(Bottlenecks, 2);
        var state =
            With(State(q, "module.encoder_q."), [.. State(k, "module.encoder_k.").Select(s => (s.Key, s.Value))]);
        With(state, ("module.encoder_q.fc.0.weight", ones([4, 4])), ("module.encoder_k.fc.0.weight", ones([4, 4])),
            ("module.queue", ones([4, 8])),
            ("module.queue_ptr", zeros([1], dtype: int64)));
        TorchFiles.WriteLegacy(File("moco.pth.tar"),
            new Dictionary<string, object?> { ["epoch"] = 200L, ["arch"] = "resnet50", ["state_dict"] = state });
        using var weights = PretrainedWeights.Open(File("moco.pth.tar"), new() { Network = wanted });
        Assert.Contains("fc.0.weight", weights.Report.Ignored);
        Assert.Contains("module.queue", weights.Report.Ignored);
        Assert.Equal(Interpolation.Bilinear, weights.Preprocessing.Interpolation);
        Assert.Equal((256, 224), (weights.Preprocessing.Resize, weights.Preprocessing.CropSize));
        using var loaded = weights.CreateBackbone();
        AssertSame(query ? q : k, loaded);
    }

    [Fact]
    public void MoCoV3sSmallTransformerHasTwelveHeads()
    {
        using var scope = NewDisposeScope();
        var options = VisionTransformerOptions.MoCoV3Small() with { Depth = 1, ImageSize = 48 };
        using var network = Network(options, 1);
        TorchFiles.WriteZip(File("full.pth.tar"), new Dictionary<string, object?>
        {
            ["state_dict"] =
                With(State(network, "module.base_encoder."), ("module.base_encoder.head.0.weight", ones([4, 384])),
                ("module.predictor.0.weight", ones([4, 4])), ("module.momentum_encoder.head.0.weight", ones([4, 384]))),
        });
        // Converted to names without a prefix: the fixed positions still tell.
        TorchFiles.WriteZip(File("plain.pth"), new Dictionary<string, object?> { ["model"] = State(network) });
        foreach (string name in new[] { "full.pth.tar", "plain.pth" })
        {
            using var weights = PretrainedWeights.Open(File(name));
            Assert.Equal(options, weights.Backbone);
            using var loaded = weights.CreateBackbone();
            AssertSame(network, loaded, 48);
        }
        using var dino = Network(VisionTransformerOptions.Small() with { Depth = 1, ImageSize = 48 }, 1);
        TorchFiles.WriteZip(File("dino.pth"), State(dino));
        using var six = PretrainedWeights.Open(File("dino.pth"));
        Assert.Equal(6, ((VisionTransformerOptions)six.Backbone).Heads);
    }

    [Fact]
    public void OldFilesWithoutCountersAndHalfPrecisionLoad()
    {
        using var scope = NewDisposeScope();
        using var network = Network(Basic, 1);
        var state = State(network).Where(s => !s.Key.EndsWith("num_batches_tracked"))
            .ToDictionary(s => s.Key, s => (object?)((Tensor)s.Value!).half());
        TorchFiles.WriteZip(File(), With(state, ("fc.weight", ones([10, 32])), ("fc.bias", ones([10]))));
        using var weights = PretrainedWeights.Open(File());
        Assert.Equal(["fc.weight", "fc.bias"], weights.Report.Ignored);
        Assert.All(weights.Report.Missing, name => Assert.EndsWith("num_batches_tracked", name));
        Assert.NotEmpty(weights.Report.Missing);
        using var loaded = weights.CreateBackbone();
        foreach (var (name, value) in weights.StateDict)
            Assert.True(network.state_dict()[name].half().to(float32).Equals(loaded.state_dict()[name]), name);
    }

    private InvalidDataException Refused(object? root, PretrainedOptions? options = null)
    {
        string path = File($"{Guid.NewGuid():N}.pth");
        TorchFiles.WriteZip(path, root);
        var error = Assert.Throws<InvalidDataException>(() =>
        {
            using var weights = PretrainedWeights.Open(path, options);
            weights.CreateBackbone().Dispose();
        });
        Assert.Contains(path, error.Message);
        return error;
    }

    [Fact]
    public void WhatDoesNotFitIsRefusedByName()
    {
        using var scope = NewDisposeScope();
        using var vit = Network(Vit, 1);
        using var resNet = Network(Basic, 1);

        var missing = State(vit);
        missing.Remove("blocks.1.attn.proj.bias");
        Assert.Contains("'blocks.1.attn.proj.bias'", Refused(missing).Message);

        string shapes = Refused(With(State(vit), ("blocks.1.mlp.fc2.weight", ones([64, 127])))).Message;
        Assert.Contains("'blocks.1.mlp.fc2.weight'", shapes);
        Assert.Contains("(64, 127)", shapes);
        Assert.Contains("(64, 128)", shapes);

        Assert.Contains("'blocks.0.ls1.gamma'", Refused(With(State(vit), ("blocks.0.ls1.gamma", ones([64])))).Message);
        Assert.Contains("'norm.bias' holds values that are not finite",
            Refused(With(State(vit), ("norm.bias", full([64], float.NaN)))).Message);
        Assert.Contains("'norm.bias'", Refused(With(State(vit), ("norm.bias", ones([64], dtype: int8)))).Message);
        Assert.Contains("pos_embed", Refused(With(State(vit), ("pos_embed", ones([1, 18, 64])))).Message);
        Assert.Contains("conv1.weight", Refused(With(State(resNet), ("conv1.weight", ones([8, 3, 5, 5])))).Message);
        Assert.Contains("no known network", Refused(new Dictionary<string, object?> { ["x"] = ones([3]) }).Message);
        Assert.Contains("no known network", Refused(new List<object?> { 1L }).Message);
        Assert.Contains("'a/', 'b/'",
            Refused(new Dictionary<string, object?> { ["a"] = State(vit), ["b"] = State(resNet) }).Message);
        var student = new Dictionary<string, object?> { ["student"] = State(vit) };
        Assert.Contains("'teacher'", Refused(student, new() { Network = PretrainedNetwork.Momentum }).Message);
        Assert.Contains(nameof(PretrainedOptions.Heads),
            Refused(State(Network(Vit with { EmbeddingDimension = 48 }, 1))).Message);
        Assert.Contains("64", Refused(State(vit), new() { Heads = 7 }).Message);
        Assert.Contains("30 pixels", Refused(State(vit), new() { ImageSize = 30 }).Message);
        Assert.Throws<ArgumentOutOfRangeException>(() => PretrainedWeights.Open(File("none"), new() { Heads = 0 }));
        Assert.Throws<FileNotFoundException>(() => PretrainedWeights.Open(File("none")));
    }

    [Fact]
    public void TensorsThatShareAStorageDoNotMultiplyIt()
    {
        using var scope = NewDisposeScope();
        using var network = Network(Vit, 1);
        var state = State(network);
        TorchFiles.WriteZip(File("all.pth"), state);
        // The same file with the second block's storages taken from the first is smaller than what its tensors claim.
        string path = File("shared.pth");
        long full = new FileInfo(File("all.pth")).Length;
        using (var source = System.IO.Compression.ZipFile.OpenRead(File("all.pth")))
        using (var target = System.IO.Compression.ZipFile.Open(path, System.IO.Compression.ZipArchiveMode.Create))
        {
            var keys = state.Keys.ToList();
            var shared = keys.Where(k => k.StartsWith("blocks.1."))
                .ToDictionary(k => $"{keys.IndexOf(k)}", k => $"{keys.IndexOf(k.Replace("blocks.1.", "blocks.0."))}");
            foreach (var entry in source.Entries)
            {
                if (entry.FullName.StartsWith("archive/data/") && shared.ContainsKey(entry.Name)) continue;
                using var from = entry.Open();
                var bytes = new byte[entry.Length];
                from.ReadExactly(bytes);
                if (entry.Name == "data.pkl") bytes = Renamed(bytes, shared);
                using var to = target.CreateEntry(entry.FullName, System.IO.Compression.CompressionLevel.NoCompression)
                    .Open();
                to.Write(bytes);
            }
        }
        Assert.True(new FileInfo(path).Length < full);
        Assert.Contains("claim more", Assert.Throws<InvalidDataException>(() => PretrainedWeights.Open(path)).Message);

        // Storage keys are texts behind the storage's type.
        static byte[] Renamed(byte[] pickle, Dictionary<string, string> names)
        {
            var text = System.Text.Encoding.Latin1.GetString(pickle);
            foreach (var (from, to) in names)
                foreach (string type in new[] { "FloatStorage\n", "LongStorage\n" })
                    text = text.Replace($"{type}X{Length(from)}{from}X", $"{type}X{Length(to)}{to}X");
            return System.Text.Encoding.Latin1.GetBytes(text);
        }

        static string Length(string text) => $"{(char)text.Length}\0\0\0";
    }

    [Fact]
    public void AWarmStartTakesAllOrNothing()
    {
        using var scope = NewDisposeScope();
        using var source = Network(Vit, 1);
        using var target = Network(Vit, 2);
        var before = target.state_dict().ToDictionary(s => s.Key, s => s.Value.clone());
        TorchFiles.WriteZip(File("nan.pth"), With(State(source), ("norm.bias", full([64], float.NaN))));
        TorchFiles.WriteZip(File("other.pth"), State(Network(Vit with { Depth = 3 }, 1)));
        TorchFiles.WriteZip(File("grid.pth"), State(Network(Vit with { ImageSize = 64 }, 1)));
        Assert.Contains("not finite",
            Assert.Throws<InvalidDataException>(() => PretrainedWeights.LoadInto(target, File("nan.pth"))).Message);
        Assert.Contains("blocks.2",
            Assert.Throws<InvalidDataException>(() => PretrainedWeights.LoadInto(target, File("other.pth"))).Message);
        var grid = Assert.Throws<InvalidDataException>(() => PretrainedWeights.LoadInto(target, File("grid.pth")))
            .Message;
        Assert.Contains("(1, 65, 64)", grid);
        Assert.Contains("(1, 17, 64)", grid);
        Assert.All(target.state_dict(), s => Assert.True(before[s.Key].Equals(s.Value), s.Key));

        TorchFiles.WriteZip(File("good.pth"),
            new Dictionary<string, object?> { ["teacher"] = State(source, "backbone.") });
        var report = PretrainedWeights.LoadInto(target, File("good.pth"));
        Assert.Equal("teacher/backbone.", report.Network);
        AssertSame(source, target);
    }

    [Fact]
    public void AWarmStartComparesTheHeads()
    {
        using var scope = NewDisposeScope();
        using var source = Network(Vit with { EmbeddingDimension = 128, Heads = 2 }, 1);
        using var target = Network(Vit with { EmbeddingDimension = 128, Heads = 4 }, 2);
        TorchFiles.WriteZip(File(), State(source));
        Assert.Contains("2 heads",
            Assert.Throws<InvalidDataException>(() => PretrainedWeights.LoadInto(target, File())).Message);
        PretrainedWeights.LoadInto(target, File(), new() { Heads = 4 });
        Assert.All(source.state_dict(), s => Assert.True(s.Value.Equals(target.state_dict()[s.Key]), s.Key));
    }

    [Fact]
    public void ABackboneOfOnesOwnStartsWarm()
    {
        using var scope = NewDisposeScope();
        using var encoder = new ImageEncoder(new LinearEncoder(192, 4, new Generator(1)), ImagePreprocessing.For(8));
        encoder.SaveSafeTensors(File("own.safetensors"));
        using var other = new LinearEncoder(192, 4, new Generator(2));
        PretrainedWeights.LoadInto(other, File("own.safetensors"));
        Assert.All(encoder.Backbone.state_dict(), s => Assert.True(s.Value.Equals(other.state_dict()[s.Key]), s.Key));
        Assert.Contains("no known network",
            Assert.Throws<InvalidDataException>(() => PretrainedEncoder.Load(File("own.safetensors"))).Message);
    }

    [Theory]
    [MemberData(nameof(Architectures))]
    public void AnExportedEncoderLoadsAsItWas(string architecture)
    {
        using var scope = NewDisposeScope();
        var options = architecture switch
        {
            "vit" => Vit with { EmbeddingDimension = 48, Heads = 3 },
            "basic" => Basic with { Stem = ResNetStem.SmallStride2 },
            _ => Options(architecture),
        };
        var preprocessing = new ImagePreprocessing
        {
            Resize = 40,
            CropSize = 32,
            Interpolation = Interpolation.Bilinear,
            Normalization = Normalization.Cifar10,
        };
        using var encoder = new ImageEncoder(Network(options, 3), preprocessing) { Method = "DINO" };
        encoder.SaveSafeTensors(File("a.safetensors"));
        using var loaded = PretrainedEncoder.Load(File("a.safetensors"));
        Assert.Equal(preprocessing, loaded.Preprocessing);
        Assert.Equal("DINO", loaded.Method);
        Assert.Equal(options.ToString(), loaded.Backbone.Options!.ToString());
        var image = new RgbImage(Patterns.Draw(1, 5).Images[0].Pixels, Patterns.Side, Patterns.Side);
        var (expected, actual) = (new float[encoder.EmbeddingDimension], new float[encoder.EmbeddingDimension]);
        encoder.Embed([image], expected);
        loaded.Embed([image], actual);
        Assert.Equal(expected, actual);
        using var sized = PretrainedEncoder.Load(File("a.safetensors"), new() { ImageSize = 64 });
        Assert.Equal(64, sized.Preprocessing.CropSize);
        Assert.Equal(Normalization.Cifar10, sized.Preprocessing.Normalization);
    }

    [Fact]
    public void MetadataOfAnExportAreNotTrusted()
    {
        using var scope = NewDisposeScope();
        using var network = Network(Vit, 1);
        (string, string)[] wrong =
        [
            ("heads", "-1"), ("heads", "65"), ("resize", "1e9"), ("mean", "a b c"), ("std", "0 0 0"),
            ("interpolation", "7"), ("stem", "x"),
        ];
        foreach (var (key, value) in wrong)
        {
            var metadata = new Dictionary<string, string>
            {
                ["library"] = "MLNet.Ssl",
                ["mean"] = "0 0 0",
                ["std"] = "1 1 1",
                [key] = value
            };
            SafeTensors.Write(File("m.safetensors"), network.state_dict(), metadata);
            Assert.Throws<InvalidDataException>(() => PretrainedWeights.Open(File("m.safetensors")));
        }
    }

    [Fact]
    public void AnEncoderOfTablesIsNamedAsOne()
    {
        var options = new TabularMlpOptions { InputGroups = [3], HiddenWidths = [4], OutputWidth = 8 };
        using var encoder = new TableEncoder(Network(options, 1), TablePreprocessing.None(3));
        encoder.SaveSafeTensors(File("t.safetensors"));
        Assert.Contains("takes rows of a table, not images", Assert.Throws<InvalidDataException>(() =>
            PretrainedEncoder.Load(File("t.safetensors"))).Message);
    }
}
