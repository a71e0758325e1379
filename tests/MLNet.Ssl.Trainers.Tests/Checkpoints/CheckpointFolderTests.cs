using static TorchSharp.torch;

namespace MLNet.Ssl.Tests;

public sealed class CheckpointFolderTests : IDisposable
{
    private readonly TemporaryFolder _temporary = new();

    public void Dispose() => _temporary.Dispose();

    private static PretrainOptions Options => SmallRuns.Of("table: BYOL");

    [Fact]
    public void AFolderThatCannotBeWrittenIsNamedBeforeTraining()
    {
        File.WriteAllText(_temporary.File("file"), "");
        string folder = Path.Combine(_temporary.File("file"), "run");
        var error = Assert.Throws<IOException>(() => SmallRuns.Train(Options.In(folder)));
        Assert.Contains($"CheckpointFolder '{folder}' cannot be written", error.Message);
        Assert.Contains("cannot be written", Assert.Throws<IOException>(() => SmallRuns.Train(Options.In(""))).Message);
    }

    [Fact]
    public void AFolderThatIsTakenAwayIsNamedAtTheWrite()
    {
        string folder = _temporary.File("run");
        var takeAway = new Collect(_ =>
        {
            if (Directory.Exists(folder)) Directory.Delete(folder, true);
        });
        var options = Options.In(folder) with { CheckpointEvery = CheckpointInterval.Epochs(3), Progress = takeAway };
        var error = Assert.Throws<IOException>(() => SmallRuns.Train(options));
        Assert.Contains($"The checkpoint of step 12 cannot be written to CheckpointFolder '{folder}'", error.Message);
        Assert.EndsWith("There is none before it.", error.Message);
    }

    [Fact]
    public void ADiskWithoutRoomIsRefusedBeforeTrainingWithTheNumbers()
    {
        string folder = _temporary.File("run");
        var error = Assert.Throws<IOException>(() =>
            SmallRuns.Train(Options.In(folder) with { CheckpointsKept = int.MaxValue }));
        Assert.Matches(@"has [\d,]+ bytes of free space; [\d,]+ are needed for checkpoints of [\d,]+ bytes each",
            error.Message);
        Assert.Empty(Directory.GetFiles(folder, "*.safetensors"));
    }

    [Fact]
    public void TheSpaceThatIsAskedForIsThatOfTheFiles()
    {
        string folder = _temporary.File("run");
        SmallRuns.Train(Options.In(folder));
        long file = new FileInfo(SmallRuns.File(folder, 1)).Length;
        var error = Assert.Throws<IOException>(() =>
            SmallRuns.Train(Options.In(_temporary.File("another")) with { CheckpointsKept = int.MaxValue }));
        long each = long.Parse(error.Message.Split("checkpoints of ")[1].Split(' ')[0].Replace(",", ""));
        Assert.InRange(file - each, 0, 20_000);
    }

    [Fact]
    public void TwoRunsDoNotShareAFolder()
    {
        string folder = _temporary.File("run");
        using (CheckpointFolder.Open(folder))
            Assert.Contains("is in use by another run",
                Assert.Throws<IOException>(() => SmallRuns.Train(Options.In(folder))).Message);
        SmallRuns.Train(Options.In(folder));
    }

    [Fact]
    public void TheLastOnesStay()
    {
        string folder = _temporary.File("run");
        SmallRuns.Train(Options.In(folder) with { CheckpointsKept = 2 });
        Assert.Equal([SmallRuns.File(folder, 11), SmallRuns.File(folder, 12)],
            Directory.GetFiles(folder, "*.safetensors").Order());
    }

    [Fact]
    public void OneIsWrittenAtTheEndOfEveryEpochAndOfTheRun()
    {
        string epochs = _temporary.File("epochs"), end = _temporary.File("end");
        SmallRuns.Train(Options.In(epochs) with { CheckpointEvery = CheckpointInterval.Epochs() });
        Assert.Equal([SmallRuns.File(epochs, 4), SmallRuns.File(epochs, 8), SmallRuns.File(epochs, 12)],
            Directory.GetFiles(epochs, "*.safetensors").Order());
        SmallRuns.Train(Options.In(end) with { CheckpointEvery = CheckpointInterval.Steps(7) });
        Assert.Equal([SmallRuns.File(end, 7), SmallRuns.File(end, 12)],
            Directory.GetFiles(end, "*.safetensors").Order());
    }

