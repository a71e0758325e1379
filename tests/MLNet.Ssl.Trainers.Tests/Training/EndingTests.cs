namespace MLNet.Ssl.Tests;

/// <summary>Runs that end before their last step and return what they learned, and runs
/// that go on from another one.</summary>
public sealed class EndingTests : IDisposable
{
    private static readonly (ImageStore Images, int[] Labels) Train = Patterns.Draw(64, 1), Test = Patterns.Draw(24, 2);

    private readonly TemporaryFolder _temporary = new();

    private static OnlineEvaluation Patterned => new(Train.Images, Train.Labels, Test.Images, Test.Labels);

    /// <summary>A run at so high a rate that its last encoder is not its best. With which seed that is so differs from
    /// processor to processor.</summary>
    private static readonly Lazy<DinoOptions> Worsening = new(() =>
    {
        var options = (DinoOptions)SmallRuns.Of("DINO in shards") with
        {
            LearningRate = 0.2,
            WarmupEpochs = 0,
            Evaluation = Patterned with { ReturnBest = true },
        };
        return Enumerable.Range(5, 20).Select(seed => options with { Seed = seed }).First(run =>
        {
            var accuracies = new List<double>();
            SmallRuns.Train(run with { Progress = Accuracies(accuracies) });
            return accuracies.Max() > accuracies[^1];
        });
    });

    public void Dispose() => _temporary.Dispose();

    [Fact]
    public void ARunThatStopsReturnsWhatItLearnedAndCanBeResumedToTheSameBits()
    {
        var options = SmallRuns.Of("DINO in shards");
        var (plain, untrained) = (SmallRuns.Train(options), SmallRuns.Train(options with { Epochs = 0 }));
        using var stop = new CancellationTokenSource();
        string folder = _temporary.File("run");
        var log = new List<TrainingMessage>();
        stop.Cancel();
        var stopped = SmallRuns.Train(
            options.In(folder) with { StopToken = stop.Token, CheckpointEvery = CheckpointInterval.Epochs(100) }, log);
        // A step is always taken.
        Assert.True(File.Exists(SmallRuns.File(folder, 1)));
        Assert.Contains(stopped.Keys, name => !stopped[name].AsSpan().SequenceEqual(untrained[name]));
        Assert.Contains(stopped.Keys, name => !stopped[name].AsSpan().SequenceEqual(plain[name]));
        Assert.Contains(log, m => m.Text.Contains("step 1 of 12", StringComparison.Ordinal)
            && m.Text.Contains("StopToken", StringComparison.Ordinal));
        SmallRuns.AssertSame(plain, SmallRuns.Train(options.In(folder, resume: true)));
    }

    [Fact]
    public void ARunEndsWithItsTime()
    {
        var log = new List<TrainingMessage>();
        var reports = new List<TrainingProgress>();
        var options = SmallRuns.Of("SimCLR, LARS") with
        {
            Epochs = 1_000_000,
            MaxDuration = TimeSpan.FromSeconds(0.3),
            Progress = new Collect(reports.Add)
        };
        Assert.NotEmpty(SmallRuns.Train(options, log));
        Assert.Contains(log, m => m.Text.Contains("MaxDuration, 0.3 s, is over", StringComparison.Ordinal));
        Assert.InRange(reports[^1].Step, 1, 100_000);
        Assert.NotNull(reports[^1].RankMe);
    }

    [Fact]
    public void ALimitOutOfRangeIsNamed()
    {
        var error = Assert.ThrowsAny<ArgumentException>(() =>
            SmallRuns.Train(SmallRuns.Of("BYOL") with { MaxDuration = TimeSpan.Zero }));
        Assert.Contains("MaxDuration", error.Message);
        error = Assert.ThrowsAny<ArgumentException>(() =>
            SmallRuns.Train(SmallRuns.Of("BYOL") with { Evaluation = Patterned with { Patience = 0 } }));
        Assert.Contains("Evaluation.Patience is 0", error.Message);
    }

