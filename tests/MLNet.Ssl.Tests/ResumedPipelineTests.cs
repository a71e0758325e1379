using Microsoft.ML;
using Microsoft.ML.Data;

namespace MLNet.Ssl.Tests;

public sealed class ResumedPipelineTests : IDisposable
{
    private readonly TemporaryFolder _temporary = new();

    public void Dispose() => _temporary.Dispose();

    private sealed class Row
    {
        [VectorType(3)]
        public float[] Features { get; set; } = [];
    }

    private static MoCoOptions Options(string folder, bool resume) => new()
    {
        Backbone = new TabularMlpOptions { InputWidth = 8, HiddenWidths = [16], OutputWidth = 32 },
        Epochs = 3,
        BatchSize = 16,
        Mixing = new IMixOptions(),
        CheckpointFolder = folder,
        CheckpointEvery = CheckpointInterval.Steps(1),
        CheckpointsKept = 100,
        Resume = resume,
    };

    /// <summary>A context without a seed: the pipeline's own differs every time.</summary>
    private static List<float[]> Embeddings(MoCoOptions options, List<string>? log = null)
    {
        var ml = new MLContext();
        ml.Log += (_, e) => log?.Add(e.Message);
        var data = ml.Data.LoadFromEnumerable(Enumerable.Range(0, 64)
            .Select(i => new Row { Features = [i % 7 + 0.1f * i, i * i % 11, 5 * (i % 3)] }));
        using var model = ml.Transforms.CopyColumns("Copy", "Features")
            .Append(ml.SelfSupervised().Pretrain("Embedding", "Copy", options)).Fit(data);
        return [.. model.Transform(data).GetColumn<float[]>("Embedding")];
    }

    [Fact]
    public void AnInterruptedPipelineResumesToTheSameEmbeddings()
    {
        string whole = _temporary.File("whole"),
            stopped = Directory.CreateDirectory(_temporary.File("stopped")).FullName;
        var expected = Embeddings(Options(whole, resume: false));
        File.Copy(Path.Combine(whole, "checkpoint-0000000005.safetensors"),
            Path.Combine(stopped, "checkpoint-0000000005.safetensors"));
        var log = new List<string>();
        Assert.Equal(expected, Embeddings(Options(stopped, resume: true), log));
        Assert.Contains(log, m => m.Contains("The run goes on after step 5 of 12", StringComparison.Ordinal));
        Assert.Equal(expected, Embeddings(Options(stopped, resume: true)));
    }

    [Fact]
    public void ACancelledFitIsSavedAndTheNextGoesOn()
    {
        string folder = _temporary.File("run");
        long Cancel(bool resume)
        {
            using var cancel = new CancellationTokenSource();
            var options = Options(folder, resume) with
            {
                Epochs = 100_000,
                CheckpointEvery = CheckpointInterval.Epochs(100_000),
                CancellationToken = cancel.Token,
                Progress = new Collect(_ => cancel.Cancel()),
            };
            Assert.Contains("Resume = true continues it",
                Assert.Throws<OperationCanceledException>(() => Embeddings(options)).Message);
            return Directory.GetFiles(folder, "*.safetensors")
                .Max(file => long.Parse(Path.GetFileNameWithoutExtension(file)["checkpoint-".Length..]));
        }
        long first = Cancel(resume: false);
        Assert.True(Cancel(resume: true) > first);
    }

    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public void ACancelledFineTuningOrDistillationResumesToTheSameScores(bool distils)
    {
        const int Epochs = 100, Steps = 3 * Epochs;
        string folder = _temporary.File("run");
        var ml = new MLContext(seed: 1);
        var log = new List<string>();
        ml.Log += (_, e) => log.Add(e.Message);
        var ssl = ml.SelfSupervised();
        var rows = ml.View(TestImages.Rows(24));
        var view = ml.Transforms.Conversion.MapValueToKey("Label").Fit(rows).Transform(rows);
        using var encoder = ssl.Pretrain("Embedding", "Image", TestImages.Untrained with { Seed = 1 }).Fit(view);
        using var teacher = ssl.FineTune("PredictedLabel", "Image", "Label", encoder,
            new() { Epochs = 1, BatchSize = 8, Seed = 1 }).Fit(view);

        var whole = Scores(null);
        using (var cancel = new CancellationTokenSource())
        {
            var error = Assert.Throws<OperationCanceledException>(() => Scores(folder, cancel));
            Assert.Contains("Resume = true continues it", error.Message);
        }
        string saved = Path.GetFileNameWithoutExtension(Assert.Single(Directory.GetFiles(folder, "*.safetensors")));
        int step = int.Parse(saved["checkpoint-".Length..]);
        Assert.InRange(step, 1, Steps - 1);
        log.Clear();
        Assert.Equal(whole, Scores(folder));
        Assert.Contains(log, line =>
            line.Contains($"The run goes on after step {step} of {Steps}", StringComparison.Ordinal));

        // Behind another transform, and resumed with a seed and threads left at Auto, which are the run's.
        List<float[]> Scores(string? checkpoints, CancellationTokenSource? cancel = null)
        {
            var tuning = new FineTuneOptions
            {
                Epochs = Epochs,
                BatchSize = 8,
                Seed = checkpoints is null || cancel is not null ? 3 : null,
                Threads = checkpoints is null || cancel is not null ? 1 : null,
                CheckpointFolder = checkpoints,
                Resume = checkpoints is not null,
                CancellationToken = cancel?.Token ?? CancellationToken.None,
                Progress = cancel is null ? null : new Collect(_ => cancel.Cancel()),
            };
            var distilling = new DistillOptions
            {
                Epochs = tuning.Epochs,
                BatchSize = tuning.BatchSize,
                Seed = tuning.Seed,
                Threads = tuning.Threads,
                CheckpointFolder = tuning.CheckpointFolder,
                Resume = tuning.Resume,
                CancellationToken = tuning.CancellationToken,
                Progress = tuning.Progress,
            };
            var estimator = distils
                ? ssl.Distill("PredictedLabel", "Copy", null, teacher, distilling)
                : ssl.FineTune("PredictedLabel", "Copy", "Label", encoder, tuning);
            using var model = ml.Transforms.CopyColumns("Copy", "Image").Append(estimator).Fit(view);
            return [.. model.Transform(view).GetColumn<float[]>("Score")];
        }
    }

    [Fact]
    public void AFolderThatCannotBeWrittenIsToldBeforeARowIsRead()
    {
        File.WriteAllText(_temporary.File("file"), "");
        var ml = new MLContext();
        var data = ml.Data.LoadFromEnumerable(Enumerable.Range(0, 64)
            .Select<int, Row>(_ => throw new InvalidOperationException("a row was read")));
        var estimator = ml.SelfSupervised()
            .Pretrain("Embedding", "Features", Options(Path.Combine(_temporary.File("file"), "run"), resume: true));
        Assert.Contains("CheckpointFolder '", Assert.Throws<IOException>(() => estimator.Fit(data)).Message);
    }
}