    [Fact]
    public void TheBestStaysBesideTheLast()
    {
        using var folder = CheckpointFolder.Open(_temporary.Path);
        using var scope = NewDisposeScope();
        double?[] scores = [0.3, 0.6, null, 0.5, null];
        for (int i = 0; i < scores.Length; i++)
        {
            new TrainingCheckpoint(i, new Dictionary<string, string> { ["Seed"] = "1" }, [0, 1, 2], scores[i])
                .Write(folder.PathOf(i), [("w", ones(3))]);
            folder.Prune(keep: 2, measure: null);
        }
        Assert.Equal([4L, 3, 1], folder.Files.Select(f => f.Step));
        var (checkpoint, state) = TrainingCheckpoint.Read(folder.PathOf(1));
        Assert.Equal((1, 0.6, "1"), (checkpoint.Step, checkpoint.Score, checkpoint.Run["Seed"]));
        Assert.Equal([0, 1, 2], checkpoint.Alarm);
        Assert.Equal([1f, 1, 1], state["w"].data<float>().ToArray());
    }

    [Fact]
    public void TheBestIsThatOfOneMeasure()
    {
        using var folder = CheckpointFolder.Open(_temporary.Path);
        using var scope = NewDisposeScope();
        (double? Score, string? Measure)[] scores =
            [(0.9, "one"), (0.4, "other"), (0.5, null), (null, null), (0.3, "other"), (null, null)];
        for (int i = 0; i < scores.Length; i++)
            new TrainingCheckpoint(i, new Dictionary<string, string>(), [0, 0, 0], scores[i].Score, scores[i].Measure)
                .Write(folder.PathOf(i), [("w", ones(3))]);
        Assert.Equal((1, 0.4), (folder.Best("other")!.Value.Step, folder.Best("other")!.Value.Score));
        Assert.Equal((0, 0.9), (folder.Best(null)!.Value.Step, folder.Best(null)!.Value.Score));
        Assert.Null(folder.Best("third"));
        Assert.Equal("other", TrainingCheckpoint.Read(folder.PathOf(4)).Checkpoint.Measure);
        folder.Prune(keep: 1, "other");
        Assert.Equal([5L, 1], folder.Files.Select(f => f.Step));
    }

    [Fact]
    public void WhatAKilledWriteLeftIsCleanedUpAndOtherFilesAreNot()
    {
        string[] foreign = [_temporary.File("notes.txt"), _temporary.File("checkpoint-mine.safetensors"),
            _temporary.File("other.tmp")];
        foreach (var file in foreign) File.WriteAllText(file, "x");
        File.WriteAllText(_temporary.File("checkpoint-0000000003.safetensors.0123.tmp"), "half");
        using (var folder = CheckpointFolder.Open(_temporary.Path))
        {
            Assert.Empty(folder.Files);
            folder.Prune(1, measure: null);
        }
        Assert.Equal([.. foreign.Append(_temporary.File("run.lock")).Order()],
            Directory.GetFiles(_temporary.Path).Order());
    }

    [Fact]
    public void WeightsThatAreNotFiniteAreNotSaved()
    {
        string folder = _temporary.File("run");
        var options = Options.In(folder) with { LearningRate = 1e38, WarmupEpochs = 0, Optimizer = OptimizerKind.Sgd };
        Assert.Throws<ArithmeticException>(() => SmallRuns.Train(options));
        foreach (var file in Directory.GetFiles(folder, "*.safetensors"))
        {
            using var scope = NewDisposeScope();
            var (_, state) = TrainingCheckpoint.Read(file);
            Assert.All(state.Where(entry => entry.Key.StartsWith("online", StringComparison.Ordinal)
                && entry.Value.dtype == ScalarType.Float32 && !entry.Key.Contains("running")),
                entry => Assert.True(entry.Value.isfinite().all().item<bool>(), entry.Key));
        }
    }

    [Fact]
    public void OptionsOutOfRangeAreNamed()
    {
        Assert.Contains("CheckpointEvery is 0",
            Assert.Throws<ArgumentOutOfRangeException>(() => CheckpointInterval.Steps(0)).Message);
        Assert.Contains("CheckpointEvery is -1",
            Assert.Throws<ArgumentOutOfRangeException>(() => CheckpointInterval.Epochs(-1)).Message);
        Assert.Contains("CheckpointEvery is 0",
            Assert.Throws<ArgumentOutOfRangeException>(() => CheckpointInterval.Time(TimeSpan.Zero)).Message);
        var error = Assert.Throws<ArgumentOutOfRangeException>(() =>
            SmallRuns.Train(Options.In(_temporary.File("run")) with { CheckpointsKept = 0 }));
        Assert.Contains("CheckpointsKept is 0", error.Message);
    }
}
