namespace MLNet.Ssl.Tests;

public sealed class OnlineEvaluationTests
{
    private static readonly VisionTransformerOptions TinyVit =
        new() { ImageSize = 24, PatchSize = 6, EmbeddingDimension = 24, Depth = 2, Heads = 2 };

    private static readonly DinoOptions TinyDino = new()
    {
        Backbone = TinyVit,
        ImageSize = 24,
        LocalCrops = 2,
        LocalSize = 12,
        OutputDimension = 64,
        HeadHiddenDimension = 32,
        HeadBottleneckDimension = 16,
        DropPathRate = 0.1,
        BatchSize = 16,
        Epochs = 3,
        Seed = 3,
        Threads = 2,
    };

    private static readonly SimClrOptions TinySimClr = new()
    {
        Backbone = new ResNetOptions { BlocksPerStage = [1, 1], Width = 16, Stem = ResNetStem.Small },
        ImageSize = 24,
        BatchSize = 16,
        Epochs = 3,
        Seed = 3,
        Threads = 2,
    };

    private static readonly (ImageStore Images, int[] Labels) Train = Patterns.Draw(32, 1), Test = Patterns.Draw(24, 2);

    private static OnlineEvaluation Patterned => new(Train.Images, Train.Labels, Test.Images, Test.Labels);

    public static TheoryData<string> Methods => ["dino", "simclr"];

    [Theory]
    [MemberData(nameof(Methods))]
    public void MeasuringDoesNotChangeWhatIsLearned(string method)
    {
        PretrainOptions options = method == "dino" ? TinyDino : TinySimClr;
        Assert.Equal(Weights(options), Weights(options with { Evaluation = Patterned }));
    }

    [Theory]
    [InlineData(1, "1 2 3")]
    [InlineData(2, "2 3")]
    [InlineData(5, "3")]
    public void EveryFewEpochsAndAtTheEndAnAccuracyIsReported(int every, string expected)
    {
        var reports = new List<TrainingProgress>();
        var lines = new List<string>();
        var options = TinySimClr with
        {
            Evaluation = Patterned with { EveryEpochs = every },
            Progress = new Collect(reports.Add)
        };
        using var encoder = Pretrainer.Fit(Train.Images, options, log: message => lines.Add(message.Text));
        var measured = reports.Where(report => report.KnnAccuracy is not null).ToList();
        Assert.Equal(expected, string.Join(' ', measured.Select(report => report.Epoch)));
        // Two steps an epoch: the accuracy belongs to the epoch's last step.
        Assert.All(measured, report => Assert.Equal(2 * report.Epoch, report.Step));
        Assert.Equal(Patterns.KnnAccuracy(encoder, Train, Test), measured[^1].KnnAccuracy!.Value, 12);
        Assert.Equal(measured.Count, lines.Count(line => line.Contains("kNN accuracy", StringComparison.Ordinal)));
    }

    [Fact]
    public void TheBestCheckpointIsKeptAlsoWhenTheRunIsResumed()
    {
        using var folder = new TemporaryFolder();
        string run = folder.File("run"), best = folder.File("best.safetensors");
        var accuracies = new List<double>();
        var options = TinyDino with
        {
            LearningRate = 0.1,
            WarmupEpochs = 0,
            CheckpointFolder = run,
            CheckpointEvery = CheckpointInterval.Epochs(1),
            CheckpointsKept = 1,
            Evaluation = Patterned,
            Progress = new Collect(report => accuracies.AddRange(report.KnnAccuracy is { } accuracy ? [accuracy] : [])),
        };
        Pretrainer.Fit(Train.Images, options).Dispose();
        Assert.Equal(3, accuracies.Count);
        Assert.Equal(accuracies.Max(), Scores().Max());
        // Nothing is left to do: the best of before stays the best, and no file is written.
        Pretrainer.Fit(Train.Images,
            options with { Resume = true, Evaluation = Patterned with { BestEncoderPath = best } }).Dispose();
        Assert.Equal(accuracies.Max(), Scores().Max());
        Assert.False(File.Exists(best));

        IEnumerable<double?> Scores() =>
            Directory.EnumerateFiles(run, "*.safetensors").Select(TrainingCheckpoint.ScoreOf);
    }

