using static TorchSharp.torch;

namespace MLNet.Ssl.Tests;

[Collection(nameof(Alone))]
public sealed class ResumeTests(ResumeTests.WholeRuns runs) : IClassFixture<ResumeTests.WholeRuns>, IDisposable
{
    /// <summary>Uninterrupted runs with a checkpoint of each step: one of a method, for all tests.</summary>
    public sealed class WholeRuns : IDisposable
    {
        private readonly TemporaryFolder _temporary = new();
        private readonly Dictionary<string, (string Folder, Dictionary<string, byte[]> Weights)> _runs = [];

        public void Dispose() => _temporary.Dispose();

        internal (string Folder, Dictionary<string, byte[]> Weights) Of(string method)
        {
            if (!_runs.TryGetValue(method, out var run))
            {
                string folder = _temporary.File($"run {_runs.Count}");
                _runs[method] = run = (folder, SmallRuns.Train(SmallRuns.Of(method).In(folder)));
            }
            return run;
        }
    }

    private readonly TemporaryFolder _temporary = new();
    private int _folders;

    public void Dispose() => _temporary.Dispose();

    private string NewFolder() => Path.Combine(_temporary.Path, $"run {_folders++}");

    /// <summary>A folder as a run that was killed after a step leaves it.</summary>
    private string StoppedAt(string whole, params int[] steps) => StoppedAt(whole, NewFolder(), steps);

    private static string StoppedAt(string whole, string folder, int[] steps)
    {
        Directory.CreateDirectory(folder);
        foreach (int step in steps) File.Copy(SmallRuns.File(whole, step), SmallRuns.File(folder, step));
        return folder;
    }

    public static TheoryData<string> Methods => [.. SmallRuns.All.Keys];

    [Theory]
    [MemberData(nameof(Methods))]
    public void ARunResumedAtAnyStepEndsInTheBitsOfAnUninterruptedOne(string method)
    {
        var options = SmallRuns.Of(method);
        var plain = SmallRuns.Train(options);
        var (whole, weights) = runs.Of(method);
        SmallRuns.AssertSame(plain, weights);
        var end = SmallRuns.State(SmallRuns.File(whole, SmallRuns.Steps));
        Assert.False(end.All(entry => entry.Value.AsSpan()
            .SequenceEqual(SmallRuns.State(SmallRuns.File(whole, SmallRuns.Steps - 1))[entry.Key])));
        // In the middle of the first epoch, at the end of an epoch, anywhere, and at the end of the run.
        foreach (int step in new[] { 1, 8, new Random(method.Length).Next(2, SmallRuns.Steps), SmallRuns.Steps })
        {
            string folder = StoppedAt(whole, step);
            SmallRuns.AssertSame(plain, SmallRuns.Train(options.In(folder, resume: true)));
            SmallRuns.AssertSame(end, SmallRuns.State(SmallRuns.File(folder, SmallRuns.Steps)));
        }
    }

    public static TheoryData<string, string> Parts => new()
    {
        { "DINO in shards", "student." },
        { "DINO in shards", "teacher." },
        { "DINO in shards", "center" },
        { "DINO in shards", "optimizer.decayed.0" },
        { "DINO in shards", "optimizer.decayed.1" },
        { "DINO in shards", "optimizer.last_layer.steps" },
        { "MoCo v2, i-Mix", "online." },
        { "MoCo v2, i-Mix", "target." },
        { "MoCo v2, i-Mix", "queue" },
        { "MoCo v2, i-Mix", "queue_ptr" },
        { "MoCo v2, i-Mix", "optimizer.decayed.0" },
        { "SimCLR, LARS", "optimizer.undecayed.0" },
        { "BYOL", "target.backbone.conv1.weight" },
    };

    /// <summary>So the state holds nothing in vain, and the comparisons of bits see each part of it.</summary>
    [Theory]
    [MemberData(nameof(Parts))]
    public void AnyPartOfTheStateChangesTheEnd(string method, string part)
    {
        var options = SmallRuns.Of(method);
        var (whole, weights) = runs.Of(method);
        string folder = StoppedAt(whole, 5);
        using (NewDisposeScope())
        {
            var (checkpoint, state) = TrainingCheckpoint.Read(SmallRuns.File(folder, 5));
            var changed = state.Where(entry =>
                part.EndsWith('.') ? entry.Key.StartsWith(part, StringComparison.Ordinal) : entry.Key == part).ToList();
            Assert.NotEmpty(changed);
            foreach (var (_, value) in changed)
            {
                if (value.dtype == ScalarType.Float32) value.mul_(1.25).add_(0.01);
                else value.add_(16).remainder_(48);
            }
            checkpoint.Write(SmallRuns.File(folder, 5), [.. state.Select(entry => (entry.Key, entry.Value))]);
        }
        var other = SmallRuns.Train(options.In(folder, resume: true));
        Assert.Contains(weights.Keys, name => !weights[name].AsSpan().SequenceEqual(other[name]));
    }

