using System.Diagnostics;
using static TorchSharp.torch;

namespace MLNet.Ssl.Tests;

/// <summary>Exchange with the PyTorch of this machine, where there is one: python3-torch of Debian, or the interpreter that MLNETSSL_PYTHON names.</summary>
public sealed class PyTorchTests : IDisposable
{
    private readonly TemporaryFolder _folder = new();

    public void Dispose() => _folder.Dispose();

    [SkippableFact]
    public void PyTorchLoadsAnExportAndItsFilesLoadHere()
    {
        string python = Environment.GetEnvironmentVariable("MLNETSSL_PYTHON") ?? "/usr/bin/python3";
        Skip.IfNot(File.Exists(python) && Run(python, "-c", "import importlib.util as u, sys; sys.exit(u.find_spec('torch') is None)").Code == 0, $"{python} has no torch: sudo apt-get install -y python3-torch");
        using var scope = NewDisposeScope();
        using var mode = no_grad();
        using var generator = new Generator(4, CPU);
        var options = new VisionTransformerOptions { EmbeddingDimension = 48, Heads = 3, Depth = 2, PatchSize = 8, ImageSize = 32 };
        using var encoder = new Encoder(options.Create(generator), ImagePreprocessing.For(32));
        foreach (var parameter in encoder.Backbone.parameters()) parameter.add_(randn(parameter.shape, generator: generator) * 0.2);
        var x = randn([3, 3, 32, 32], generator: generator);
        string export = _folder.File("export.safetensors"), input = _folder.File("x.safetensors"), zip = _folder.File("zip.pth"),
            legacy = _folder.File("legacy.pth"), output = _folder.File("out.pth");
        encoder.SaveSafeTensors(export);
        SafeTensors.Write(input, [new("x", x)]);
        string script = Path.Combine(Golden.RepositoryRoot, "tests", "MLNet.Ssl.Trainers.Tests", "Checkpoints", "pytorch_round_trip.py");
        var (code, error) = Run(python, script, export, input, zip, legacy, output);
        Assert.True(code == 0, error);

        using (var result = Checkpoint.Open(output))
        {
            var values = (IReadOnlyDictionary<string, object?>)result.Root!;
            Assert.Equal("pt", values["format"]);
            var (theirs, ours) = (((StoredTensor)values["embedding"]!).Read(), encoder.Backbone.call(x));
            double worst = (theirs - ours).abs().max().item<float>();
            Assert.True(worst <= 1e-5 * Math.Max(1, ours.abs().max().item<float>()), $"off by {worst:g3}");
        }
        foreach (string path in new[] { zip, legacy })
        {
            using var weights = PretrainedWeights.Open(path, new() { Heads = 3 });
            using var loaded = weights.CreateBackbone();
            Assert.All(encoder.Backbone.state_dict(), s => Assert.True(s.Value.Equals(loaded.state_dict()[s.Key]), s.Key));
        }
    }

    private static (int Code, string Error) Run(string program, params string[] arguments)
    {
        using var process = Process.Start(new ProcessStartInfo(program, arguments) { RedirectStandardError = true, RedirectStandardOutput = true })!;
        process.OutputDataReceived += (_, _) => { };
        process.BeginOutputReadLine();
        string error = process.StandardError.ReadToEnd();
        process.WaitForExit();
        return (process.ExitCode, error);
    }
}
