using static TorchSharp.torch;

namespace MLNet.Ssl.Tests;

public sealed class TrainingOnGpuTests : IDisposable
{
    private readonly string _folder = Directory.CreateTempSubdirectory("gpu-").FullName;

    public static TheoryData<string> Methods => [.. SmallRuns.All.Keys];

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
    [MemberData(nameof(Methods))]
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
    [MemberData(nameof(Methods))]
    public void ARunIsResumedToTheBitAndASeedGivesOneResult(string name)
    {
        var device = Gpu.Device;
        var options = SmallRuns.Of(name);
        string whole = Path.Combine(_folder, "whole"), cut = Path.Combine(_folder, "cut");
        var log = new List<TrainingMessage>();
        var expected = SmallRuns.Train(options.In(whole), log, device: device);
        if (!Gpu.IsPretended)
            Assert.Contains(log, message => message.Text.Contains("Precision = BFloat16", StringComparison.Ordinal));
        Directory.CreateDirectory(cut);
        File.Copy(SmallRuns.File(whole, 5), SmallRuns.File(cut, 5));
        SmallRuns.AssertSame(expected, SmallRuns.Train(options.In(cut, resume: true), device: device));
        using var scope = NewDisposeScope();
        Assert.All(SafeTensors.Read(SmallRuns.File(whole, SmallRuns.Steps)), entry =>
            Assert.NotEqual(ScalarType.BFloat16, entry.Value.dtype));
    }

    private static PretrainOptions WithoutDropPath(PretrainOptions options) =>
        options is DinoOptions dino ? dino with { DropPathRate = 0 } : options;
}
