using static TorchSharp.torch;

namespace MLNet.Ssl.Tests;

/// <summary>The switch is the process's, and every run that trains beside this one turns it.</summary>
[Collection(nameof(Alone))]
public sealed class TensorFloat32Tests
{
    private static (bool Products, bool Convolutions) Now =>
        (backends.cuda.matmul.allow_tf32, backends.cudnn.allow_tf32);

    [Theory]
    [InlineData(null, false)]
    [InlineData(Precision.Float32, false)]
    [InlineData(Precision.TensorFloat32, true)]
    [InlineData(Precision.BFloat16, true)]
    public void ItIsOnWhereThePrecisionOfAnEncoderAllowsIt(Precision? precision, bool expected)
    {
        (bool, bool)? seen = null;
        using var scope = NewDisposeScope();
        using var encoder = new ImageEncoder(new Watched(() => seen = Now), ImagePreprocessing.For(16))
        {
            Accelerated = true,
            Precision = precision,
        };
        var before = Now;
        encoder.Embed([Patterns.Draw(1, 1).Images[0]], new float[3]);
        Assert.Equal((expected, expected), seen);
        Assert.Equal(before, Now);
    }

    [Fact]
    public async Task WhatAnotherThreadSwitchesForItsWorkIsNotTakenForTheSettingOfBefore()
    {
        var before = Now;
        using var begun = new ManualResetEventSlim();
        using var ends = new ManualResetEventSlim();
        var work = Task.Run(() => TensorFloat32.During(!before.Products, () =>
        {
            begun.Set();
            ends.Wait(TimeSpan.FromMinutes(1));
            return 0;
        }));
        begun.Wait();
        var use = Task.Run(() => TensorFloat32.Use(allowed: true));
        // It waits for the work, behind which the switch stands as before.
        await Task.WhenAny(use, Task.Delay(200));
        ends.Set();
        await work;
        (await use).Dispose();
        Assert.Equal(before, Now);
    }

    [Theory]
    [InlineData(true, false)]
    [InlineData(false, true)]
    [InlineData(true, true)]
    public void OfRunsAtATimeTheStrictestHoldsAndBehindTheLastItIsAsBeforeTheFirst(bool first, bool second)
    {
        var before = Now;
        var (one, other) = (TensorFloat32.Use(first), TensorFloat32.Use(second));
        Assert.Equal((first && second, first && second), Now);
        // The one that began first ends first, and is disposed of twice.
        one.Dispose();
        one.Dispose();
        Assert.Equal((second, second), Now);
        other.Dispose();
        Assert.Equal(before, Now);
    }

    [Fact]
    public void WorkThatAllowsItDoesNotSwitchItOnUnderARunThatRefusesIt()
    {
        using var refused = TensorFloat32.Use(allowed: false);
        using var allowed = TensorFloat32.Use(allowed: true);
        Assert.Equal((false, false), TensorFloat32.During(true, () => Now));
    }

    private sealed class Watched(Action look) : Backbone(nameof(Watched), embeddingDimension: 3)
    {
        public override Tensor forward(Tensor x)
        {
            look();
            return x.mean([2, 3]);
        }
    }
}
