using TorchSharp;
using static TorchSharp.torch;
using static TorchSharp.torch.nn.functional;

namespace MLNet.Ssl.Tests;

[Collection(nameof(Alone))]
public class FineTuningTests
{
    private static readonly ResNetOptions TinyResNet =
        new() { BlocksPerStage = [1, 1], Width = 16, Stem = ResNetStem.SmallStride2 };

    private static readonly VisionTransformerOptions TinyTransformer =
        new() { PatchSize = 6, EmbeddingDimension = 24, Depth = 2, Heads = 2, ImageSize = 24 };

    private static readonly FineTuneOptions Quick = new() { Epochs = 1, BatchSize = 16, Seed = 1, Threads = 2 };

    private static ImageEncoder Encoder(BackboneOptions backbone, SimClrOptions? options = null, int epochs = 0) =>
        Pretrainer.Fit(Patterns.Draw(64, 9).Images, (options ?? new()) with
        {
            Backbone = backbone,
            ImageSize = 24,
            BatchSize = 32,
            Epochs = epochs,
            Seed = 1,
            Threads = 2
        });

    private static double Accuracy(ImageClassifier classifier, (ImageStore Images, int[] Labels) test)
    {
        var scores = new float[test.Images.Count * classifier.NumberOfClasses];
        classifier.Probabilities([.. Enumerable.Range(0, test.Images.Count).Select(i => test.Images[i])], scores);
        var rows = scores.Chunk(classifier.NumberOfClasses).ToList();
        Assert.All(rows, row => Assert.Equal(1, row.Sum(), 1e-4));
        return rows.Zip(test.Labels, (row, label) => Array.IndexOf(row, row.Max()) == label ? 1.0 : 0).Average();
    }

    private static float[] Logits(ImageClassifier classifier, ImageStore images)
    {
        var logits = new float[8 * classifier.NumberOfClasses];
        classifier.Logits([.. Enumerable.Range(0, 8).Select(i => images[i])], logits);
        return logits;
    }

    [Fact]
    public void LabelsAreLearntAndAStudentLearnsThemFromTheTeacherAlone()
    {
        var (train, test) = (Patterns.Draw(512, 1), Patterns.Draw(256, 2));
        using var encoder = Encoder(TinyResNet);
        using var teacher = FineTuner.Fit(train.Images, train.Labels, Patterns.Classes, encoder,
            Quick with { Epochs = 15, BatchSize = 32 });
        double taught = Accuracy(teacher, test);
        Assert.True(taught > 0.75, $"fine-tuned {taught:0.000}, chance 0.25");

        var distill = new DistillOptions
        {
            Epochs = 15,
            BatchSize = 32,
            Seed = 2,
            Threads = 2,
            Temperature = 1,
            Student = TinyResNet with { Width = 12 }
        };
        using var student = Distiller.Fit(train.Images, null, teacher, distill);
        double learnt = Accuracy(student, test);
        Assert.True(learnt > 0.6, $"teacher {taught:0.000}, student {learnt:0.000}, chance 0.25");
    }

    [Theory]
    [InlineData(true)]
    [InlineData(false)]
    public void TheSameSeedGivesTheSameClassifierAndTheEncoderStaysAsItWas(bool transformer)
    {
        using var scope = NewDisposeScope();
        var images = Patterns.Draw(48, 1);
        using var encoder = Encoder(transformer ? TinyTransformer : TinyResNet);
        var before = encoder.Backbone.state_dict().ToDictionary(s => s.Key, s => s.Value.clone());
        var options = Quick with { LabelSmoothing = 0.1, MixupAlpha = 0.8, CutMixAlpha = 1 };
        using var first = FineTuner.Fit(images.Images, images.Labels, Patterns.Classes, encoder, options);
        using var second = FineTuner.Fit(images.Images, images.Labels, Patterns.Classes, encoder, options);
        using var other =
            FineTuner.Fit(images.Images, images.Labels, Patterns.Classes, encoder, options with { Seed = 2 });
        Assert.Equal(Logits(first, images.Images), Logits(second, images.Images));
        Assert.NotEqual(Logits(first, images.Images), Logits(other, images.Images));
        Assert.All(encoder.Backbone.state_dict(), s => Assert.True(s.Value.Equals(before[s.Key]), s.Key));
    }

