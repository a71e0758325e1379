using System.Runtime.InteropServices;
using TorchSharp.Modules;
using static TorchSharp.torch;

namespace MLNet.Ssl.Tests;

/// <summary>What is in an exported file, and what is refused.</summary>
public sealed class OnnxFileTests : IDisposable
{
    private readonly TemporaryFolder _folder = new();

    private string Target => _folder.File("model.onnx");

    public void Dispose() => _folder.Dispose();

    public static TheoryData<string> Networks => new(OnnxNetworks.All.Keys);

    [Theory]
    [MemberData(nameof(Networks))]
    public void EveryValueHasOneNameAndIsDefinedBeforeItsUse(string network)
    {
        using var encoder = OnnxNetworks.Encoder(network, 64);
        var graph = Export(encoder).Graph;
        var defined = new HashSet<string>();
        foreach (string name in graph.Input.Select(v => v.Name).Concat(graph.Initializer.Select(t => t.Name)))
            Assert.True(defined.Add(name), name);
        Assert.Equal(graph.Node.Count, graph.Node.Select(n => n.Name).Distinct().Count());
        var read = new HashSet<string>();
        foreach (var node in graph.Node)
        {
            Assert.All(node.Input, input => Assert.Contains(input, defined));
            read.UnionWith(node.Input);
            foreach (string output in node.Output) Assert.True(defined.Add(output), output);
        }
        Assert.Equal(["embedding"], defined.Except(read));
        Assert.Equal("embedding", Assert.Single(graph.Output).Name);
    }

    [Theory]
    [MemberData(nameof(Networks))]
    public void InitializersAreTheStateDict(string name)
    {
        using var scope = NewDisposeScope();
        using var encoder = OnnxNetworks.Encoder(name, 64);
        var initializers = Export(encoder).Graph.Initializer.ToDictionary(t => t.Name);
        foreach (var (key, tensor) in encoder.Backbone.state_dict()
            .Where(e => !e.Key.EndsWith("num_batches_tracked") && e.Key != "pos_embed"))
        {
            var stored = initializers[key];
            Assert.Equal(tensor.shape, stored.Dims);
            Assert.Equal((int)TensorProto.Types.DataType.Float, stored.DataType);
            Assert.Equal(tensor.data<float>().ToArray(),
                MemoryMarshal.Cast<byte, float>(stored.RawData.Span).ToArray());
        }
    }

    [Fact]
    public void APositionTableOfAnotherSizeIsResampledInTheFile()
    {
        using var scope = NewDisposeScope();
        var network = (VisionTransformer)OnnxNetworks.Create("DINO transformer");
        using var encoder = EncoderOf(network, 48);
        var table = Export(encoder).Graph.Initializer.Single(t => t.Name == "pos_embed");
        Assert.Equal([1, 1 + 12 * 12, 48], table.Dims);
        Assert.Equal(network.Positions(48, 48).data<float>().ToArray(),
            MemoryMarshal.Cast<byte, float>(table.RawData.Span).ToArray());
    }

    [Fact]
    public void AModelSaysWhatItIs()
    {
        using var encoder = EncoderOf(OnnxNetworks.Create("ResNet-18, small stem"), 56);
        var model = Export(encoder);
        Assert.Equal((8, "MLNet.Ssl"), (model.IrVersion, model.ProducerName));
        var opset = Assert.Single(model.OpsetImport);
        Assert.Equal(("", 17), (opset.Domain, opset.Version));
        var metadata = model.MetadataProps.ToDictionary(p => p.Key, p => p.Value);
        Assert.StartsWith("MLNet.Ssl ", metadata["library"]);
        Assert.Equal(("ResNet", "64", "56"), (metadata["backbone"], metadata["image_size"], metadata["crop_size"]));
        Assert.Equal(("0.485,0.456,0.406", "0.229,0.224,0.225"), (metadata["mean"], metadata["std"]));
    }

