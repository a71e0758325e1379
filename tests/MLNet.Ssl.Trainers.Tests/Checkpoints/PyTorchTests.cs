using System.Diagnostics;
using static TorchSharp.torch;

namespace MLNet.Ssl.Tests;

/// <summary>Exchange with the PyTorch of this machine, where there is one: python3-torch of Debian, or the interpreter
/// that MLNETSSL_PYTHON names.</summary>
public sealed class PyTorchTests : IDisposable
{
    private readonly TemporaryFolder _folder = new();

    public void Dispose() => _folder.Dispose();

    [Fact]
    public void PyTorchLoadsAnExportAndItsFilesLoadHere()
    {
        Assert.SkipUnless(Has("torch"), $"{Python} has no torch: sudo apt-get install -y python3-torch");
        using var scope = NewDisposeScope();
        using var mode = no_grad();
        using var generator = new Generator(4, CPU);
        var options = new VisionTransformerOptions
        {
            EmbeddingDimension = 48,
            Heads = 3,
            Depth = 2,
            PatchSize = 8,
            ImageSize = 32
        };
        using var encoder = new ImageEncoder(options.Create(generator), ImagePreprocessing.For(32));
        foreach (var parameter in encoder.Backbone.parameters())
            parameter.add_(randn(parameter.shape, generator: generator) * 0.2);
        var x = randn([3, 3, 32, 32], generator: generator);
        string export = _folder.File("export.safetensors"), input = _folder.File("x.safetensors"),
            zip = _folder.File("zip.pth"),
            legacy = _folder.File("legacy.pth"), output = _folder.File("out.pth");
        encoder.SaveSafeTensors(export);
        SafeTensors.Write(input, [new("x", x)]);
        string script = Path.Combine(Golden.RepositoryRoot, "tests", "MLNet.Ssl.Trainers.Tests", "Checkpoints",
            "pytorch_round_trip.py");
        var (code, error) = Run(Python, script, export, input, zip, legacy, output);
        Assert.True(code == 0, error);

        using (var result = Checkpoint.Open(output))
        {
            var values = (IReadOnlyDictionary<string, object?>)result.Root!;
            Assert.Equal("pt", values["format"]);
            AssertClose(((StoredTensor)values["embedding"]!).Read(), encoder.Backbone.call(x));
        }
        foreach (string path in new[] { zip, legacy })
        {
            using var weights = PretrainedWeights.Open(path, new() { Heads = 3 });
            using var loaded = weights.CreateBackbone();
            Assert.All(encoder.Backbone.state_dict(), s =>
                Assert.True(s.Value.Equals(loaded.state_dict()[s.Key]), s.Key));
        }
    }

    [Fact]
    public void TorchvisionsResNetsGiveItsFeatures()
    {
        Assert.SkipUnless(Has("torchvision"),
            $"{Python} has no torchvision: sudo apt-get install -y python3-torchvision");
        using var scope = NewDisposeScope();
        using var mode = no_grad();
        const string script = """
            import sys, torch, torchvision
            from torchvision.models import resnet
            torch.manual_seed(3)
            x = torch.randn(2, 3, 64, 64)
            for path, block, layers in ((sys.argv[1], resnet.BasicBlock, [2, 1, 1, 1]), (sys.argv[2], resnet.Bottleneck, [1, 2, 1, 1])):
                network = torchvision.models.ResNet(block, layers)
                with torch.no_grad():
                    network.train()(x)
                    features = torch.nn.Sequential(*list(network.eval().children())[:-1])(x).flatten(1)
                torch.save({"state_dict": network.state_dict(), "x": x, "features": features}, path)
            """;
        string basic = _folder.File("basic.pth"), bottleneck = _folder.File("bottleneck.pth");
        var (code, error) = Run(Python, "-c", script, basic, bottleneck);
        Assert.True(code == 0, error);
        foreach (string path in new[] { basic, bottleneck })
        {
            using var checkpoint = Checkpoint.Open(path);
            var values = (IReadOnlyDictionary<string, object?>)checkpoint.Root!;
            using var weights = PretrainedWeights.Open(path);
            Assert.Equal(["fc.weight", "fc.bias"], weights.Report.Ignored);
            using var loaded = weights.CreateBackbone();
            loaded.eval();
            AssertClose(((StoredTensor)values["features"]!).Read(), loaded.call(((StoredTensor)values["x"]!).Read()));
        }
    }

    private static string Python => Environment.GetEnvironmentVariable("MLNETSSL_PYTHON") ?? "/usr/bin/python3";

    private static bool Has(string module) =>
        File.Exists(Python) && Run(Python, "-c",
            $"import importlib.util as u, sys; sys.exit(u.find_spec('{module}') is None)").Code == 0;

    private static void AssertClose(Tensor theirs, Tensor ours)
    {
        Assert.Equal(theirs.shape, ours.shape);
        double worst = (theirs - ours).abs().max().item<float>();
        Assert.True(worst <= 1e-5 * Math.Max(1, theirs.abs().max().item<float>()), $"off by {worst:g3}");
    }

    private static (int Code, string Error) Run(string program, params string[] arguments)
    {
        using var process = Process.Start(
            new ProcessStartInfo(program, arguments) { RedirectStandardError = true, RedirectStandardOutput = true })!;
        process.OutputDataReceived += (_, _) => { };
        process.BeginOutputReadLine();
        string error = process.StandardError.ReadToEnd();
        process.WaitForExit();
        return (process.ExitCode, error);
    }
}