    [Fact]
    public void SimClrsHeadIsKeptUpToTheLayerAskedFor()
    {
        using var scope = NewDisposeScope();
        var images = Patterns.Draw(48, 1);
        using var encoder = Encoder(TinyResNet, new SimClrOptions { HeadLayers = 3 }, epochs: 1);
        Assert.Equal(3, encoder.ProjectionHead!.Layers);
        using var classifier = FineTuner.Fit(images.Images, images.Labels, Patterns.Classes, encoder,
            Quick with { HeadLayers = 1, LearningRate = 1e-12 });
        // Nothing has moved at such a rate, so h1 of the encoder's own head lies under a classifier of zeros.
        Assert.Equal(2, classifier.Network.state_dict().Keys.Count(k =>
            k.StartsWith("head.0", StringComparison.Ordinal) && k.EndsWith("weight", StringComparison.Ordinal)));
        Assert.DoesNotContain(classifier.Network.state_dict().Keys, k =>
            k.StartsWith("head.1", StringComparison.Ordinal));
        Assert.True(classifier.Network.get_parameter("head.0.linear.weight")!.allclose(
            encoder.ProjectionHead.get_parameter("layers.0.linear.weight")!, 0, 1e-6));
        Assert.All(Logits(classifier, images.Images), v => Assert.Equal(0, v, 1e-6));
        var error = Assert.Throws<ArgumentOutOfRangeException>(() =>
            FineTuner.Fit(images.Images, images.Labels, Patterns.Classes, encoder, Quick with { HeadLayers = 4 }));
        Assert.Contains("HeadLayers is 4; the encoder has a projection head of 3 layers", error.Message);
    }

    [Fact]
    public void LayersAreCountedFromTheInputToTheClassifier()
    {
        Assert.Equal([0, 0, 1, 2, 3, 3], new[] { "backbone.cls_token", "backbone.patch_embed.proj.weight",
            "backbone.blocks.0.norm1.weight", "backbone.blocks.1.attn.qkv.bias",
            "backbone.norm.weight", "fc.weight" }.Select(name => ClassifierNetwork.LayerOf(name, TinyTransformer)));
        Assert.Equal([0, 1, 2, 3],
            new[] { "backbone.conv1.weight", "backbone.layer1.0.conv1.weight", "backbone.layer2.0.bn1.bias", "fc.bias" }
            .Select(name => ClassifierNetwork.LayerOf(name, TinyResNet)));
    }

    [Fact]
    public void LowerLayersMoveLessWithLayerDecay()
    {
        using var scope = NewDisposeScope();
        var images = Patterns.Draw(32, 1);
        using var encoder = Encoder(TinyTransformer);
        double Moved(double decay, string name)
        {
            // The classifier starts at zero, so the layers below get their first gradient in the second step.
            var options = Quick with
            {
                LayerDecay = decay,
                Optimizer = OptimizerKind.AdamW,
                WeightDecay = 0,
                WarmupEpochs = 0,
                DropPathRate = 0,
                LearningRate = 0.01,
                Epochs = 2
            };
            using var classifier = FineTuner.Fit(images.Images, images.Labels, Patterns.Classes, encoder, options);
            return (classifier.Network.get_parameter($"backbone.{name}")! - encoder.Backbone.get_parameter(name)!).abs()
                .mean().ToSingle();
        }
        Assert.InRange(Moved(0.1, "blocks.0.mlp.fc1.weight") / Moved(1, "blocks.0.mlp.fc1.weight"), 0.002, 0.05);
        Assert.InRange(Moved(0.1, "blocks.1.mlp.fc1.weight") / Moved(1, "blocks.1.mlp.fc1.weight"), 0.03, 0.3);
    }

    [Fact]
    public void LabelsOfTheDistilledAreWeighedByOneMinusAlpha()
    {
        using var scope = NewDisposeScope();
        var (student, teacher) = (rand(4, 3), rand(4, 3));
        var labels = tensor(new long[] { 2, -1, 0, -1 });
        double soft = DistillationLoss.Soft(student, teacher, 2).ToSingle();
        double hard = cross_entropy(student.index_select(0, tensor(new long[] { 0, 2 })), tensor(new long[] { 2, 0 }))
            .ToSingle();
        Assert.Equal(0.3 * hard + 0.7 * soft, DistillationLoss.WithLabels(student, teacher, labels, 0.7, 2).ToSingle(),
            1e-5);
        Assert.Equal(0.7 * soft, DistillationLoss.WithLabels(student, teacher, labels.mul(0).sub(1), 0.7, 2).ToSingle(),
            1e-5);
        Assert.Equal(soft, DistillationLoss.WithLabels(student, teacher, labels, 1, 2).ToSingle(), 1e-6);
    }

