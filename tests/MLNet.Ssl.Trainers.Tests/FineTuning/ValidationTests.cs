namespace MLNet.Ssl.Tests;

/// <summary>Fine-tuning and distillation are measured while they run, end when they get no better, and return the
/// best.</summary>
[Collection(nameof(Alone))]
public sealed class ValidationTests : IDisposable
{
    private static readonly ResNetOptions ResNet =
        new() { BlocksPerStage = [1], Width = 8, Stem = ResNetStem.SmallStride2 };

    private static readonly VisionTransformerOptions Vit =
        new() { PatchSize = 6, EmbeddingDimension = 24, Depth = 2, Heads = 2, ImageSize = 24 };

    private static readonly (ImageStore Images, int[] Labels) Train = Patterns.Draw(64, 1), Test = Patterns.Draw(24, 2);

    private readonly TemporaryFolder _temporary = new();

    // Every class is called by the next one's name: the better the classifier, the lower is this accuracy.
    private static ClassifierValidation Misnamed =>
        new(Train.Images, [.. Train.Labels.Select(label => (label + 1) % Patterns.Classes)]);

    private static ClassifierValidation Held => new(Test.Images, Test.Labels);

    public void Dispose() => _temporary.Dispose();

    private static FineTuneOptions Tuning => new()
    {
        Epochs = 3,
        BatchSize = 16,
        Seed = 3,
        Threads = 1,
        MixupAlpha = 0.8,
    };

    private static DistillOptions Distilling => new()
    {
        Epochs = 3,
        BatchSize = 16,
        Seed = 3,
        Threads = 1,
        Temperature = 1,
        Optimizer = OptimizerKind.AdamW,
        LearningRate = 0.05,
    };

    [Theory]
    [InlineData("finetune resnet")]
    [InlineData("finetune vit")]
    [InlineData("distill")]
    public void MeasuringDoesNotChangeWhatIsLearned(string run)
    {
        var plain = Weights(Fit(run, null, []));
        Assert.Equal(plain, Weights(Fit(run, Held with { ReturnBest = false }, [])));
    }

    [Theory]
    [InlineData("finetune resnet", 1, "1 2 3")]
    [InlineData("finetune vit", 2, "2 3")]
    [InlineData("distill", 5, "3")]
    public void EveryFewEpochsAndAtTheEndTheAccuracyIsReported(string run, int every, string expected)
    {
        var reports = new List<TrainingProgress>();
        using var classifier = Fit(run, Held with { EveryEpochs = every, ReturnBest = false }, reports);
        var measured = reports.Where(report => report.ValidationAccuracy is not null).ToList();
        Assert.Equal(expected, string.Join(' ', measured.Select(report => report.Epoch)));
        // Four steps an epoch: the accuracy belongs to the epoch's last step.
        Assert.All(measured, report => Assert.Equal(4 * report.Epoch, report.Step));
        Assert.All(measured, report => Assert.Null(report.KnnAccuracy));
        Assert.Equal(Accuracy(classifier, Test), measured[^1].ValidationAccuracy!.Value, 12);
    }

    [Theory]
    [InlineData("finetune resnet")]
    [InlineData("distill")]
    public void TheBestClassifierIsReturned(string run)
    {
        var reports = new List<TrainingProgress>();
        using var best = Fit(run, Misnamed, reports, epochs: 12);
        double[] accuracies = Accuracies(reports);
        Assert.True(accuracies.Max() > accuracies[^1], "The last classifier is the best: the test tells nothing.");
        Assert.Equal(accuracies.Max(), Accuracy(best, (Train.Images, Labels(Misnamed))), 12);
    }

    [Fact]
    public void ItIsMeasuredInThePrecisionThatTheClassifierIsReturnedWith()
    {
        var options = Tuning with { Epochs = 12, Precision = Precision.BFloat16 };
        var images = Patterns.Draw(4000, 3).Images;
        int[] labels;
        using (var classifier = Fit(options, null, [])) labels = Predicted(classifier, images);
        var reports = new List<TrainingProgress>();
        Fit(options, new ClassifierValidation(images, labels) { EveryEpochs = 12 }, reports).Dispose();
        Assert.Equal(1, Assert.Single(Accuracies(reports)));
    }

