using System.Text.RegularExpressions;
using Microsoft.ML;
using Microsoft.ML.Data;

namespace MLNet.Ssl.Tests;

public sealed class PretrainReportExtensionsTests : IDisposable
{
    private readonly MLContext _ml = new(seed: 1);
    private readonly TemporaryFolder _folder = new();

    public void Dispose() => _folder.Dispose();

    private sealed class Row
    {
        [VectorType(4)]
        public float[] Features { get; set; } = [];

        public string Label { get; set; } = "";
    }

    private static SimClrOptions Trained => TestImages.Untrained with { Epochs = 2, BatchSize = 8, Seed = 5 };

    private static MoCoOptions TrainedRows => new()
    {
        Backbone = new TabularMlpOptions { InputWidth = 8, HiddenWidths = [16], OutputWidth = 32 },
        Mixing = new IMixOptions(),
        Epochs = 2,
        BatchSize = 16,
        Threads = 1,
    };

    private IDataView Images(int count) => Keyed(_ml.View(TestImages.Rows(count)));

    private IDataView Rows(int count) => Keyed(_ml.Data.LoadFromEnumerable(Enumerable.Range(0, count).Select(i =>
        new Row
        {
            Features = [i % 7 + 0.1f * i, i * i % 11, 5 * (i % 3), i % 2 == 0 ? 9 : -9],
            Label = i % 2 == 0
            ? "even" : "<odd>"
        })));

    private IDataView Keyed(IDataView view) =>
        _ml.Transforms.Conversion.MapValueToKey("Label").Fit(view).Transform(view);

    [Fact]
    public void APipelineOfImagesMeasuresItselfAndWritesItsReport()
    {
        var (report, path, best) =
            (new PretrainReport(), _folder.File("report.html"), _folder.File("best.safetensors"));
        var lines = new List<string>();
        _ml.Log += (_, e) => lines.Add(e.RawMessage);
        var view = Images(16);
        var estimator = _ml.SelfSupervised().Pretrain("Embedding", "Image", Trained with { Progress = report });
        using var measured = estimator.WithEvaluation(view, Images(8), bestEncoderPath: best).Fit(view);
        Assert.Equal(2, lines.Count(line => line.Contains("kNN accuracy", StringComparison.Ordinal)));
        Assert.True(File.Exists(best));
        report.Write(path, measured, view, "Label");
        string page = File.ReadAllText(path);
        Assert.All(["kNN accuracy", ">even<", ">odd<", "What the network sees"], part => Assert.Contains(part, page));

        // The picture of the first image is the image, as another decoder reads it.
        string picture = Regex.Match(page, "src=\"data:image/png;base64,([^\"]+)\"[^>]*alt=\"image\"").Groups[1].Value;
        File.WriteAllBytes(_folder.File("picture.png"), Convert.FromBase64String(picture));
        Assert.Equal(TestImages.Rgb(0), RgbImages.Load(_folder.File("picture.png")).Pixels.ToArray());
    }

    [Fact]
    public void MeasuringChangesNothingOfWhatAPipelineLearns()
    {
        var view = Rows(64);
        var estimator = _ml.SelfSupervised().Pretrain("Embedding", "Features", TrainedRows);
        using var plain = estimator.Fit(view);
        using var measured = estimator.WithEvaluation(view, Rows(32), everyEpochs: 2).Fit(view);
        Assert.Equal(plain.Transform(view).GetColumn<float[]>("Embedding"),
            measured.Transform(view).GetColumn<float[]>("Embedding"));
    }

    [Fact]
    public void APipelineOfRowsWritesItsReport()
    {
        var (report, path) = (new PretrainReport(), _folder.File("report.html"));
        var view = Rows(64);
        using var transformer = _ml.SelfSupervised()
            .Pretrain("Embedding", "Features", TrainedRows with { Progress = report }).Fit(view);
        report.Write(path, transformer, view, "Label", maxRows: 10);
        string page = File.ReadAllText(path);
        Assert.Contains("10 rows by", page);
        Assert.Contains("&lt;odd&gt;", page);
        report.Write(path, transformer, view);
        Assert.Contains("64 rows by", File.ReadAllText(path));
        Assert.Throws<ArgumentOutOfRangeException>(() => report.Write(path, transformer, view, "Nothing"));
        Assert.Throws<ArgumentOutOfRangeException>(() => report.Write(path, transformer, view, maxRows: 0));
        Assert.Throws<ArgumentOutOfRangeException>(() => report.Write(path, transformer, Images(4)));
    }

    [Theory]
    [InlineData("Nothing", "'Nothing'")]
    [InlineData("Number", "MapValueToKey")]
    public void EvaluationWithoutAKeyIsRefusedBeforeTraining(string label, string named)
    {
        var view = Images(8);
        var estimator = _ml.SelfSupervised().Pretrain("Embedding", "Image", Trained);
        var error =
            Assert.Throws<ArgumentOutOfRangeException>(() => estimator.WithEvaluation(view, view, label).Fit(view));
        Assert.Contains(named, error.Message);
        error = Assert.Throws<ArgumentOutOfRangeException>(() => estimator.WithEvaluation(Rows(8), view).Fit(view));
        Assert.Contains("evaluation column 'Image'", error.Message);
    }

    [Fact]
    public void KeysThatDifferBetweenTrainAndTestAreRefused()
    {
        var other = Keyed(
            _ml.View([new ImageRow(0, TestImages.Image(0), "odd"), new ImageRow(1, TestImages.Image(1), "even")]));
        var estimator = _ml.SelfSupervised().Pretrain("Embedding", "Image", Trained);
        Assert.Contains("under two names",
            Assert.Throws<ArgumentException>(() => estimator.WithEvaluation(Images(8), other).Fit(Images(8))).Message);
    }
}