    [Fact]
    public void ARunWhoseAccuracyNoLongerRisesEnds()
    {
        // A rate at which nothing is learned, without batch statistics: the first accuracy stays the best.
        var measured = new List<int>();
        var options = (DinoOptions)SmallRuns.Of("DINO in shards") with
        {
            Epochs = 50,
            LearningRate = 1e-12,
            MinLearningRate = 0,
            Evaluation = Patterned with { Patience = 2, EveryEpochs = 3 },
            Progress = new Collect(report => measured.AddRange(report.KnnAccuracy is null ? [] : [report.Epoch])),
        };
        SmallRuns.Train(options);
        Assert.Equal(9, measured[^1]);
    }

    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public void ARunThatPatienceEndedReturnsTheSameWhenItIsResumed(bool returnsBest)
    {
        var reports = new List<TrainingProgress>();
        var log = new List<TrainingMessage>();
        var options = ((DinoOptions)SmallRuns.Of("DINO in shards")) with
        {
            Epochs = 50,
            LearningRate = 1e-12,
            MinLearningRate = 0,
            Evaluation = Patterned with { Patience = 2, ReturnBest = returnsBest },
            Progress = new Collect(reports.Add),
            CheckpointFolder = _temporary.File("run"),
            CheckpointEvery = CheckpointInterval.Epochs(100),
            CheckpointsKept = 1,
        };
        var ended = SmallRuns.Train(options);
        Assert.Equal(3, reports[^1].Epoch);
        reports.Clear();
        SmallRuns.AssertSame(ended, SmallRuns.Train(options with { Resume = true }, log));
        Assert.Empty(reports);
        Assert.Contains(log, m => m.Text.Contains("the kNN accuracy no longer rises", StringComparison.Ordinal));
        // With more patience there is something to do.
        SmallRuns.Train(options with { Resume = true, Evaluation = options.Evaluation with { Patience = 3 } });
        Assert.Equal([4], reports.Where(report => report.KnnAccuracy is not null).Select(report => report.Epoch));
    }

    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public void TheBestEncoderIsReturnedAndWritten(bool resumed)
    {
        var accuracies = new List<double>();
        string path = _temporary.File("best.safetensors");
        var options = Worsening.Value with
        {
            Progress = Accuracies(accuracies),
            Evaluation = Worsening.Value.Evaluation! with { BestEncoderPath = path },
        };
        if (resumed)
        {
            options = options with
            {
                CheckpointFolder = _temporary.File("run"),
                CheckpointsKept = 1,
                CheckpointEvery = CheckpointInterval.Epochs(1)
            };
            Pretrainer.Fit(Train.Images, options).Dispose();
            options = options with { Resume = true };
        }
        using var best = Pretrainer.Fit(Train.Images, options);
        Assert.Equal(3, accuracies.Count);
        Assert.Equal(accuracies.Max(), Patterns.KnnAccuracy(best, Train, Test), 12);
        using var written = PretrainedEncoder.Load(path);
        Assert.Equal(accuracies.Max(), Patterns.KnnAccuracy(written, Train, Test), 12);
    }

    [Theory]
    [InlineData("rows")]
    [InlineData("classes")]
    [InlineData("neighbours")]
    public void ScoresOfAnotherEvaluationAreForgotten(string another)
    {
        var log = new List<TrainingMessage>();
        var options = Worsening.Value with
        {
            CheckpointFolder = _temporary.File("run"),
            CheckpointEvery = CheckpointInterval.Epochs(1),
        };
        var best = SmallRuns.Train(options, log);
        // The same one, of its own stores, is known again.
        SmallRuns.AssertSame(best, SmallRuns.Train(options with { Resume = true }, log));
        Assert.DoesNotContain(log, m => m.Text.Contains("their scores are forgotten", StringComparison.Ordinal));
        var (images, labels) = another == "rows" ? Patterns.Draw(24, 3) : Test;
        if (another == "classes") labels = [.. labels.Select(label => (label + 1) % Patterns.Classes)];
        var other = new OnlineEvaluation(Train.Images, Train.Labels, images, labels)
        {
            ReturnBest = true,
            NumberOfNeighbors = another == "neighbours" ? 5 : 20,
        };
        // Nothing is measured any more, so that there is no best: the last one is returned.
        var last = SmallRuns.Train(options with { Resume = true, Evaluation = null });
        SmallRuns.AssertSame(last, SmallRuns.Train(options with { Resume = true, Evaluation = other }, log));
        Assert.Contains(log, m => m.IsWarning
            && m.Text.Contains("their scores are forgotten", StringComparison.Ordinal));
    }

    [Fact]
    public void FineTuningStopsToo()
    {
        using var encoder = Pretrainer.Fit(Train.Images, SmallRuns.Of("SimCLR, LARS") with { Epochs = 0 });
        var log = new List<TrainingMessage>();
        var options =
            new FineTuneOptions { Epochs = 1_000_000, BatchSize = 16, MaxDuration = TimeSpan.FromSeconds(0.2) };
        FineTuner.Fit(Train.Images, Train.Labels, Patterns.Classes, encoder, options, log.Add).Dispose();
        Assert.Contains(log, m => m.Text.Contains("MaxDuration", StringComparison.Ordinal));
    }