    [Fact]
    public void NoTensorIsLeftBehind() =>
        TrainingProcess.MustSucceed(TrainingProcess.Command("tensors", NewFolder()));

    /// <summary>Counts in a process of its own, where the collector takes nothing that other tests left; 0 if no tensor
    /// is left behind.</summary>
    internal static int CountTensors(string folder)
    {
        var options = SmallRuns.Of("MoCo v2, i-Mix");
        SmallRuns.Train(options);
        GC.Collect();
        GC.WaitForPendingFinalizers();
        long before = Tensor.TotalCount;
        SmallRuns.Train(options);
        // Some versions of TorchSharp count a parameter's tensor twice, and but once when it is disposed.
        long uncounted = Tensor.TotalCount - before;
        SmallRuns.Train(options.In(folder));
        SmallRuns.Train(options.In(StoppedAt(folder, folder + " stopped", [5]), resume: true));
        long left = Tensor.TotalCount - before - 3 * uncounted;
        if (left != 0) Console.Error.WriteLine($"{left} tensors are left behind.");
        return left == 0 ? 0 : 1;
    }

    [Fact]
    public void AnEmptyFolderStartsARunAndAFullOneIsNotOverwritten()
    {
        string folder = NewFolder();
        var options = SmallRuns.Of("SimCLR, LARS");
        var log = new List<TrainingMessage>();
        SmallRuns.Train(options.In(folder, resume: true), log);
        Assert.Contains(log, m =>
            m.Text.Contains("holds no checkpoint: the run starts anew", StringComparison.Ordinal));
        var error = Assert.Throws<ArgumentException>(() => SmallRuns.Train(options.In(folder)));
        Assert.Contains("the newest of step 12: set Resume = true", error.Message);
        Assert.Contains("CheckpointFolder is null",
            Assert.Throws<ArgumentException>(() => SmallRuns.Train(options with { Resume = true })).Message);
    }

    public static TheoryData<string, PretrainOptions, string> Changes
    {
        get
        {
            var simclr = (SimClrOptions)SmallRuns.Of("SimCLR, LARS");
            var moco = (MoCoOptions)SmallRuns.Of("MoCo v2, i-Mix");
            return new()
            {
                { "SimCLR, LARS", simclr with { Epochs = 4 }, "Epochs was 3 and is 4" },
                { "SimCLR, LARS", simclr with { Seed = 6, BatchSize = 8 },
                    "BatchSize was 16 and is 8; Seed was 5 and is 6" },
                { "SimCLR, LARS", simclr with { Temperature = 0.3 }, "Temperature was 0.5 and is 0.3" },
                { "SimCLR, LARS", simclr with { Threads = 2 }, "Threads was 1 and is 2" },
                { "SimCLR, LARS", simclr with { LearningRate = 0.125 }, "LearningRate was 1 and is 0.125" },
                { "SimCLR, LARS", simclr with { Optimizer = OptimizerKind.Sgd }, "Optimizer was Lars and is Sgd" },
                { "SimCLR, LARS", simclr with { Backbone = (ResNetOptions)simclr.Backbone! with { Width = 4 } },
                    "Backbone.Width was 8 and is 4" },
                { "SimCLR, LARS", simclr with { Backbone = (ResNetOptions)simclr.Backbone! with { BlocksPerStage =
                    [2] } }, "Backbone.BlocksPerStage was [1] and is [2]" },
                { "SimCLR, LARS", simclr with { View = ViewRecipes.SimClr() }, "View was none and is ViewRecipe" },
                { "SimCLR, LARS", SmallRuns.Of("BYOL"), "MethodName was SimCLR and is BYOL." },
                { "MoCo v2, i-Mix", moco with { Mixing = null }, "Mixing was IMixOptions and is none" },
                { "MoCo v2, i-Mix", moco with { Mixing = new IMixOptions { Alpha = 2 } },
                    "Mixing.Alpha was 1 and is 2" },
                { "MoCo v2, i-Mix", moco with { View = ViewRecipes.MoCoV1() }, "View." },
                { "MoCo v2, i-Mix", moco with { DecayEpochs = [1] }, "DecayEpochs was none and is [1]" },
                { "DINO, SDMP", (DinoOptions)SmallRuns.Of("DINO, SDMP") with { GlobalScale = (0.5, 1) },
                    "GlobalScale was (0.4, 1) and is (0.5, 1)" },
                { "table: BYOL", SmallRuns.Of("table: BYOL") with { Table = new() { ContinuousSlots = [0, 1] } },
                    "Table.ContinuousSlots was [0, 1, 2, 3, 4, 5] and is [0, 1]" },
            };
        }
    }

