using System.Numerics.Tensors;
using System.Runtime.InteropServices;
using static TorchSharp.torch;

namespace MLNet.Ssl.Tests;

public sealed class TrainingOnGpuTests : IDisposable
{
    private readonly string _folder = Directory.CreateTempSubdirectory("gpu-").FullName;

    // KoLeo's gradient is added to neighbours in no order.
    private const string Unordered = "DINO, KoLeo, rotary positions";

    public static TheoryData<string> Methods => [.. SmallRuns.All.Keys.Concat(SmallRuns.Variants.Keys)];

    public static TheoryData<string> WithBFloat16 => [.. Methods.Select(row => row.Data).Where(SmallRuns.HasBFloat16)];

    public static TheoryData<string> Repeatable =>
        [.. Methods.Select(row => row.Data).Where(name => name != Unordered)];

    public void Dispose() => Directory.Delete(_folder, true);

    [Theory]
    [MemberData(nameof(Methods))]
    public void TenLossesAreTheProcessors(string name)
    {
        var device = Gpu.Device;
        var options = SmallRuns.Of(name) with { LearningRate = 1e-3, Precision = Precision.Float32 };
        var (expected, _) = FirstSteps.Of(WithoutDropPath(options), 10);
        var (actual, _) = FirstSteps.Of(WithoutDropPath(options), 10, device);
        Assert.All(expected.Zip(actual), pair =>
            Assert.Equal(pair.First, pair.Second, tolerance: 2e-3 * Math.Max(1, Math.Abs(pair.First))));
    }

    [Theory]
    [MemberData(nameof(WithBFloat16))]
    public void TenLossesInBFloat16AreNear(string name)
    {
        var device = Gpu.Device;
        var options = SmallRuns.Of(name) with { LearningRate = 1e-3 };
        var (expected, _) = FirstSteps.Of(options with { Precision = Precision.Float32 }, 10, device);
        var (actual, _) = FirstSteps.Of(options with { Precision = Precision.BFloat16 }, 10, device);
        Assert.All(expected.Zip(actual), pair =>
            Assert.Equal(pair.First, pair.Second, tolerance: 0.05 * Math.Max(1, Math.Abs(pair.First))));
    }

    [Theory]
    [InlineData("DINO in shards")]
    [InlineData("SimCLR, LARS")]
    public void GradientsOfManyParametersAreThoseOfTheProcessor(string name)
    {
        var device = Gpu.Device;
        var options = WithoutDropPath(SmallRuns.Of(name) with { Precision = Precision.Float32 });
        var (_, expected) = FirstSteps.Of(options, 1);
        var (_, actual) = FirstSteps.Of(options, 1, device);
        double most = expected.Values.Max(g => g.Max(Math.Abs));
        foreach (var (parameter, gradient) in expected)
            Assert.All(gradient.Zip(actual[parameter]), pair =>
                Assert.Equal(pair.First, pair.Second, tolerance: 2e-3 * most));
    }

    [Theory]
    [MemberData(nameof(Repeatable))]
    public void ARunIsResumedToTheBitAndASeedGivesOneResult(string name)
    {
        var device = Gpu.Device;
        var options = SmallRuns.Of(name);
        string whole = Path.Combine(_folder, "whole"), cut = Path.Combine(_folder, "cut");
        var log = new List<TrainingMessage>();
        var expected = SmallRuns.Train(options.In(whole), log, device: device);
        if (!Gpu.IsPretended && SmallRuns.HasBFloat16(name))
            Assert.Contains(log, message => message.Text.Contains("Precision = BFloat16", StringComparison.Ordinal));
        Directory.CreateDirectory(cut);
        File.Copy(SmallRuns.File(whole, 5), SmallRuns.File(cut, 5));
        SmallRuns.AssertSame(expected, SmallRuns.Train(options.In(cut, resume: true), device: device));
        using var scope = NewDisposeScope();
        Assert.All(SafeTensors.Read(SmallRuns.File(whole, SmallRuns.Steps)), entry =>
            Assert.NotEqual(ScalarType.BFloat16, entry.Value.dtype));
    }

    [Theory]
    [InlineData("DINO, SDMP")]
    [InlineData("table: MoCo, i-Mix, InputMix")]
    public void ARunGoesOnFromTheEndOfAnother(string name)
    {
        var device = Gpu.Device;
        string first = Path.Combine(_folder, "first");
        var options = SmallRuns.Of(name);
        var before = SmallRuns.Train(options.In(first), device: device);
        var log = new List<TrainingMessage>();
        var after = SmallRuns.Train(
            options with { Seed = null, ContinueFrom = first, Epochs = 1, LearningRate = 1e-9 }, log, device: device);
        Assert.Contains(log, message => message.Text.StartsWith("The run begins anew where another one was",
            StringComparison.Ordinal));
        // Biases and statistics are near zero, where they begin, and move.
        Assert.All(before.Where(entry => entry.Key.EndsWith(".weight", StringComparison.Ordinal)), entry =>
            Assert.InRange(Distance(entry.Value, after[entry.Key]), 0, 0.1));
    }

    private static double Distance(byte[] expected, byte[] actual)
    {
        ReadOnlySpan<float> a = MemoryMarshal.Cast<byte, float>(expected), b = MemoryMarshal.Cast<byte, float>(actual);
        return TensorPrimitives.Distance(a, b) / Math.Max(1e-3, TensorPrimitives.Norm(a));
    }

    private static PretrainOptions WithoutDropPath(PretrainOptions options) =>
        options is DinoOptions dino ? dino with { DropPathRate = 0 } : options;
}
