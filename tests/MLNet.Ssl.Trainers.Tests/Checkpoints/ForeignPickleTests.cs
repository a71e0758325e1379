using System.Text.Json;
using static TorchSharp.torch;

namespace MLNet.Ssl.Tests;

/// <summary>Checkpoints of other libraries that hold more than weights, with what their network answers.</summary>
[Trait("Category", "Golden")]
public class ForeignPickleTests
{
    private static string File(string name) => Path.Combine(Golden.Folder, "foreign", name);

    [Theory]
    [InlineData("timm_vit.floatkey.pth", "timm_vit")]
    [InlineData("timm_vit.multistep.pth", "timm_vit")]
    [InlineData("timm_vit.namespace_path.pth", "timm_vit")]
    [InlineData("timm_vit.set.pth", "timm_vit")]
    [InlineData("wrap_numpy_args.pth", "wrap")]
    [InlineData("wrap_lightning.ckpt", "wrap")]
    public void TheNetworkAnswersAsItsLibraryDoes(string file, string reference)
    {
        Assert.SkipUnless(Path.Exists(File(file)), $"The golden set has no foreign/{file}.");
        using var scope = NewDisposeScope();
        var expected = SafeTensors.Read(File($"{reference}.ref.safetensors"));
        using var info = JsonDocument.Parse(System.IO.File.ReadAllText(File("info.json")));
        using var weights = PretrainedWeights.Open(File(file),
            new() { Heads = reference == "wrap" ? 2 : info.RootElement.GetProperty("heads").GetInt32() });
        using var backbone = weights.CreateBackbone();
        backbone.eval();
        using var mode = no_grad();
        var output = backbone.call(expected["input"]);
        double error = output.sub(expected["output"]).abs().max().item<float>(),
            scale = Math.Max(1, expected["output"].abs().max().item<float>());
        Assert.InRange(error / scale, 0, 1e-4);
    }

    [Fact]
    public void AWholeModuleIsRefusedByName()
    {
        Assert.SkipUnless(Path.Exists(File("wrap_whole_module.pth")),
            "The golden set has no foreign/wrap_whole_module.pth.");
        string message = Assert.Throws<InvalidDataException>(() => Checkpoint.Open(File("wrap_whole_module.pth")))
            .Message;
        Assert.Contains("'timm.models.vision_transformer.VisionTransformer'", message);
        Assert.Contains("Nothing was executed", message);
    }
}