    [Theory]
    [MemberData(nameof(Changes))]
    public void AChangedOptionIsRefusedByNameWithBothValues(string method, PretrainOptions changed, string named)
    {
        string folder = StoppedAt(runs.Of(method).Folder, SmallRuns.Steps);
        var before = SmallRuns.State(SmallRuns.File(folder, SmallRuns.Steps));
        Assert.Contains(named,
            Assert.Throws<ArgumentException>(() => SmallRuns.Train(changed.In(folder, resume: true))).Message);
        SmallRuns.AssertSame(before, SmallRuns.State(SmallRuns.File(folder, SmallRuns.Steps)));
    }

    [Theory]
    [InlineData("SimCLR, LARS")]
    [InlineData("table: BYOL")]
    public void OtherDataIsRefused(string method)
    {
        string folder = StoppedAt(runs.Of(method).Folder, SmallRuns.Steps);
        var options = SmallRuns.Of(method);
        Assert.Contains("Rows of the data was 64 and is 65", Assert.Throws<ArgumentException>(() =>
            SmallRuns.Train(options.In(folder, resume: true), rows: 65)).Message);
        Assert.Contains("Fingerprint of the data was", Assert.Throws<ArgumentException>(() =>
            SmallRuns.Train(options.In(folder, resume: true), dataSeed: 2)).Message);
    }

    [Fact]
    public void SeedAndThreadsLeftAtAutoAreTheRunsOwn()
    {
        var options = SmallRuns.Of("DINO in shards");
        var log = new List<TrainingMessage>();
        var (whole, weights) = runs.Of("DINO in shards");
        SmallRuns.AssertSame(weights, SmallRuns.Train((options with { Seed = null, Threads = null, DefaultSeed = 77 })
            .In(StoppedAt(whole, 3), resume: true), log));
        Assert.Contains(log, m => m.Text == "Seed = 5: the checkpoint's");
        Assert.Contains(log, m => m.Text == "Threads = 2: the checkpoint's");
        Assert.Contains(log, m => m.Text.StartsWith("The run goes on after step 3 of 12", StringComparison.Ordinal));
    }

    public static TheoryData<string> Damages => ["cut", "empty", "bit", "metadata", "not safetensors"];

    [Theory]
    [MemberData(nameof(Damages))]
    public void ADamagedCheckpointIsPassedOverForTheOneBefore(string damage)
    {
        var options = SmallRuns.Of("BYOL");
        var (whole, weights) = runs.Of("BYOL");
        string folder = StoppedAt(whole, 4, 5, 6), newest = SmallRuns.File(folder, 6);
        Damage(newest, damage);
        var log = new List<TrainingMessage>();
        SmallRuns.AssertSame(weights, SmallRuns.Train(options.In(folder, resume: true), log));
        Assert.Contains(log, m => m.IsWarning && m.Text.Contains("damaged checkpoint is passed over",
            StringComparison.Ordinal) && m.Text.Contains(newest, StringComparison.Ordinal));
        Assert.Contains(log, m => m.Text.StartsWith("The run goes on after step 5 of 12", StringComparison.Ordinal));

        folder = StoppedAt(whole, 5, 6);
        Damage(SmallRuns.File(folder, 5), damage);
        Damage(SmallRuns.File(folder, 6), damage);
        var error = Assert.Throws<InvalidDataException>(() => SmallRuns.Train(options.In(folder, resume: true)));
        Assert.Contains("holds 2 checkpoint(s), and all are damaged", error.Message);
    }

    public static TheoryData<string, string?> OddFields => new()
    {
        { "step", null }, { "step", "six" }, { "step", "-6" }, { "step", "5" }, { "step", "99999999999999999999" },
        { "alarm", null }, { "alarm", "" }, { "alarm", "0 0" }, { "alarm", "0 x 0" }, { "alarm", "0 0 99999999999" },
        { "score", "NaN" }, { "score", "high" }, { "score", "1e999" },
        { "run.Seed", null }, { "run.Seed", "none" }, { "run.Seed", "99999999999" },
        { "run.Threads", null }, { "run.Threads", "0" }, { "run.Threads", "1000000000" }, { "run.Threads", "one" },
        { "run.BatchSize", null }, { "run.BatchSize", "" }, { "run.MethodName", null }, { "run.Else", "1" },
        { "mlnet-ssl", "training checkpoint, version 2" },
    };