    [Fact]
    public void AnExportReplacesAFileAndLeavesNothingElse()
    {
        File.WriteAllText(Target, "old");
        using var encoder = EncoderOf(OnnxNetworks.Create("DINO transformer"));
        var first = Export(encoder);
        Assert.Equal(first, Export(encoder));
        Assert.Equal([Target], Directory.GetFileSystemEntries(_folder.Path));
    }

    [Fact]
    public void ABackboneOfAnotherTypeIsRefusedByNameAndTheOldFileStays()
    {
        File.WriteAllText(Target, "old");
        using var encoder = EncoderOf(new LinearEncoder(3 * 32 * 32, 4, new Generator(1)));
        Assert.Contains("LinearEncoder cannot be exported",
            Assert.Throws<NotSupportedException>(() => encoder.ExportOnnx(Target)).Message);
        Assert.Equal("old", File.ReadAllText(Target));
        Assert.Equal([Target], Directory.GetFileSystemEntries(_folder.Path));
    }

    [Fact]
    public void MoreThanAFileCanHoldIsRefusedWithItsSize()
    {
        using var encoder = EncoderOf(new HugeBackbone());
        var message = Assert.Throws<NotSupportedException>(() => encoder.ExportOnnx(Target)).Message;
        Assert.Contains("HugeBackbone has 2.40 GB of weights", message);
        Assert.Contains("at most 2.13 GB", message);
        Assert.Empty(Directory.GetFileSystemEntries(_folder.Path));
    }

    [Fact]
    public void PathsThatCannotBeWrittenAreNamed()
    {
        using var encoder = EncoderOf(OnnxNetworks.Create("DINO transformer"));
        File.WriteAllText(_folder.File("file"), "");
        foreach (string folder in new[] { "missing", "file" })
            Assert.Contains($"no folder '{_folder.File(folder)}'", Assert.Throws<DirectoryNotFoundException>(() =>
                encoder.ExportOnnx(Path.Combine(_folder.File(folder), "model.onnx"))).Message);
        Assert.Contains($"'{_folder.Path}' is a folder",
            Assert.Throws<UnauthorizedAccessException>(() => encoder.ExportOnnx(_folder.Path)).Message);
        Assert.Throws<ArgumentException>(() => encoder.ExportOnnx(" "));
        Assert.Throws<ArgumentNullException>(() => encoder.ExportOnnx((string)null!));
    }

    [Fact]
    public void WithoutASizeOfTheImagesNothingIsExported()
    {
        using var encoder = new ImageEncoder(OnnxNetworks.Create("DINO transformer"), new());
        Assert.Contains("CropSize is null",
            Assert.Throws<InvalidOperationException>(() => encoder.ExportOnnx(Target)).Message);
        using var small = EncoderOf(OnnxNetworks.Create("DINO transformer"), 3);
        Assert.Contains("at least the patch size 4",
            Assert.Throws<ArgumentException>(() => small.ExportOnnx(Target)).Message);
    }

    [Fact]
    public void ADisposedEncoderSaysSo()
    {
        var encoder = EncoderOf(OnnxNetworks.Create("DINO transformer"));
        encoder.Dispose();
        Assert.Throws<ObjectDisposedException>(() => encoder.ExportOnnx(Target));
        Assert.Throws<ObjectDisposedException>(() => encoder.Embed(OnnxNetworks.Images(1, 32), new float[48]));
    }

    private ModelProto Export(Encoder encoder)
    {
        encoder.ExportOnnx(Target);
        return ModelProto.Parser.ParseFrom(File.ReadAllBytes(Target));
    }

    private static ImageEncoder EncoderOf(Backbone network, int size = 32) =>
        new(network, ImagePreprocessing.For(size));

    /// <summary>Memory that is reserved but never touched.</summary>
    private sealed class HugeBackbone : Backbone, IOnnxLayer
    {
        private readonly Parameter weight = new(empty(600_000_000), requires_grad: false);

        public HugeBackbone() : base(nameof(HugeBackbone), 1) => RegisterComponents();

        public override Tensor forward(Tensor x) => throw new NotSupportedException();

        string IOnnxLayer.Export(OnnxGraph graph, string x) => graph.Mul(x, graph.Weight(weight));
    }
}
