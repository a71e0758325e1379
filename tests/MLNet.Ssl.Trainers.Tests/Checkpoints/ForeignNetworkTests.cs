using System.Text.Json;
using static TorchSharp.torch;

namespace MLNet.Ssl.Tests;

/// <summary>
/// Every file of tests/golden/foreign: networks of random weights that the official code, timm and Hugging Face's
/// transformers saved, with what they answered. Another folder of the same form stands in by MLNETSSL_GOLDEN.
/// </summary>
[Trait("Category", "Golden")]
public class ForeignNetworkTests
{
    private static readonly string Folder = Path.Combine(Golden.Folder, "foreign");

    /// <summary>Each file of weights with each file of answers whose name begins as its own does.</summary>
    public static TheoryData<string, string> Files()
    {
        var data = new TheoryData<string, string>();
        if (!Directory.Exists(Folder)) return data;
        var names = Directory.GetFiles(Folder).Select(path => Path.GetFileName(path)).Order(StringComparer.Ordinal)
            .ToList();
        foreach (string file in names.Where(IsNetwork))
            foreach (string answers in names.Where(name => AnswersTo(file, name))) data.Add(file, answers);
        return data;
    }

    private static bool IsNetwork(string name) =>
        !name.Contains(".ref.", StringComparison.Ordinal) && name != "info.json"
        && !name.Contains("whole_module", StringComparison.Ordinal) && !name.Contains("-of-", StringComparison.Ordinal);

    private static bool AnswersTo(string file, string answers)
    {
        if (!answers.EndsWith(".ref.safetensors", StringComparison.Ordinal)) return false;
        string network = file.StartsWith("wrap_", StringComparison.Ordinal) ? "wrap" : file[..file.IndexOf('.')];
        string stem = answers[..answers.IndexOf('.')];
        if (stem == network) return true;
        if (!stem.StartsWith(network + "_", StringComparison.Ordinal)) return false;
        string size = stem[(network.Length + 1)..];
        return size.Split('x') is [var height, var width] && int.TryParse(height, out _) && int.TryParse(width, out _);
    }

    [Fact]
    public void EveryNetworkHasAnswers()
    {
        Assert.SkipUnless(Directory.Exists(Folder), "The golden set has no folder foreign.");
        var names = Directory.GetFiles(Folder).Select(path => Path.GetFileName(path)).ToList();
        Assert.All(names.Where(IsNetwork), name => Assert.Contains(names, answers => AnswersTo(name, answers)));
    }

    [Theory(SkipTestWithoutData = true)]
    [MemberData(nameof(Files), DisableDiscoveryEnumeration = true)]
    public void ANetworkAnswersAsItsLibraryDoes(string file, string answers)
    {
        using var scope = NewDisposeScope();
        var expected = SafeTensors.Read(Path.Combine(Folder, answers));
        using var info = JsonDocument.Parse(File.ReadAllText(Path.Combine(Folder, "info.json")));
        int heads = file.StartsWith("wrap", StringComparison.Ordinal) ? 2
            : info.RootElement.GetProperty("heads").GetInt32();
        using var weights = PretrainedWeights.Open(Path.Combine(Folder, file), new() { Heads = heads });
        using var backbone = weights.CreateBackbone();
        backbone.eval();
        using var mode = no_grad();
        var output = backbone.call(expected["input"]);
        double error = output.sub(expected["output"]).abs().max().item<float>(),
            scale = Math.Max(1, expected["output"].abs().max().item<float>());
        // The answers of bfloat16 weights are those of the weights before they were rounded.
        Assert.InRange(error / scale, 0, file.Contains("bf16", StringComparison.Ordinal) ? 0.05 : 1e-4);
    }

    [Fact]
    public void AWholeModuleIsRefusedByName()
    {
        string path = Path.Combine(Folder, "wrap_whole_module.pth");
        Assert.SkipUnless(File.Exists(path), "The golden set has no foreign/wrap_whole_module.pth.");
        string message = Assert.Throws<InvalidDataException>(() => Checkpoint.Open(path)).Message;
        Assert.Contains("'timm.models.vision_transformer.VisionTransformer'", message);
        Assert.Contains("Nothing was executed", message);
    }
}
