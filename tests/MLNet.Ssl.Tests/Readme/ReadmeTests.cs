using System.IO.Compression;
using System.Text.RegularExpressions;
using MLNet.Ssl.Samples;
using TorchSharp;

namespace MLNet.Ssl.Tests;

/// <summary>Every snippet of the README compiles and runs, one after the other, on a
/// few real images and rows.</summary>
public sealed class ReadmeTests : IDisposable
{
    private static readonly string Page = Path.Combine(Golden.RepositoryRoot, "README.md");

    private readonly TemporaryFolder _folder = new();

    public void Dispose() => _folder.Dispose();

    [Fact]
    public void EverySnippetRunsInTheOrderOfThePage()
    {
        PrepareImages();
        PreparePlots();
        PrepareWeights();
        string markdown = File.ReadAllText(Page);
        int runs = 0;
        string Shorter(string code) => Regex.Replace(code, @"\bEpochs = \d+", _ =>
        {
            runs++;
            return "Epochs = 1";
        })
            .Replace("Pretrain(\"Embedding\", \"Features\")", "Pretrain(\"Embedding\", \"Features\", new MoCoOptions { "
                + "Epochs = 1, Mixing = new IMixOptions() })", StringComparison.Ordinal)
            .Replace("new DinoOptions {", "new DinoOptions { OutputDimension = 512,", StringComparison.Ordinal);
        string program = _folder.File("Page.dll");
        PageProgram.Compile("README.md", markdown, code => code, _folder.File("AsItStands.dll"));
        PageProgram.Compile("README.md", markdown, Shorter, program);
        Assert.True(runs > 3, "Runs of the page are shortened by their epochs, and there are none.");
        string said = FreshProcess.Run(["page", program], _folder.Path, new()
        {
            ["OMP_WAIT_POLICY"] = "PASSIVE",
            ["TORCH_HOME"] = _folder.File("torch"),
            ["HF_HOME"] = _folder.File("hf")
        });

        Assert.Matches(@"k = 200: \d+\.\d", said);
        Assert.Matches(@"linear: \d+\.\d", said);
        Assert.Matches(@"1\.00 photos/class", said);
        Assert.All(["report.html", "best.safetensors", "photos.index", "model.mlssl", "encoder.onnx",
            "attention/attention.png"], file => Assert.True(File.Exists(_folder.File(file)), file));
        Assert.NotEmpty(Directory.GetFiles(_folder.File("runs/simclr")));
        Assert.NotEmpty(Directory.GetFiles(_folder.File("runs/photos")));
    }

    [Fact]
    public void AllBlocksOfCodeAreSnippetsOrCommands()
    {
        string markdown = File.ReadAllText(Page);
        // A fence of another language would hide a snippet from the test above.
        Assert.Equal(2 * PageProgram.Snippets(markdown).Count, Regex.Count(markdown, "^```", RegexOptions.Multiline));
        Assert.True(PageProgram.Snippets(markdown).Count >= 8);
    }

    /// <summary>CIFAR-10's images as files in folders of their classes.</summary>
    private void PrepareImages()
    {
        var (train, test) = CifarReader.Read(RealData.Path("cifar10"));
        Write("photos", train, 0, 24);
        Write("labelled", train, 24, 20);
        Write("test", test, 0, 12);
        File.Copy(Directory.GetFiles(_folder.File("photos"), "*.png", SearchOption.AllDirectories)[0],
            _folder.File("query.png"));
        RgbImages.Load(_folder.File("query.png")).Save(_folder.File("query.jpg"));

        void Write(string name, CifarSet set, int first, int count)
        {
            foreach (var (row, i) in set.Rows().Skip(first).Take(count).Select((row, i) => (row, i)))
            {
                string folder = Directory.CreateDirectory(_folder.File($"{name}/class {row.Label}")).FullName;
                row.Image.Save(Path.Combine(folder, $"{i:000}.png"));
            }
        }
    }

    /// <summary>Rows of CovType: ten numbers, the first soil that is set, and the class.</summary>
    private void PreparePlots()
    {
        using var lines = new StreamReader(
            new GZipStream(File.OpenRead(RealData.Path("covtype/covtype.data.gz")), CompressionMode.Decompress));
        using var plots = File.CreateText(_folder.File("plots.csv"));
        for (int row = 0; row < 64; row++)
        {
            string[] values = lines.ReadLine()!.Split(',');
            int soil = Array.IndexOf(values, "1", 14, 40) - 14;
            plots.WriteLine($"{string.Join(',', values[..10])},soil {soil},kind {values[54]}");
        }
    }

    /// <summary>Networks of the published forms with random weights, where the page's
    /// would be after a download.</summary>
    private void PrepareWeights()
    {
        Write("dino_deitsmall16_pretrain.pth",
            new VisionTransformerOptions { PatchSize = 16, EmbeddingDimension = 384, Depth = 12, Heads = 6 });
        Write("hf/hub/models--facebook--dinov2-small/snapshots/1/model.safetensors",
            VisionTransformerOptions.DinoV2Small());

        void Write(string file, BackboneOptions backbone)
        {
            using var generator = new torch.Generator(1, torch.CPU);
            using var network = backbone.Create(generator);
            Directory.CreateDirectory(Path.GetDirectoryName(_folder.File(file))!);
            SafeTensors.Write(_folder.File(file), network.state_dict());
        }
    }
}