    [Theory]
    [InlineData("MoCo v2, i-Mix", "queue")]
    [InlineData("DINO in shards", "center")]
    [InlineData("table: BYOL", "target.backbone")]
    public void ARunGoesOnFromTheWholeStateOfAnotherOneWithANewSchedule(string method, string part)
    {
        var options = SmallRuns.Of(method) with { Optimizer = OptimizerKind.AdamW };
        string first = _temporary.File("first"), second = _temporary.File("second");
        SmallRuns.Train(options.In(first));
        var end = SmallRuns.State(SmallRuns.File(first, SmallRuns.Steps));
        var reports = new List<TrainingProgress>();
        // At so low a rate the parameters of the first step are those it began with.
        var more = options with
        {
            ContinueFrom = first,
            Epochs = 2,
            LearningRate = 1e-20,
            WarmupEpochs = 0,
            Progress = new Collect(reports.Add)
        };
        var whole = SmallRuns.Train(more.In(second));
        Assert.Equal(8, reports[^1].TotalSteps);
        var begun = SmallRuns.State(SmallRuns.File(second, 1));
        Assert.Equal(end.Keys.Order(), begun.Keys.Order());
        string counter = begun.Keys.First(name => name.EndsWith(".steps", StringComparison.Ordinal));
        Assert.Equal(SmallRuns.Steps + 1, BitConverter.ToInt64(begun[counter]));
        string weight = begun.Keys.First(name =>
            name.EndsWith(".weight", StringComparison.Ordinal) && name.Contains("backbone", StringComparison.Ordinal));
        var (then, now) = (Floats(end[weight]), Floats(begun[weight]));
        Assert.All(then.Zip(now), pair => Assert.Equal(pair.First, pair.Second, 1e-3));
        Assert.Contains(end.Keys, name => name.StartsWith(part, StringComparison.Ordinal));
        // It is resumed like any run, then without the other one.
        Directory.Delete(first, true);
        string third = Directory.CreateDirectory(_temporary.File("third")).FullName;
        File.Copy(SmallRuns.File(second, 3), SmallRuns.File(third, 3));
        SmallRuns.AssertSame(whole, SmallRuns.Train(more.In(third, resume: true)));
    }

    [Fact]
    public void ViewsAreNotThoseOfTheRunThatItGoesOnFrom()
    {
        string first = _temporary.File("first");
        var options = SmallRuns.Of("SimCLR, LARS");
        SmallRuns.Train(options.In(first));
        var log = new List<TrainingMessage>();
        SmallRuns.Train(options with { Seed = null, ContinueFrom = SmallRuns.File(first, 4) }, log);
        var seed = log.Single(m => m.Text.StartsWith("Seed = ", StringComparison.Ordinal));
        Assert.DoesNotContain("Seed = 5", seed.Text);
        var again = new List<TrainingMessage>();
        SmallRuns.Train(options with { Seed = null, ContinueFrom = SmallRuns.File(first, 4) }, again);
        Assert.Contains(seed, again);
        Assert.Contains(log, m => m.Text.Contains("where another one was after step 4", StringComparison.Ordinal));
    }

    [Fact]
    public void ARunThatDoesNotFitIsRefusedByWhatDiffers()
    {
        string first = _temporary.File("first"), empty = Directory.CreateDirectory(_temporary.File("empty")).FullName;
        var options = (SimClrOptions)SmallRuns.Of("SimCLR, LARS");
        SmallRuns.Train(options.In(first));
        Refused(SmallRuns.Of("BYOL") with { ContinueFrom = first }, "that run is of SimCLR, this one of BYOL");
        Refused(options with { ContinueFrom = first, ProjectionDimension = 7 }, "expected Float32 (7");
        Refused(options with { ContinueFrom = first, Optimizer = OptimizerKind.AdamW }, "optimizer.");
        Refused(options with { ContinueFrom = empty }, "a folder without checkpoints");
        Refused(options with { ContinueFrom = _temporary.File("none") }, "which does not exist");
        var both = Assert.ThrowsAny<ArgumentException>(() =>
            Pretrainer.CheckFiles(options with { ContinueFrom = first, InitialWeights = first }));
        Assert.Contains("InitialWeights and ContinueFrom", both.Message);

        static void Refused(PretrainOptions options, string named) =>
            Assert.Contains(named, Assert.ThrowsAny<ArgumentException>(() => SmallRuns.Train(options)).Message);
    }

    private static Collect Accuracies(List<double> into) =>
        new(report => into.AddRange(report.KnnAccuracy is { } accuracy ? [accuracy] : []));

    private static float[] Floats(byte[] bytes) =>
        [.. Enumerable.Range(0, bytes.Length / 4).Select(i => BitConverter.ToSingle(bytes, 4 * i))];
}