    [Fact]
    public void ARunThatGetsNoBetterEndsAndOfEqualsTheFirstIsReturned()
    {
        var reports = new List<TrainingProgress>();
        var log = new List<string>();
        // Four images of the training set are learned by heart: from then on the accuracy is 1.
        var few = new ImageStore();
        for (int row = 0; row < 4; row++) few.Add(Train.Images[row].Pixels.Span, Patterns.Side, Patterns.Side);
        var validation = new ClassifierValidation(few, Train.Labels[..4]) { Patience = 3 };
        Fit("finetune resnet", validation, reports, epochs: 200, log: log).Dispose();
        double[] accuracies = Accuracies(reports);
        int first = Array.IndexOf(accuracies, accuracies.Max());
        Assert.Equal(accuracies[first], accuracies[^1]);
        Assert.Equal(first + 4, accuracies.Length);
        Assert.Contains(log, line => line.Contains("the validation accuracy no longer rises (Validation.Patience)",
            StringComparison.Ordinal));
        Assert.Contains(log, line => line.StartsWith($"What was learned by epoch {first + 1} is returned",
            StringComparison.Ordinal));
    }

    [Fact]
    public void AResumedRunKnowsTheBestOfBeforeAndEndsWhereTheUninterruptedOneDoes()
    {
        var options = Tuning with
        {
            Epochs = 30,
            CheckpointFolder = _temporary.File("whole"),
            CheckpointEvery = CheckpointInterval.Steps(1),
            CheckpointsKept = 1000,
        };
        var (whole, resumed) = (new List<TrainingProgress>(), new List<TrainingProgress>());
        var expected = Weights(Fit(options, Misnamed with { Patience = 2 }, whole));
        double[] accuracies = Accuracies(whole);
        int best = 1 + Array.IndexOf(accuracies, accuracies.Max());
        Assert.Equal(best + 2, accuracies.Length);
        // As a run leaves its folder that was killed in the epoch after the best one.
        string part = Directory.CreateDirectory(_temporary.File("part")).FullName;
        foreach (int step in new[] { 4 * best, 4 * best + 1 })
            File.Copy(SmallRuns.File(options.CheckpointFolder!, step), SmallRuns.File(part, step));
        var again = options with { CheckpointFolder = part, Resume = true };
        Assert.Equal(expected, Weights(Fit(again, Misnamed with { Patience = 2 }, resumed)));
        Assert.Equal(accuracies[best..], Accuracies(resumed));
        // Resumed once more it has nothing left to do.
        resumed.Clear();
        Assert.Equal(expected, Weights(Fit(again, Misnamed with { Patience = 2 }, resumed)));
        Assert.Empty(resumed);
    }

    [Fact]
    public void TheBestCheckpointStaysBesideTheNewest()
    {
        string folder = _temporary.File("run");
        var reports = new List<TrainingProgress>();
        Fit(Tuning with
        {
            Epochs = 12,
            CheckpointFolder = folder,
            CheckpointsKept = 1,
            CheckpointEvery = CheckpointInterval.Epochs(1)
        }, Misnamed, reports).Dispose();
        double[] accuracies = Accuracies(reports);
        // Of equals the first, which a resumed run counts its patience from.
        int best = 1 + Array.IndexOf(accuracies, accuracies.Max());
        Assert.Equal(accuracies.Max(), TrainingCheckpoint.ScoreOf(SmallRuns.File(folder, 4 * best)));
        Assert.True(File.Exists(SmallRuns.File(folder, 48)));
    }

    [Fact]
    public void ARunThatIsStoppedIsMeasuredToo()
    {
        var reports = new List<TrainingProgress>();
        using var stop = new CancellationTokenSource();
        stop.Cancel();
        Fit(Tuning with { StopToken = stop.Token }, Held, reports).Dispose();
        Assert.NotNull(Assert.Single(reports).ValidationAccuracy);
    }

