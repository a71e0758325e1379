using System.Net;
using System.Text.RegularExpressions;
using System.Xml.Linq;

namespace MLNet.Ssl.Tests;

public sealed partial class PretrainReportTests : IDisposable
{
    private static readonly (ImageStore Images, int[] Labels) Data = Patterns.Draw(32, 1);

    private static readonly DinoOptions TinyDino = new()
    {
        Backbone = new VisionTransformerOptions
        {
            ImageSize = 24,
            PatchSize = 6,
            EmbeddingDimension = 24,
            Depth = 1,
            Heads = 2
        },
        ImageSize = 24,
        LocalCrops = 2,
        LocalSize = 12,
        OutputDimension = 64,
        HeadHiddenDimension = 32,
        HeadBottleneckDimension = 16,
        BatchSize = 16,
        Epochs = 2,
        Seed = 3,
        Threads = 1,
    };

    private readonly TemporaryFolder _folder = new();

    private string File => _folder.File("report.html");

    public void Dispose() => _folder.Dispose();

    [Fact]
    public void ARunBecomesAPageThatNeedsNoOther()
    {
        var report = new PretrainReport();
        var options =
            TinyDino with { Progress = report, Evaluation = new(Data.Images, Data.Labels, Data.Images, Data.Labels) };
        using var encoder = Pretrainer.Fit(Data.Images, options);
        report.Write(File, encoder, Data.Images, Data.Labels, ["rows", "columns", "checks", "rings"]);
        string page = Page();
        Assert.All(
            ["Pretraining with DINO", "2 of 2 epochs, 4 of 4 steps", "Loss", "kNN accuracy", "Learning rate",
                "Momentum of the teacher", "Entropy of the teacher",
                "Wait for data", "<dt>Rows</dt><dd>32</dd>", "<dt>Untrained</dt>", "most common class 25.0 %",
                "epoch 1: ", "scope=\"rowgroup\" colspan=\"3\">Backbone", "principal component", "rings",
                "view 4, 12 px", "Where it looks", "TeacherMomentum", "a hundredth of 4 steps",
                "Heads</th><td>2</td>", "largest of the head", "TorchSharp"],
            part => Assert.Contains(part, page));
        // Two global and two local views beside each of five images, and three contact sheets.
        Assert.Equal(5 * 5 + 3, Regex.Count(page, "<img "));
        AssertSelfContained(page);
        // Options that there are none of, or that are of tables, do not apply; what follows from others is no option.
        Assert.All(["<td>none</td>", ">Table", "Standardize", "DefaultPreprocessing", "PrefersAdamW"],
            part => Assert.DoesNotContain(part, page));
        // Asking for the untrained accuracy changes nothing of what is learned.
        using var alone = Pretrainer.Fit(Data.Images, options with { Progress = null });
        Assert.Equal(Embeddings(alone), Embeddings(encoder));
    }

    private static float[] Embeddings(ImageEncoder encoder)
    {
        using var rows = encoder.Embed(Data.Images);
        return rows.data<float>().ToArray();
    }

    [Fact]
    public void RowsOfATableHaveAMapAndNoPictures()
    {
        using var table =
            new TableStore(Enumerable.Range(0, 64).Select(i => (float)new Random(i).NextDouble()).ToArray(), 4);
        var report = new PretrainReport { Title = "Rows" };
        using var encoder = Pretrainer.Fit(table, new MoCoOptions
        {
            Mixing = new IMixOptions(),
            BatchSize = 8,
            Epochs = 1,
            Seed = 1,
            Threads = 1,
            Progress = report
        });
        report.Write(File, encoder, table);
        string page = Page();
        Assert.Contains("principal component", page);
        Assert.Contains("Standardize</th><td>True</td>", page);
        Assert.All(["<img ", "ImageSize", "ApplyExifOrientation"], part => Assert.DoesNotContain(part, page));
        AssertSelfContained(page);
    }

    [Fact]
    public void AFineTuningRunIsDrawnWithItsValidation()
    {
        using var encoder = Pretrainer.Fit(Data.Images, TinyDino with { Epochs = 0 });
        var report = new PretrainReport();
        FineTuner.Fit(Data.Images, Data.Labels, Patterns.Classes, encoder, new FineTuneOptions
        {
            Epochs = 2,
            BatchSize = 16,
            Seed = 1,
            Threads = 1,
            Progress = report,
            Validation = new(Data.Images, Data.Labels),
        }).Dispose();
        report.Write(File);
        Assert.All(["<h1>Fine-tuning</h1>", "<h3>Validation accuracy</h3>", "<dt>Validation accuracy</dt>",
            "<dt>Rows</dt><dd>32</dd>", ">most common class 25.0 %<"], part => Assert.Contains(part, Page()));
        // A classifier that has learned nothing names one class: that is the line that there is.
        Assert.DoesNotContain("ntrained", Page());
        AssertSelfContained(Page());
    }

