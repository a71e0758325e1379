namespace MLNet.Ssl.Tests;

/// <summary>Fine-tuning and distillation are runs like pretraining: saved, resumed, cancelled and drawn.</summary>
[Collection(nameof(Alone))]
public sealed class SupervisedRunTests : IDisposable
{
    private static readonly ResNetOptions ResNet =
        new() { BlocksPerStage = [1], Width = 8, Stem = ResNetStem.SmallStride2 };

    private static readonly VisionTransformerOptions Vit = new()
    {
        PatchSize = 6,
        EmbeddingDimension = 24,
        Depth = 2,
        Heads = 2,
        ImageSize = 24,
    };

    private readonly string _folder = Directory.CreateTempSubdirectory("supervised").FullName;
    private readonly (ImageStore Images, int[] Labels) _data = Patterns.Draw(64, 1);

    public void Dispose() => Directory.Delete(_folder, recursive: true);

    private static ImageEncoder Encoder(BackboneOptions backbone, int seed = 1) => Pretrainer.Fit(
        Patterns.Draw(64, 9).Images,
        new SimClrOptions
        {
            Backbone = backbone,
            ImageSize = 24,
            BatchSize = 32,
            Epochs = 0,
            Seed = seed,
            Threads = 1
        });

    private FineTuneOptions Tuning(string? folder = null, bool resume = false) => new()
    {
        Epochs = 3,
        BatchSize = 16,
        Seed = 3,
        Threads = 1,
        MixupAlpha = 0.8,
        CheckpointFolder = folder is null ? null : Path.Combine(_folder, folder),
        CheckpointEvery = CheckpointInterval.Steps(1),
        CheckpointsKept = 100,
        Resume = resume,
    };

    private DistillOptions Distilling(string? folder = null, bool resume = false) => new()
    {
        Epochs = 3,
        BatchSize = 16,
        Seed = 3,
        Threads = 1,
        Alpha = 0.5,
        Optimizer = OptimizerKind.AdamW,
        CheckpointFolder = folder is null ? null : Path.Combine(_folder, folder),
        CheckpointEvery = CheckpointInterval.Steps(1),
        CheckpointsKept = 100,
        Resume = resume,
    };

    /// <summary>A folder as a run that was killed after a step leaves it.</summary>
    private void StopAt(int step, string whole, string part)
    {
        string to = Directory.CreateDirectory(Path.Combine(_folder, part)).FullName;
        File.Copy(SmallRuns.File(Path.Combine(_folder, whole), step), SmallRuns.File(to, step));
    }

    private byte[] Weights(ImageClassifier classifier)
    {
        using (classifier)
        {
            var state = classifier.Network.state_dict();
            return [.. state.OrderBy(e => e.Key, StringComparer.Ordinal).SelectMany(e => e.Value.bytes.ToArray())];
        }
    }

    [Theory]
    [InlineData(false, 1)]
    [InlineData(true, 7)]
    public void AFineTuningRunResumedEndsInTheBitsOfAnUninterruptedOne(bool transformer, int step)
    {
        using var encoder = Encoder(transformer ? Vit : ResNet);
        byte[] Run(FineTuneOptions options, int[]? labels = null) =>
            Weights(FineTuner.Fit(_data.Images, labels ?? _data.Labels, Patterns.Classes, encoder, options));
        var plain = Run(Tuning());
        Assert.Equal(plain, Run(Tuning("whole")));
        StopAt(step, "whole", "part");
        Assert.Equal(plain, Run(Tuning("part", resume: true)));

        int[] others = [.. _data.Labels.Select(label => (label + 1) % Patterns.Classes)];
        Assert.Contains("Fingerprint of the data was",
            Assert.Throws<ArgumentException>(() => Run(Tuning("part", resume: true), others)).Message);
        using var another = Encoder(transformer ? Vit : ResNet, seed: 2);
        Assert.Contains("Weights of the encoder was", Assert.Throws<ArgumentException>(
            () => FineTuner.Fit(_data.Images, _data.Labels, Patterns.Classes, another, Tuning("part", resume: true)))
                .Message);
        Assert.Contains("MixupAlpha was 0.8 and is 0.5",
            Assert.Throws<ArgumentException>(() => Run(Tuning("part", resume: true) with { MixupAlpha = 0.5 }))
                .Message);
    }