    /// <summary>Written again with another field, and the right checksum.</summary>
    [Theory]
    [MemberData(nameof(OddFields))]
    public void ACheckpointOfOddFieldsIsPassedOverOrToldByItsName(string field, string? value)
    {
        var options = SmallRuns.Of("BYOL") with { Seed = null, Threads = null };
        string folder = StoppedAt(runs.Of("BYOL").Folder, 4, 5, 6), newest = SmallRuns.File(folder, 6);
        OddCheckpoints.Rewrite(newest, field, value);
        var log = new List<TrainingMessage>();
        SmallRuns.Train(options.In(folder, resume: true), log);
        Assert.Contains(log, m => m.IsWarning && m.Text.Contains("damaged checkpoint is passed over",
            StringComparison.Ordinal) && m.Text.Contains(newest, StringComparison.Ordinal));
        Assert.Contains(log, m => m.Text.StartsWith("The run goes on after step 5 of 12", StringComparison.Ordinal));
        Assert.True(File.Exists(newest + ".damaged"));

        folder = StoppedAt(runs.Of("BYOL").Folder, 6);
        OddCheckpoints.Rewrite(SmallRuns.File(folder, 6), field, value);
        var error = Assert.ThrowsAny<Exception>(() => SmallRuns.Train(options.In(folder, resume: true)));
        Assert.True(error is InvalidDataException or ArgumentException, $"{error}");
        Assert.Contains(folder, error.Message);
    }

    [Theory]
    [InlineData("another name")]
    [InlineData("another shape")]
    [InlineData("another type")]
    [InlineData("one more")]
    public void ACheckpointOfOtherTensorsIsPassedOver(string change)
    {
        string folder = StoppedAt(runs.Of("BYOL").Folder, 5, 6), newest = SmallRuns.File(folder, 6);
        using (NewDisposeScope())
        {
            var (checkpoint, state) = TrainingCheckpoint.Read(newest);
            var changed = state.Select(entry => (entry.Key, entry.Value)).ToList();
            var (name, value) = changed[0];
            if (change == "one more") changed.Add(("more", value));
            else changed[0] = change == "another name" ? ("else", value)
                : (name, change == "another type" ? value.to(float64) : value.reshape(-1, 1, 1, 1, 1));
            checkpoint.Write(newest, changed);
        }
        var log = new List<TrainingMessage>();
        SmallRuns.Train(SmallRuns.Of("BYOL").In(folder, resume: true), log);
        Assert.Contains(log, m =>
            m.IsWarning && m.Text.Contains($"'{newest}' is damaged: it holds other tensors", StringComparison.Ordinal));
        Assert.Contains(log, m => m.Text.StartsWith("The run goes on after step 5 of 12", StringComparison.Ordinal));
    }

    [Theory]
    [InlineData("queue_ptr", -16, "its queue_ptr is -16; expected a multiple of 16 from 0 to 32")]
    [InlineData("queue_ptr", 48, "its queue_ptr is 48")]
    [InlineData("queue_ptr", 8, "its queue_ptr is 8")]
    [InlineData("queue_ptr", long.MaxValue, "its queue_ptr is 9223372036854775807")]
    [InlineData("optimizer.decayed.steps", -1, "its optimizer.decayed.steps is negative")]
    [InlineData("target.backbone.bn1.num_batches_tracked", -5,
        "its target.backbone.bn1.num_batches_tracked is negative")]
    public void ACheckpointWhoseNumbersAreOutOfRangeIsPassedOver(string tensor, long value, string told)
    {
        var options = SmallRuns.Of("MoCo v2, i-Mix");
        string folder = StoppedAt(runs.Of("MoCo v2, i-Mix").Folder, 5, 6), newest = SmallRuns.File(folder, 6);
        using (NewDisposeScope())
        {
            var (checkpoint, state) = TrainingCheckpoint.Read(newest);
            Assert.True(state.ContainsKey(tensor),
                string.Join(' ', state.Where(s => s.Value.dtype == ScalarType.Int64).Select(s => s.Key)));
            state[tensor].fill_(value);
            checkpoint.Write(newest, [.. state.Select(entry => (entry.Key, entry.Value))]);
        }
        var log = new List<TrainingMessage>();
        SmallRuns.Train(options.In(folder, resume: true), log);
        Assert.Contains(log, m =>
            m.IsWarning && m.Text.Contains($"'{newest}' is damaged: {told}", StringComparison.Ordinal));
        Assert.Contains(log, m => m.Text.StartsWith("The run goes on after step 5 of 12", StringComparison.Ordinal));
        File.Delete(SmallRuns.File(folder, 5));
        File.Move(newest + ".damaged", newest, overwrite: true);
        foreach (string later in Directory.GetFiles(folder, "checkpoint-*").Where(file => file != newest))
            File.Delete(later);
        Assert.Contains(told,
            Assert.Throws<InvalidDataException>(() => SmallRuns.Train(options.In(folder, resume: true))).Message);
    }

