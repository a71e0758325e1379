using System.Diagnostics;

namespace MLNet.Ssl.Tests;

public class PretrainerTests
{
    private static readonly ResNetOptions TinyResNet =
        new() { BlocksPerStage = [1, 1], Width = 16, Stem = ResNetStem.Small };

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
        BatchSize = 16,
        Epochs = 2,
        Seed = 3,
    };

    private static readonly SimClrOptions TinySimClr =
        new() { Backbone = TinyResNet, ImageSize = 24, BatchSize = 16, Epochs = 2, Seed = 3 };

    public static TheoryData<string> Methods => ["dino", "simclr"];

    private static PretrainOptions Tiny(string method) => method == "dino" ? TinyDino : TinySimClr;

    [Theory]
    [MemberData(nameof(Methods))]
    public void TheSameSeedGivesTheSameWeights(string method)
    {
        var images = Patterns.Draw(64, 1).Images;
        var first = Embeddings(images, Tiny(method));
        Assert.Equal(first, Embeddings(images, Tiny(method)));
        Assert.NotEqual(first, Embeddings(images, Tiny(method) with { Seed = 4 }));
    }

    [Theory]
    [MemberData(nameof(Methods))]
    public void TrainingMovesTheEncoder(string method)
    {
        var images = Patterns.Draw(64, 1).Images;
        Assert.NotEqual(Embeddings(images, Tiny(method) with { Epochs = 0 }), Embeddings(images, Tiny(method)));
    }

    [Fact]
    public void ProgressCoversTheRun()
    {
        var reports = new List<TrainingProgress>();
        using var encoder =
            Pretrainer.Fit(Patterns.Draw(64, 1).Images, TinyDino with { Progress = new Collect(reports.Add) });
        var last = reports[^1];
        Assert.Equal((8, 8, 2, 2), (last.Step, last.TotalSteps, last.Epoch, last.Epochs));
        Assert.Equal(TimeSpan.Zero, last.Remaining);
        Assert.InRange(last.Loss, 0.1, 2 * Math.Log(64));
        Assert.InRange(last.TeacherEntropy!.Value, 0, 1.0001);
        Assert.InRange(last.EmbeddingStd!.Value, 0, 1.5);
        Assert.InRange(last.DataWait, 0, 1);
    }

    [Fact]
    public void CancellationStopsTheRun()
    {
        using var cancel = new CancellationTokenSource();
        var options = TinyDino with
        {
            Epochs = 100_000,
            CancellationToken = cancel.Token,
            Progress = new Collect(_ => cancel.Cancel())
        };
        var clock = Stopwatch.StartNew();
        Assert.Throws<OperationCanceledException>(() => Pretrainer.Fit(Patterns.Draw(64, 1).Images, options));
        Assert.InRange(clock.Elapsed.TotalSeconds, 0, 60);
    }

    [Fact]
    public void ALossThatIsNotFiniteEndsTheRun()
    {
        var error = Assert.Throws<ArithmeticException>(() => Pretrainer.Fit(Patterns.Draw(64, 1).Images,
            TinySimClr with { LearningRate = 1e30, Epochs = 50, WarmupEpochs = 0 }));
        Assert.Contains("LearningRate", error.Message);
    }

    [Fact]
    public void AnEncoderThatIsNotFiniteEndsTheRun()
    {
        // Of a single step the loss is that of the initial weights.
        var (images, labels) = Patterns.Draw(64, 1);
        var options = TinySimClr with { LearningRate = 1e30, Epochs = 1, WarmupEpochs = 0, BatchSize = 64 };
        foreach (var evaluation in new[] { null, new OnlineEvaluation(images, labels, images, labels) })
        {
            var error = Assert.Throws<ArithmeticException>(() =>
                Pretrainer.Fit(images, options with { Evaluation = evaluation }));
            Assert.Contains("not finite", error.Message);
            Assert.Contains("LearningRate", error.Message);
        }
    }

    public static TheoryData<PretrainOptions, string> Invalid => new()
    {
        { TinyDino with { Epochs = -1 }, "Epochs" },
        { TinyDino with { BatchSize = 65 }, "BatchSize" },
        { TinyDino with { BatchSize = 1 }, "BatchSize" },
        { TinyDino with { LearningRate = 0 }, "LearningRate" },
        { TinyDino with { LearningRate = double.NaN }, "LearningRate" },
        { TinyDino with { Threads = 0 }, "Threads" },
        { TinyDino with { WarmupEpochs = -1 }, "WarmupEpochs" },
        { TinyDino with { Optimizer = (OptimizerKind)7 }, "Optimizer" },
        { TinyDino with { ImageSize = 25 }, "25" },
        { TinyDino with { LocalSize = 10 }, "LocalSize is 10: A view of 10 pixels does not fit" },
        { TinyDino with { LocalSize = 5 }, "LocalSize is 5: " },
        { TinyDino with { LocalSize = null, ImageSize = 32, Backbone = new ResNetOptions { Width = 8 } },
            "LocalSize is 16 by Auto: A view of 16 pixels is too small" },
        { TinyDino with { LocalCrops = -1 }, "LocalCrops" },
        { TinyDino with { OutputDimension = 1 }, "OutputDimension" },
        { TinyDino with { StudentTemperature = 0 }, "StudentTemperature" },
        { TinyDino with { TeacherTemperature = -1 }, "TeacherTemperature" },
        { TinyDino with { Centering = (DinoCentering)7 }, "Centering" },
        { TinyDino with { FreezeLastLayerEpochs = -1 }, "FreezeLastLayerEpochs" },
        { TinyDino with { GlobalScale = (0.9, 0.4) }, "GlobalScale" },
        { TinyDino with { LocalScale = (0.1, 1.5) }, "LocalScale" },
        { TinyDino with { CenterMomentum = 2 }, "CenterMomentum" },
        { TinyDino with { TeacherMomentum = -0.1 }, "TeacherMomentum" },
        { TinyDino with { ClipGradient = -1 }, "ClipGradient" },
        { TinyDino with { DropPathRate = 1 }, "DropPathRate" },
        { TinyDino with { Backbone = TinyVit with { Heads = 5 } }, "Heads" },
        { TinySimClr with { Temperature = 0 }, "Temperature" },
        { TinySimClr with { MinCropScale = 0 }, "MinCropScale" },
        { TinySimClr with { HeadLayers = 0 }, "HeadLayers" },
        { TinySimClr with { Reduction = (NtXentReduction)9 }, "Reduction" },
    };

    [Theory]
    [MemberData(nameof(Invalid))]
    public void AnOptionOutOfRangeIsNamedBeforeTraining(PretrainOptions options, string named)
    {
        var error = Assert.ThrowsAny<ArgumentException>(() => Pretrainer.Fit(Patterns.Draw(64, 1).Images, options));
        Assert.Contains(named, error.Message);
    }

    [Fact]
    public void TooFewImagesAreRefused()
    {
        var error = Assert.Throws<ArgumentException>(() => Pretrainer.Fit(new ImageStore(), TinyDino));
        Assert.Contains("0 training images", error.Message);
    }

    [Fact]
    public void WhatIsLeftAtAutoIsChosenFromTheDataAndSaid()
    {
        var reasons = new List<string>();
        var dino = (DinoOptions)new DinoOptions().Resolve(new DataFacts(10_000, 32, 2), reasons);
        Assert.Equal((32, 16, 64, 1024, 10, 0.99), (dino.ImageSize, dino.LocalSize, dino.BatchSize,
            dino.OutputDimension, dino.WarmupEpochs, dino.TeacherMomentum));
        Assert.Contains(reasons, r => r.StartsWith("OutputDimension = 1024", StringComparison.Ordinal));
        Assert.Equal((DinoCentering.SinkhornKnopp, 1, 0.004),
            (dino.Centering, dino.FreezeLastLayerEpochs, dino.LearningRate));
        Assert.Contains("TeacherMomentum = 0.99: a mean over about a hundredth of 15600 steps", reasons);

        // Whatever the length, sets of the published size have what is published.
        foreach (int epochs in new[] { 1, 20 })
        {
            var large = new DinoOptions { Epochs = epochs }.Resolve(new DataFacts(1_200_000, 300, 2), []);
            Assert.Equal((224, 96, 65_536, epochs / 10, 0.996),
                (large.ImageSize, large.LocalSize, large.OutputDimension, large.WarmupEpochs, large.TeacherMomentum));
            Assert.Equal((DinoCentering.Mean, epochs / 20, 0.0005),
                (large.Centering, large.FreezeLastLayerEpochs, large.LearningRate));
        }

        var few = (SimClrOptions)new SimClrOptions().Resolve(new DataFacts(50, 48, 2), []);
        Assert.Equal((48, 12, 0.5, false), (few.ImageSize, few.BatchSize, few.Temperature, few.Blur));

        var given =
            (DinoOptions)new DinoOptions { OutputDimension = 7, BatchSize = 5 }.Resolve(new DataFacts(100, 32, 2), []);
        Assert.Equal((7, 5), (given.OutputDimension, given.BatchSize));
    }

    [Theory]
    [InlineData(5, 64, 0.9, 0, 0.004)]
    [InlineData(20, 64, 0.9679, 1, 0.004)]
    [InlineData(200, 512, 0.9737, 1, 0.0005)]
    [InlineData(0, 64, 0.9, 0, 0.004)]
    public void DinosTeacherFollowsAsFastAsTheRunIsShort(
        int epochs, int batch, double momentum, int frozen, double rate)
    {
        var options = new DinoOptions { Epochs = epochs, BatchSize = batch }.Resolve(new DataFacts(10_000, 32, 2), []);
        Assert.Equal((momentum, frozen, rate),
            (options.TeacherMomentum, options.FreezeLastLayerEpochs, options.LearningRate));
    }

    private static float[] Embeddings(ImageStore images, PretrainOptions options)
    {
        using var encoder = Pretrainer.Fit(images, options);
        var result = new float[8 * encoder.EmbeddingDimension];
        encoder.Embed([.. Enumerable.Range(0, 8).Select(i => images[i])], result);
        return result;
    }
}