    [Fact]
    public void WhatComesFromOutsideIsEscaped()
    {
        const string Hostile = "<script>alert('1')</script>&\"";
        var report = new PretrainReport { Title = Hostile };
        ((IRunObserver)report).OnStart(Run(new Choice("BatchSize", 16, Hostile)));
        ((IRunObserver)report).OnMessage(new(true, Hostile));
        report.Report(At(1, 0.5));
        using var encoder = new ImageEncoder(TinyDino.Backbone!.Create(
            new TorchSharp.torch.Generator(1, TorchSharp.torch.CPU)), ImagePreprocessing.For(24));
        report.Write(File, encoder, Data.Images, Data.Labels, [Hostile, "b", "c", "d"]);
        string page = Page();
        // Title twice, the warning, the reason, and the class in the legend and on its dots.
        Assert.Equal(6, Regex.Count(page, Regex.Escape(WebUtility.HtmlEncode(Hostile))));
        AssertSelfContained(page);
    }

    [Fact]
    public void WarningsAreOnThePageAndOtherLinesAreNot()
    {
        var report = new PretrainReport();
        ((IRunObserver)report).OnMessage(new(true, "The embeddings collapse."));
        ((IRunObserver)report).OnMessage(new(false, "Nothing to worry about."));
        report.Write(File);
        Assert.Contains("The embeddings collapse.", Page());
        Assert.DoesNotContain("Nothing to worry about.", Page());
        Assert.Contains("reported nothing yet", Page());
    }

    [Fact]
    public void AnotherRunStartsThePageAnew()
    {
        var report = new PretrainReport();
        for (int run = 0; run < 2; run++)
        {
            ((IRunObserver)report).OnStart(Run());
            ((IRunObserver)report).OnMessage(new(true, $"warning of run {run}"));
            report.Report(At(5 + run, 0.5));
        }
        report.Write(File);
        Assert.DoesNotContain("warning of run 0", Page());
        Assert.Contains("6 of 100 steps", Page());
    }

    [Fact]
    public void ValuesThatAreNotFiniteLeaveGaps()
    {
        var report = new PretrainReport();
        report.Report(At(1, double.NaN));
        report.Report(At(2, double.PositiveInfinity));
        report.Report(At(3, 0.5));
        report.Write(File);
        Assert.All(Svgs(Page()), svg => Assert.DoesNotMatch("(NaN|∞|Infinity)", svg.ToString()));
    }

    [Fact]
    public void WhatDoesNotFitIsRefusedAndNothingIsWritten()
    {
        var report = new PretrainReport();
        using var encoder = new ImageEncoder(TinyDino.Backbone!.Create(
            new TorchSharp.torch.Generator(1, TorchSharp.torch.CPU)), ImagePreprocessing.For(24));
        var error = Assert.Throws<ArgumentException>(() => report.Write(File, encoder, Data.Images, Data.Labels[1..]));
        Assert.Contains("31 labels for 32 rows", error.Message);
        Assert.Throws<ArgumentException>(() => report.Write(File, encoder, new ImageStore()));
        Assert.Throws<DirectoryNotFoundException>(() => report.Write(_folder.File("nowhere/report.html")));
        Assert.Empty(Directory.GetFileSystemEntries(_folder.Path));
    }

    private static RunDescription Run(params Choice[] choices) =>
        new("Pretraining", choices.ToDictionary(choice => choice.Option, choice => $"{choice.Value}"), choices, [], 1,
            1);

    private string Page() => System.IO.File.ReadAllText(File);

    private static TrainingProgress At(long step, double value) =>
        new(step, 100, 1, 1, value, 0.1, 100, 0, TimeSpan.Zero, value, value);

    private static List<XElement> Svgs(string page) =>
        [.. Svg().Matches(page).Select(match => XElement.Parse(match.Value))];

    private static void AssertSelfContained(string page)
    {
        Assert.NotEmpty(Svgs(page));
        Assert.DoesNotMatch("(?i)<script|<link|<iframe|@import|url\\(|https?:| on[a-z]+=", page);
        Assert.All(Source().Matches(page), match =>
            Assert.StartsWith("data:image/png;base64,iVBORw0KGgo", match.Groups[1].Value));
    }

    [GeneratedRegex("<svg.*?</svg>", RegexOptions.Singleline)]
    private static partial Regex Svg();

    [GeneratedRegex("src=\"([^\"]*)\"")]
    private static partial Regex Source();
}
