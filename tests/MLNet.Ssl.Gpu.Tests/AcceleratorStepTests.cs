using TorchSharp;
using static TorchSharp.torch;

namespace MLNet.Ssl.Tests;

/// <summary>Training on a device that is not the processor mixes no tensors of the two, and a step waits for
/// nothing.</summary>
[Collection(nameof(Alone))]
public sealed class AcceleratorStepTests : IDisposable
{
    // Past the first step, in which it is not known yet what a step asks for.
    private const int Steps = 3;

    // Compiled, some of these are part of those that call them.
    private static readonly string[] InAStep =
        ["TrainingStep.Run", "TrainingStep.Backward", "TrainingStep.Update", ".Forward", ".AfterStep"];

    private readonly string _folder = Directory.CreateTempSubdirectory("accelerator-").FullName;

    public static TheoryData<string, Precision> Runs
    {
        get
        {
            var data = new TheoryData<string, Precision>();
            foreach (string name in SmallRuns.All.Keys.Concat(SmallRuns.Variants.Keys))
            {
                data.Add(name, Precision.Float32);
                if (SmallRuns.HasBFloat16(name)) data.Add(name, Precision.BFloat16);
            }
            return data;
        }
    }

    public void Dispose() => Directory.Delete(_folder, recursive: true);

    [Theory]
    [MemberData(nameof(Runs))]
    public void AStepMixesNoDevicesAndWaitsForNothing(string name, Precision precision)
    {
        var options = SmallRuns.Of(name) with { Precision = precision, LearningRate = 1e-3 };
        var found = new List<string>();
        FirstSteps.Of(options, Steps, PretendDevice.Device, step => found.AddRange(PretendDevice.Watch(step)));
        Assert.True(found.Count == 0, string.Join('\n', found.Distinct()));
    }

    [Theory]
    [InlineData(Precision.Float32)]
    [InlineData(Precision.BFloat16)]
    public void ARunMixesNoDevicesAndItsStepsWaitForNothing(Precision precision)
    {
        var device = PretendDevice.Device;
        var (images, labels) = Patterns.Draw(64, 1);
        var found = PretendDevice.Watch(() =>
        {
            var options = SmallRuns.Of("MoCo v2, i-Mix") with
            {
                Evaluation = new(images, labels, images, labels),
                Precision = precision,
            };
            using var encoder = Pretrainer.Fit(images, options.In(Path.Combine(_folder, "pretraining")), device);
            using var teacher = FineTuner.Fit(images, labels, Patterns.Classes, encoder, new()
            {
                Epochs = 2,
                BatchSize = 16,
                MixupAlpha = 0.8,
                CutMixAlpha = 1,
                LabelSmoothing = 0.1,
                Precision = precision,
                Validation = new(images, labels),
                CheckpointFolder = Path.Combine(_folder, "fine-tuning"),
            });
            using var student = Distiller.Fit(images, labels, teacher, new()
            {
                Student = SmallRuns.Vit with { DropPathRate = 0.1 },
                Alpha = 0.5,
                Epochs = 2,
                BatchSize = 16,
                Precision = precision,
            });
            student.Logits([images[0]], new float[Patterns.Classes]);
        });
        // Between steps it reads what it tells, saves and measures.
        Assert.NotEmpty(found);
        Assert.DoesNotContain(found, one => one.Contains("both devices") || one.Contains("types"));
        Assert.DoesNotContain(found, one => InAStep.Any(part => one.Contains(part)));
    }

    [Fact]
    public void RowsOfATableAreMadeReadyByNumbersThatAreThere()
    {
        var device = PretendDevice.Device;
        using var scope = NewDisposeScope();
        var random = new Random(1);
        float[] values = [.. Enumerable.Range(0, 4000 * 6).Select(_ => MathF.Exp(4 * random.NextSingle()))];
        using var table = new TableStore(values, 6);
        var facts = TableFacts.Of(table);
        // The quantiles are more than goes with a command.
        var preprocessing = TablePreprocessing.Standardize(table, facts, facts.Continuous, quantiles: 4000);
        var rows = table.Values.to(device);
        var expected = preprocessing.Apply(table.Values);
        Assert.True(preprocessing.Apply(rows).cpu().allclose(expected));
        Assert.Empty(PretendDevice.Watch(() => preprocessing.Apply(rows)));
        using var generator = new Generator(1, CPU);
        var network = SmallRuns.Mlp.WithColumns(6).Create(generator).to(device);
        using var encoder = new TableEncoder(network, preprocessing, device);
        var embeddings = new float[8 * encoder.EmbeddingDimension];
        float[][] some = [.. values.Chunk(6).Take(8)];
        encoder.Embed(some, embeddings);
        Assert.Equal(["a copy back to the processor"], PretendDevice.Watch(() => encoder.Embed(some, embeddings))
            .Select(one => one[..one.IndexOf(':')]));
    }

    [Fact]
    public void WhatIsMoreThanGoesWithACommandTravelsFromPinnedMemory()
    {
        var device = PretendDevice.Device;
        using var scope = NewDisposeScope();
        using var plan = new KeepPlan();
        using var like = zeros([1], ScalarType.Float32, device);
        const int many = 1 << 16;
        Assert.Empty(PretendDevice.Watch(() =>
        {
            NativeTensor.On(device, new float[many]);
            NativeTensor.On(device, new long[many]);
            plan.Begin(1, device);
        }));
        plan.Next(many, 0.1, like);
        Assert.Empty(PretendDevice.Watch(() =>
        {
            plan.Begin(2, device);
            plan.Next(many, 0.1, like);
        }));
    }

    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public void OnlyAProcessorSplitsTheBackwardPassOfLinearLayers(bool onDevice)
    {
        var device = onDevice ? PretendDevice.Device : CPU;
        using var scope = NewDisposeScope();
        using var generator = new Generator(1, CPU);
        using var rows = new TableStore(Enumerable.Range(0, 64 * 6).Select(i => (float)(i % 31)).ToArray(), 6);
        var plan = SmallRuns.Of("table: BYOL").For(DataFacts.Of(rows));
        using var method = plan.CreateMethod(generator, device, 1);
        using var step = new TrainingStep(method, plan.Method.Optimization, 1, threads: 2, 7);
        Assert.Equal(onDevice, method.Parameters.Module.modules().OfType<Linear>().All(layer => layer.Tape is null));
    }
}