    private static void Damage(string file, string how)
    {
        var bytes = File.ReadAllBytes(file);
        if (how == "bit") bytes[^100] ^= 4;
        if (how == "metadata") bytes[bytes.AsSpan().IndexOf("\"step\":\""u8) + 8]++;
        File.WriteAllBytes(file, how switch
        {
            "cut" => bytes[..(bytes.Length / 2)],
            "empty" => [],
            "not safetensors" => "PK and no more than that"u8.ToArray(),
            _ => bytes,
        });
    }

    [Fact]
    public void NoFlippedBitGoesUnnoticed()
    {
        string folder = StoppedAt(runs.Of("table: N-pair, i-Mix").Folder, SmallRuns.Steps),
            file = SmallRuns.File(folder, SmallRuns.Steps);
        var (bytes, random) = (File.ReadAllBytes(file), new Random(1));
        int header = 8 + BitConverter.ToInt32(bytes);
        for (int i = 0; i < 300; i++)
        {
            using var scope = NewDisposeScope();
            // Half of them in the header, which is the smaller part.
            int position = random.Next(i % 2 == 0 ? bytes.Length : header);
            byte before = bytes[position];
            bytes[position] ^= (byte)(1 << random.Next(8));
            File.WriteAllBytes(file, bytes);
            // JSON may write a character in two ways: what is read must then be the same.
            bool sameText = position < header && bytes.AsSpan(Math.Max(0, position - 5), 10).Contains((byte)'\\');
            if (!sameText) Assert.Throws<InvalidDataException>(() => TrainingCheckpoint.Read(file));
            bytes[position] = before;
        }
    }

    [Fact]
    public void ACancelledRunIsSavedAndGoesOn()
    {
        string folder = NewFolder(), other = NewFolder();
        var options = SmallRuns.Of("table: MoCo, i-Mix, InputMix") with { Epochs = 100_000 };
        var never = options.In(folder) with { CheckpointEvery = CheckpointInterval.Time(TimeSpan.FromDays(1)) };
        int first = Cancelled(never);
        Assert.Equal([SmallRuns.File(folder, first)], Directory.GetFiles(folder, "*.safetensors"));
        int second = Cancelled(never with { Resume = true });
        Assert.True(second > first);
        // Another run of more steps was at the same place at the first step.
        int longer =
            Cancelled(options.In(other) with { CheckpointEvery = CheckpointInterval.Steps(first) }, least: first);
        Assert.True(longer >= first);
        SmallRuns.AssertSame(SmallRuns.State(SmallRuns.File(other, first)),
            SmallRuns.State(SmallRuns.File(folder, first)));

        using var cancelled = new CancellationTokenSource();
        cancelled.Cancel();
        Assert.Contains("nothing is saved, as CheckpointFolder is null",
            Assert.Throws<OperationCanceledException>(() =>
                SmallRuns.Train(options with { CancellationToken = cancelled.Token })).Message);
    }

    private static int Cancelled(PretrainOptions options, int least = 1)
    {
        using var cancel = new CancellationTokenSource();
        var progress = new Collect(report =>
        {
            if (report.Step >= least) cancel.Cancel();
        });
        var error = Assert.Throws<OperationCanceledException>(() =>
            SmallRuns.Train(options with { CancellationToken = cancel.Token, Progress = progress }));
        Assert.Equal(cancel.Token, error.CancellationToken);
        Assert.Contains("Resume = true continues it from", error.Message);
        int step = Directory.GetFiles(options.CheckpointFolder!, "*.safetensors")
            .Select(f => int.Parse(Path.GetFileNameWithoutExtension(f)["checkpoint-".Length..])).Max();
        Assert.Contains($"after step {step} of", error.Message);
        return step;
    }
}