    [Fact]
    public void FewLabelsWeighTheSameOnOneThreadAndOnSeveral()
    {
        var images = Patterns.Draw(64, 1);
        using var encoder = Encoder(TinyTransformer);
        using var teacher = FineTuner.Fit(images.Images, images.Labels, Patterns.Classes, encoder, Quick);
        // Most parts of a batch have none.
        int[] labels = [.. images.Labels.Select((label, i) => i % 16 == 0 ? label : -1)];
        float[] Learnt(int threads)
        {
            var options = new DistillOptions
            {
                Epochs = 2,
                BatchSize = 32,
                Seed = 2,
                Threads = threads,
                Alpha = 0.1,
                Temperature = 1,
                Optimizer = OptimizerKind.Sgd,
                LearningRate = 1,
            };
            using var student = Distiller.Fit(images.Images, labels, teacher, options);
            return Logits(student, images.Images);
        }
        var (one, four) = (Learnt(1), Learnt(4));
        Assert.True(one.Max(value => Math.Abs(value)) > 0.01f);
        Assert.All(one.Zip(four), pair => Assert.Equal(pair.First, pair.Second, 1e-4f));
    }

    [Fact]
    public void ALastStepToWeightsThatAreNotFiniteEndsTheRun()
    {
        var images = Patterns.Draw(32, 1);
        using var encoder = Encoder(TinyResNet);
        // Two steps; the first one moves the classifier alone, which starts at zero.
        var last = new ClassifierValidation(images.Images, images.Labels) { ReturnBest = false };
        foreach (var validation in new[] { null, last })
        {
            var error = Assert.Throws<ArithmeticException>(() => FineTuner.Fit(images.Images, images.Labels,
                Patterns.Classes, encoder, Quick with { LearningRate = 1e37, Validation = validation }));
            Assert.Contains("the weights are not finite after step 2", error.Message);
        }
    }

    [Fact]
    public void WhatIsOutOfRangeIsNamedBeforeTraining()
    {
        var images = Patterns.Draw(32, 1);
        using var encoder = Encoder(TinyResNet);
        string Refused(Action action) => Assert.ThrowsAny<ArgumentException>(action).Message;
        string FineTuned(FineTuneOptions options, int[]? labels = null, int classes = Patterns.Classes) =>
            Refused(() => FineTuner.Fit(images.Images, labels ?? images.Labels, classes, encoder, options));
        Assert.Contains("BatchSize is 33", FineTuned(Quick with { BatchSize = 33 }));
        Assert.Contains("Epochs is 0", FineTuned(Quick with { Epochs = 0 }));
        Assert.Contains("LabelSmoothing is 1", FineTuned(Quick with { LabelSmoothing = 1 }));
        Assert.Contains("LayerDecay is 0", FineTuned(Quick with { LayerDecay = 0 }));
        Assert.Contains("HeadLayers is 3; the encoder has a projection head of 2 layers",
            FineTuned(Quick with { HeadLayers = 3 }));
        Assert.Contains("31 labels for 32 images", FineTuned(Quick, images.Labels[1..]));
        Assert.Contains("label 3 is 3; expected 0 to 2", FineTuned(Quick, classes: 3));
        Assert.Contains("numberOfClasses is 1", FineTuned(Quick, classes: 1));

        using var teacher = FineTuner.Fit(images.Images, images.Labels, Patterns.Classes, encoder, Quick);
        string Distilled(DistillOptions options, int[]? labels = null) =>
            Refused(() => Distiller.Fit(images.Images, labels, teacher, options with { BatchSize = 16 }));
        Assert.Contains("Alpha is 0.5, but no image has a label", Distilled(new() { Alpha = 0.5 }));
        Assert.Contains("Temperature is 0", Distilled(new() { Temperature = 0 }));
        Assert.Contains("StartFromTeacher is true", Distilled(new() { StartFromTeacher = true, Student = TinyResNet }));
        Assert.Contains("takes rows of a table", Distilled(new() { Student = TabularMlpOptions.CovType }));
        Assert.Contains("label 0 is 4", Distilled(new(), [.. Enumerable.Repeat(4, 32)]));
    }

    [Fact]
    public void ACancelledRunStops()
    {
        var images = Patterns.Draw(32, 1);
        using var encoder = Encoder(TinyResNet);
        using var stop = new CancellationTokenSource();
        stop.Cancel();
        Assert.Throws<OperationCanceledException>(() => FineTuner.Fit(images.Images, images.Labels, Patterns.Classes,
            encoder, Quick with { CancellationToken = stop.Token }));
    }
}
