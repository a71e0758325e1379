using System.Text.RegularExpressions;

namespace MLNet.Ssl.Tests;

/// <summary>Every snippet of every page compiles and runs, one after the other, on a few real images and
/// rows.</summary>
public sealed class PageTests : IDisposable
{
    private const string Catalogs = """
        using Microsoft.ML;
        using MLNet.Ssl;
        var ml = new MLContext(seed: 1);
        var ssl = ml.SelfSupervised();

        """;

    private const string Folder = Catalogs + """
        var photos = ssl.Data.LoadImageFolder("photos");

        """;

    // A classifier of images, and what a prediction takes and gives.
    private const string Classifier = """
        using Microsoft.ML;
        using Microsoft.ML.Data;
        using Microsoft.ML.Transforms.Image;
        using MLNet.Ssl;
        var ml = new MLContext(seed: 1);
        var ssl = ml.SelfSupervised();
        var photos = ssl.Data.LoadImageFolder("photos");
        var encoder = ssl.Pretrain("Embedding", "Image", new SimClrOptions { Epochs = 1 }).Fit(photos);
        var model = encoder.Append(ml.Transforms.Conversion.MapValueToKey("Label")
            .Append(ml.MulticlassClassification.Trainers.NearestNeighbors("Label", "Embedding"))
            .Append(ml.Transforms.Conversion.MapKeyToValue("PredictedLabel")).Fit(encoder.Transform(photos)));
        var photo = new Photo { Image = RgbImages.Load("query.jpg").ToMLImage() };

        class Photo
        {
            [ImageType(32, 32)]
            public MLImage? Image { get; set; }

            public string Label { get; set; } = "";
        }

        class Prediction
        {
            public string PredictedLabel { get; set; } = "";
        }
        """;

    /// <summary>What stands around the snippets of a page, and what they say and write. A page that is not here starts
    /// from nothing.</summary>
    private static readonly Dictionary<string, Surroundings> Known = new()
    {
        ["README.md"] = new()
        {
            Says = [@"k = 10: \d+\.\d", @"linear: \d+\.\d", @"1\.00 photos/class"],
            Writes = ["report.html", "best.safetensors", "photos.index", "model.mlssl", "encoder.onnx",
                "attention/attention.png", "runs/simclr", "runs/photos"],
        },
        ["docs/images.md"] = new() { Before = Catalogs, Writes = ["cache"] },
        ["docs/extractors.md"] = new()
        {
            Before = Catalogs + "var images = ssl.Data.LoadImageFolder(\"photos\");",
            After = "Console.WriteLine($\"{encoder.Encoder.EmbeddingDimension} numbers\");",
            Says = ["384 numbers"],
        },
        ["docs/model-files.md"] = new()
        {
            Before = Classifier,
            After = """
                string Labels(ITransformer of) =>
                    string.Join(", ", of.Transform(photos).GetColumn<string>("PredictedLabel"));
                Console.WriteLine($"{Labels(loaded) == Labels(model)} and {Labels(plain) == Labels(model)}");
                """,
            Says = ["True and True"],
            Writes = ["model.mlssl", "model.zip"],
        },
        ["docs/onnx.md"] = new()
        {
            Before = Folder,
            // Networks of this size are not trained here.
            Shorter = ("ImageSize = 224", "ImageSize = 224, Epochs = 0"),
            After = """
                using Microsoft.ML.Data;
                var files = ssl.Data.LoadImageFolder("photos", withImages: false);
                float[] embedding = pipeline.Fit(files).Transform(files).GetColumn<float[]>("embedding").First();
                using var own = new ImageEncoder(new TwoConvolutions(), ImagePreprocessing.For(32));
                own.ExportOnnx("own.onnx");
                Console.WriteLine($"{embedding.Length == encoder.Encoder.EmbeddingDimension}");
                """,
            Says = ["True"],
            Writes = ["encoder.onnx", "own.onnx"],
        },
        ["docs/serving.md"] = new()
        {
            Before = Classifier,
            After = "Console.WriteLine($\"it is a {prediction.PredictedLabel} by {encoder.Encoder.Threads} thread\");",
            Says = ["it is a class .+ by 1 thread"],
        },
    };

    private readonly TemporaryFolder _folder = new();

    public void Dispose() => _folder.Dispose();

    public static TheoryData<string> Pages => [.. Documents.Where(page => PageProgram.Snippets(Read(page)).Count > 0)];

    private static IEnumerable<string> Documents =>
        from file in Directory.EnumerateFiles(Golden.RepositoryRoot, "*.md")
            .Concat(Directory.EnumerateFiles(Path.Combine(Golden.RepositoryRoot, "docs"), "*.md"))
        orderby file
        select Path.GetRelativePath(Golden.RepositoryRoot, file).Replace('\\', '/');

    [Theory, MemberData(nameof(Pages))]
    public void EverySnippetRunsInTheOrderOfThePage(string page)
    {
        string markdown = Read(page);
        var around = Known.GetValueOrDefault(page) ?? new();
        new PageData(_folder).Prepare(markdown);
        PageProgram.Compile(page, markdown, around.Before, around.After, code => code, _folder.File("AsItStands.dll"));
        string program = _folder.File("Page.dll");
        PageProgram.Compile(page, markdown, around.Before, around.After, Shorter, program);
        string said = FreshProcess.Run(["page", program], _folder.Path, new()
        {
            ["OMP_WAIT_POLICY"] = "PASSIVE",
            ["TORCH_HOME"] = _folder.File("torch"),
            ["HF_HOME"] = _folder.File("hf")
        });
        Assert.All(around.Says, pattern => Assert.Matches(pattern, said));
        Assert.All(around.Writes, file => Assert.True(Path.Exists(_folder.File(file)), file));

        string Shorter(string code)
        {
            if (around.Shorter is var (from, to)) code = code.Replace(from, to, StringComparison.Ordinal);
            code = Regex.Replace(code, @"\bEpochs = [1-9]\d*", "Epochs = 1");
            code = Regex.Replace(code, @"new DinoOptions \{(?!.*Epochs)", "new DinoOptions { Epochs = 1,");
            return code.Replace("new DinoOptions {", "new DinoOptions { OutputDimension = 512,")
                .Replace("(\"Embedding\", \"Features\")",
                    "(\"Embedding\", \"Features\", new MoCoOptions { Epochs = 1, Mixing = new IMixOptions() })");
        }
    }

    [Fact]
    public void AllCodeIsInSnippets()
    {
        Assert.All(Known.Keys, page => Assert.Contains(page, Pages.Select(row => row.Data)));
        // Another fence, or a statement in a block that is indented, would hide code from the test above.
        Assert.All(Documents, page =>
        {
            string markdown = Read(page);
            string outside = Regex.Replace(markdown, "^```(csharp|json)$.*?^```$", "",
                RegexOptions.Multiline | RegexOptions.Singleline);
            Assert.DoesNotContain("```", outside);
            Assert.DoesNotMatch(new Regex(@"^    .*;\s*(//.*)?$", RegexOptions.Multiline), outside);
        });
    }

    private static string Read(string page) => File.ReadAllText(Path.Combine(Golden.RepositoryRoot, page));

    private sealed record Surroundings
    {
        public string Before { get; init; } = "";

        public string After { get; init; } = "";

        public (string From, string To)? Shorter { get; init; }

        public string[] Says { get; init; } = [];

        public string[] Writes { get; init; } = [];
    }
}