    [Fact]
    public void RowsOfATableAreEvaluatedToo()
    {
        // The class is whether the first value is positive, and that value is by far the largest.
        float[] Rows(int count, int seed) => [.. Enumerable.Range(0, count * 4)
            .Select(i => (i % 8 == 0 ? 3f : i % 8 == 4 ? -3f : 0) + (float)new Random(seed + i).NextDouble())];
        int[] Labels(int count) => [.. Enumerable.Range(0, count).Select(i => i % 2)];
        using TableStore train = new(Rows(40, 1), 4), test = new(Rows(20, 1000), 4);
        var reports = new List<TrainingProgress>();
        var options = new MoCoOptions
        {
            Mixing = new IMixOptions(),
            Table = new() { Standardize = false },
            BatchSize = 20,
            Epochs = 2,
            Seed = 1,
            Threads = 1,
            Evaluation = new(train, Labels(40), test, Labels(20)),
            Progress = new Collect(reports.Add),
        };
        Pretrainer.Fit(train, options).Dispose();
        Assert.InRange(reports[^1].KnnAccuracy!.Value, 0.9, 1);
        Assert.Equal(((MoCoOptions)options.Resolve(DataFacts.Of(train), [])).KeyMomentum, reports[^1].TeacherMomentum);
    }

    [Fact]
    public void TheTeachersMomentumFollowsItsSchedule()
    {
        var reports = new List<TrainingProgress>();
        Pretrainer.Fit(Train.Images, TinyDino with { TeacherMomentum = 0.9, Progress = new Collect(reports.Add) })
            .Dispose();
        var last = reports[^1];
        Assert.Equal(Schedules.WarmupCosine(last.Step - 1, last.TotalSteps, 0, 0.9, 1), last.TeacherMomentum!.Value,
            12);
    }

    public static TheoryData<OnlineEvaluation, string> Invalid => new()
    {
        { Patterned with { EveryEpochs = 0 }, "EveryEpochs is 0" },
        { Patterned with { NumberOfNeighbors = 0 }, "NumberOfNeighbors is 0" },
        { Patterned with { BestEncoderPath = "/no such folder/best.safetensors" }, "no such folder" },
        { Patterned with { BestEncoderPath = " " }, "BestEncoderPath" },
        { new(new TableStore(new float[8], 4), [0, 1], new TableStore(new float[4], 4), [0]),
            "rows of 4 values; the input is images" },
    };

    [Theory]
    [MemberData(nameof(Invalid))]
    public void AnOptionOutOfRangeIsNamedBeforeTraining(OnlineEvaluation evaluation, string named)
    {
        var error = Assert.ThrowsAny<ArgumentException>(() =>
            Pretrainer.Fit(Train.Images, TinySimClr with { Evaluation = evaluation }));
        Assert.Contains(named, error.Message);
    }

    [Fact]
    public void LabelsThatDoNotFitTheRowsAreRefused()
    {
        Refused("31 trainLabels for 32 rows", () => new(Train.Images, Train.Labels[1..], Test.Images, Test.Labels));
        Refused("testLabels[0] is -1", () => new(Train.Images, Train.Labels, Test.Images, [-1, .. Test.Labels[1..]]));
        Refused("no rows for trainLabels", () => new(new ImageStore(), [], Test.Images, Test.Labels));

        static void Refused(string named, Func<OnlineEvaluation> make) =>
            Assert.Contains(named, Assert.Throws<ArgumentException>(make).Message);
    }

    [Fact]
    public void AGroupTellsAllItsReceivers()
    {
        var (first, second) = (new List<TrainingProgress>(), new List<TrainingProgress>());
        Pretrainer.Fit(Train.Images, TinySimClr with
        {
            Epochs = 1,
            Progress = new ProgressGroup(new Collect(first.Add), new Collect(second.Add))
        }).Dispose();
        Assert.NotEmpty(first);
        Assert.Equal(first, second);
        Assert.Throws<ArgumentNullException>(() => new ProgressGroup(new Collect(first.Add), null!));
    }

    private static byte[] Weights(PretrainOptions options)
    {
        using var encoder = Pretrainer.Fit(Train.Images, options);
        return [.. encoder.Backbone.state_dict().OrderBy(entry => entry.Key, StringComparer.Ordinal)
            .SelectMany(entry => entry.Value.bytes.ToArray())];
    }
}
