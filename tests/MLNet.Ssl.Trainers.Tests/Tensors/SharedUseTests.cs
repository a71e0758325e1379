using TorchSharp.Modules;
using static TorchSharp.torch;

namespace MLNet.Ssl.Tests;

public sealed class SharedUseTests
{
    // What never comes must not be waited for forever.
    private static readonly TimeSpan Patience = TimeSpan.FromSeconds(60);

    [Fact]
    public void WhatIsInUseIsFreedOnceBehindTheLastUse()
    {
        int freed = 0;
        var use = new SharedUse(this, () => freed++);
        var (first, second) = (use.Begin(), use.Begin());
        use.Dispose();
        Assert.Throws<ObjectDisposedException>(() => use.Begin());
        first.Dispose();
        Assert.Equal(0, freed);
        second.Dispose();
        Assert.Equal(1, freed);
        use.Dispose();
        Assert.Equal(1, freed);
    }

    [Fact]
    public async Task AnEncoderThatIsDisposedOfWhileItEmbedsEmbedsToTheEnd()
    {
        using var network = new WaitingNetwork();
        var encoder = new ImageEncoder(network, ImagePreprocessing.For(16));
        RgbImage[] images = [Images.Random(16, 16, 7)];
        var embedding = new float[network.EmbeddingDimension];
        var embedded = Task.Factory.StartNew(() => encoder.Embed(images, embedding), CancellationToken.None,
            TaskCreationOptions.LongRunning, TaskScheduler.Default);
        Assert.True(network.Entered.Wait(Patience));
        encoder.Dispose();
        Assert.False(network.IsFreed);
        network.GoOn.Set();
        await embedded;
        Assert.All(embedding, value => Assert.NotEqual(0, value));
        Assert.True(network.IsFreed);
        Assert.Throws<ObjectDisposedException>(() => encoder.Embed(images, embedding));
        Assert.Throws<ObjectDisposedException>(() => encoder.SaveSafeTensors(Stream.Null));
    }

    private sealed class WaitingNetwork : Backbone
    {
        private Parameter weight;

        public WaitingNetwork() : base(nameof(WaitingNetwork), 3)
        {
            weight = new Parameter(ones(3));
            RegisterComponents();
        }

        public ManualResetEventSlim Entered { get; } = new();

        public ManualResetEventSlim GoOn { get; } = new();

        public bool IsFreed => weight.IsInvalid;

        public override Tensor forward(Tensor x)
        {
            Entered.Set();
            GoOn.Wait(Patience);
            return x.mean([2, 3]).mul(weight);
        }
    }
}