    public static TheoryData<ClassifierValidation, string> Invalid => new()
    {
        { Held with { EveryEpochs = 0 }, "Validation.EveryEpochs is 0" },
        { Held with { Patience = 0 }, "Validation.Patience is 0" },
        { new(Test.Images, [.. Test.Labels[..^1], Patterns.Classes]), "Label 23 of the validation is 4" },
    };

    [Theory]
    [MemberData(nameof(Invalid))]
    public void AnOptionOutOfRangeIsNamedBeforeTraining(ClassifierValidation validation, string named)
    {
        foreach (string run in new[] { "finetune resnet", "distill" })
            Assert.Contains(named, Assert.ThrowsAny<ArgumentException>(() => Fit(run, validation, [])).Message);
    }

    [Fact]
    public void LabelsThatDoNotFitTheImagesAreRefused()
    {
        Refused("23 labels for 24 rows", () => new(Test.Images, Test.Labels[1..]));
        Refused("labels[0] is -1", () => new(Test.Images, [-1, .. Test.Labels[1..]]));
        Refused("no rows for labels", () => new(new ImageStore(), []));

        static void Refused(string named, Func<ClassifierValidation> make) =>
            Assert.Contains(named, Assert.Throws<ArgumentException>(make).Message);
    }

    private static ImageClassifier Fit(string run, ClassifierValidation? validation, List<TrainingProgress> reports,
        int epochs = 3, List<string>? log = null)
    {
        if (run != "distill")
        {
            return Fit(Tuning with { Epochs = epochs }, validation, reports, log,
                run == "finetune vit" ? Vit : ResNet);
        }
        using var teacher = Fit(Tuning with { Epochs = 15, MixupAlpha = 0 }, null, []);
        return Distiller.Fit(Train.Images, null, teacher, Distilling with
        {
            Epochs = epochs,
            Validation = validation,
            Progress = new Collect(reports.Add)
        });
    }

    private static ImageClassifier Fit(FineTuneOptions options, ClassifierValidation? validation,
        List<TrainingProgress> reports, List<string>? log = null, BackboneOptions? backbone = null)
    {
        using var encoder = Pretrainer.Fit(Train.Images, new SimClrOptions
        {
            Backbone = backbone ?? ResNet,
            ImageSize = 24,
            BatchSize = 32,
            Epochs = 0,
            Seed = 1,
            Threads = 1
        });
        return FineTuner.Fit(Train.Images, Train.Labels, Patterns.Classes, encoder,
            options with { Validation = validation, Progress = new Collect(reports.Add) },
            message => log?.Add(message.Text));
    }

    private static int[] Labels(ClassifierValidation validation) =>
        [.. validation.Rows.Labels.Select(label => (int)label)];

    private static double[] Accuracies(IEnumerable<TrainingProgress> reports) =>
        [.. reports.Where(report => report.ValidationAccuracy is not null)
            .Select(report => report.ValidationAccuracy!.Value)];

    private static double Accuracy(ImageClassifier classifier, (ImageStore Images, int[] Labels) test) =>
        Predicted(classifier, test.Images).Zip(test.Labels, (a, b) => a == b ? 1.0 : 0).Average();

    private static int[] Predicted(ImageClassifier classifier, ImageStore images)
    {
        var scores = new float[images.Count * classifier.NumberOfClasses];
        classifier.Probabilities([.. Enumerable.Range(0, images.Count).Select(i => images[i])], scores);
        return [.. scores.Chunk(classifier.NumberOfClasses).Select(row => Array.IndexOf(row, row.Max()))];
    }

    private static byte[] Weights(ImageClassifier classifier)
    {
        using (classifier)
        {
            return [.. classifier.Network.state_dict().OrderBy(entry => entry.Key, StringComparer.Ordinal)
                .SelectMany(entry => entry.Value.bytes.ToArray())];
        }
    }
}