    [Fact]
    public void ADistillationRunResumedEndsInTheBitsOfAnUninterruptedOne()
    {
        using var encoder = Encoder(ResNet);
        using var teacher = FineTuner.Fit(_data.Images, _data.Labels, Patterns.Classes, encoder, Tuning());
        byte[] Run(DistillOptions options) => Weights(Distiller.Fit(_data.Images, _data.Labels, teacher, options));
        var plain = Run(Distilling());
        Assert.Equal(plain, Run(Distilling("whole")));
        StopAt(5, "whole", "part");
        Assert.Equal(plain, Run(Distilling("part", resume: true) with { Seed = null, Threads = null }));
        Assert.Contains("Alpha was 0.5 and is 0.25",
            Assert.Throws<ArgumentException>(() => Run(Distilling("part", resume: true) with { Alpha = 0.25 }))
                .Message);
    }

    [Fact]
    public void ACancelledRunIsSavedAndGoesOn()
    {
        using var encoder = Encoder(ResNet);
        using var stop = new CancellationTokenSource();
        ImageClassifier Run(FineTuneOptions options) =>
            FineTuner.Fit(_data.Images, _data.Labels, Patterns.Classes, encoder, options);
        var never = Tuning("cancelled") with
        {
            CheckpointEvery = CheckpointInterval.Time(TimeSpan.FromDays(1)),
            Epochs = 100_000
        };
        var cancelled = never with { CancellationToken = stop.Token, Progress = new Collect(_ => stop.Cancel()) };
        var error = Assert.Throws<OperationCanceledException>(() => Run(cancelled));
        Assert.Contains("Resume = true continues it from", error.Message);
        Assert.Single(Directory.GetFiles(never.CheckpointFolder!, "*.safetensors"));
    }

    [Fact]
    public void FineTuningIsDrawnByTensorBoard()
    {
        using var encoder = Encoder(ResNet);
        var reports = new List<TrainingProgress>();
        string file;
        using (var board = new TensorBoardWriter(Path.Combine(_folder, "board")))
        {
            file = board.FilePath;
            var progress = new ProgressGroup(board, new Collect(reports.Add));
            FineTuner.Fit(_data.Images, _data.Labels, Patterns.Classes, encoder, Tuning() with { Progress = progress })
                .Dispose();
        }
        var last = reports[^1];
        Assert.Equal((12, 12, 3, 3), (last.Step, last.TotalSteps, last.Epoch, last.Epochs));
        Assert.Null(last.EmbeddingStd);
        Assert.Null(last.TeacherMomentum);
        string events = System.Text.Encoding.Latin1.GetString(File.ReadAllBytes(file));
        Assert.Contains("loss", events);
        Assert.Contains("learning_rate", events);
        Assert.DoesNotContain("embedding_std", events);
    }

    [Fact]
    public void WhatWasChosenIsLogged()
    {
        using var encoder = Encoder(ResNet);
        var log = new List<string>();
        var options = new FineTuneOptions { Epochs = 1, Seed = 1, Threads = 1 };
        FineTuner.Fit(_data.Images, _data.Labels, Patterns.Classes, encoder, options, line => log.Add(line.Text))
            .Dispose();
        Assert.Contains(log, line => line.StartsWith("Fine-tuning: Optimizer = Sgd: for", StringComparison.Ordinal));
        Assert.Contains("Fine-tuning: BatchSize = 16: of 64 rows, a quarter at most", log);
    }
}
