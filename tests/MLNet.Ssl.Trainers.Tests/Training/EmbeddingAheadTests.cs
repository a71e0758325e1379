using TorchSharp;
using static TorchSharp.torch;

namespace MLNet.Ssl.Tests;

/// <summary>What embeds on an accelerator, tried on a processor, and what is made ready ahead.</summary>
public sealed class EmbeddingAheadTests : IDisposable
{
    // What never comes must not be waited for forever.
    private static readonly TimeSpan Patience = TimeSpan.FromSeconds(60);

    private readonly DisposeScope _scope = NewDisposeScope();

    public void Dispose() => _scope.Dispose();

    private static ImageEncoder Encoder(bool accelerated, Precision? precision = null)
    {
        using var generator = new Generator(1, CPU);
        return new(Encoders.Small.Create(generator), ImagePreprocessing.For(16))
        {
            Accelerated = accelerated,
            Precision = precision,
        };
    }

    private static RgbImage[] Images(int count)
    {
        var images = Patterns.Draw(count, 1).Images;
        return [.. Enumerable.Range(0, count).Select(i => images[i])];
    }

    [Fact]
    public void BytesAreTheBatchBeforeItIsNormalised()
    {
        var preprocessing = ImagePreprocessing.For(16) with { Resize = 19, Normalization = Normalization.Cifar10 };
        var images = Images(5);
        var bytes = preprocessing.Bytes(images);
        Assert.Equal(ScalarType.Byte, bytes.dtype);
        var (expected, actual) = (preprocessing.Batch(images), preprocessing.Normalization.Apply(bytes));
        Assert.Equal(expected.shape, actual.shape);
        Assert.True((expected - actual).abs().max().ToSingle() < 2e-6);
        RgbImage[] mixed = [images[0], images[1].Crop(0, 0, 20, 24)];
        preprocessing = new() { Resize = 16 };
        var refusals = new Func<object>[] { () => preprocessing.Batch(mixed), () => preprocessing.Bytes(mixed) }
            .Select(make => Assert.Throws<ArgumentException>(make).Message).ToArray();
        Assert.Equal(refusals[0], refusals[1]);
    }

    [Theory]
    [InlineData(1)]
    [InlineData(64)]
    [InlineData(150)]
    public void AnAcceleratorEmbedsAsAProcessorDoes(int count)
    {
        var images = Images(count);
        using var here = Encoder(false);
        using var there = Encoder(true);
        int length = count * here.EmbeddingDimension;
        var (expected, whole, loaded) = (new float[length], new float[length], new float[length]);
        here.Embed(images, expected);
        there.Embed(images, whole);
        RgbImage[] resized = [.. images.Select(there.Preprocessing.Resized)];
        LoadedRows rows;
        using (NewDisposeScope()) rows = there.Load(resized);
        using (rows)
        {
            there.Embed(rows, loaded);
            Near(there.Embed(rows).data<float>().ToArray());
        }
        Near(whole);
        Near(loaded);
        using var same = here.Load(resized);
        here.Embed(same, loaded);
        Assert.Equal(expected, loaded);
        Assert.Equal(expected, here.Embed(same).data<float>().ToArray());
        using var none = there.Load([]);
        there.Embed(none, []);

        void Near(float[] actual)
        {
            double most = expected.Max(Math.Abs);
            Assert.All(expected.Zip(actual), pair => Assert.Equal(pair.First, pair.Second, tolerance: 1e-4 * most));
        }
    }

    [Fact]
    public void AnAcceleratorEmbedsRowsOfATable()
    {
        float[][] rows = [.. Enumerable.Range(0, 1500).Select(i => new float[] { i % 7, i % 11, i % 13 - 6 })];
        TableEncoder Encoder(bool accelerated)
        {
            using var generator = new Generator(1, CPU);
            return new(
                new TabularMlpOptions { InputGroups = [3], HiddenWidths = [16], OutputWidth = 8 }.Create(generator),
                new([3, 5, 0], [0.5f, 0.25f, 1]))
            { Accelerated = accelerated };
        }
        using var here = Encoder(false);
        using var there = Encoder(true);
        int length = 1500 * here.EmbeddingDimension;
        var (expected, whole, loaded) = (new float[length], new float[length], new float[length]);
        here.Embed(rows, expected);
        there.Embed(rows, whole);
        using var ready = there.Load(rows);
        there.Embed(ready, loaded);
        Assert.Equal(whole, loaded);
        Assert.All(expected.Zip(whole), pair => Assert.Equal(pair.First, pair.Second, tolerance: 1e-5));
        Assert.Contains("Row 1 ", Assert.Throws<ArgumentException>(() => there.Load([new float[3], new float[2]]))
            .Message);
    }

    [Fact]
    public void StoredImagesAreReadWhileOthersAreEmbedded()
    {
        // The first batch's forward pass ends when an image of the second is read, which begins only then.
        using var second = new ManualResetEventSlim();
        var images = Patterns.Draw(300, 1).Images;
        var source = new WatchedSource(images, index =>
        {
            if (index >= StoredRows.ImagesAtATime(accelerated: false)) second.Set();
        });
        bool? overlapped = null;
        using var encoder = new ImageEncoder(new Watched(() => overlapped ??= second.Wait(Patience)),
            ImagePreprocessing.For(16))
        { Threads = 1 };
        var embedded = encoder.Embed(source);
        Assert.True(overlapped);
        Assert.True(embedded.allclose(encoder.Embed(images), rtol: 0, atol: 0));
    }

    [Fact]
    public void TheNextElementIsMadeWhileOneIsUsedAndNoOther()
    {
        using var made = new SemaphoreSlim(0);
        using var used = new SemaphoreSlim(0);
        int caller = Environment.CurrentManagedThreadId;
        var started = new List<int>();
        IEnumerable<int> Source()
        {
            for (int i = 0; i < 5; i++)
            {
                Assert.Equal(caller, Environment.CurrentManagedThreadId);
                yield return i;
            }
        }
        int expected = 0;
        foreach (int result in Source().SelectAhead(i =>
            {
                lock (started) started.Add(i);
                made.Release();
                // Made while the one before is used, or never.
                if (i > 0) Assert.True(used.Wait(Patience));
                return 10 * i;
            }))
        {
            Assert.Equal(10 * expected, result);
            if (expected < 4)
            {
                for (int i = expected == 0 ? 0 : 1; i < 2; i++) Assert.True(made.Wait(Patience));
                lock (started) Assert.Equal(Enumerable.Range(0, expected + 2), started);
                used.Release();
            }
            expected++;
        }
        Assert.Equal(5, expected);
    }

    [Fact]
    public void WhatFailsFailsInItsTurnAndWhatNobodyTakesIsDisposedOf()
    {
        var taken = new List<int>();
        var results = Enumerable.Range(0, 5)
            .SelectAhead(i => i == 2 ? throw new InvalidDataException("two") : new Result(i));
        Assert.Equal("two", Assert.Throws<InvalidDataException>(() =>
        {
            foreach (var result in results) taken.Add(result.Number);
        }).Message);
        Assert.Equal([0, 1], taken);
        var made = new List<Result>();
        foreach (var result in Enumerable.Range(0, 5).SelectAhead(i =>
            {
                var one = new Result(i);
                lock (made) made.Add(one);
                return one;
            }))
            if (result.Number == 1) break;
        Assert.Equal([false, false, true], made.Select(result => result.IsDisposed));
        IEnumerable<int> Broken()
        {
            yield return 0;
            throw new IOException("gone");
        }
        made.Clear();
        Assert.Throws<IOException>(() => Broken().SelectAhead(i =>
        {
            made.Add(new(i));
            return made[0];
        }).Count());
        Assert.True(made[0].IsDisposed);
        Assert.Empty(Array.Empty<int>().SelectAhead(i => i));
    }

    private sealed class Result(int number) : IDisposable
    {
        public int Number => number;

        public bool IsDisposed { get; private set; }

        public void Dispose() => IsDisposed = true;
    }

    private sealed class Watched(Action look) : Backbone(nameof(Watched), embeddingDimension: 3)
    {
        public override Tensor forward(Tensor x)
        {
            look();
            return x.mean([2, 3]);
        }
    }

    private sealed class WatchedSource(IImageSource images, Action<int> look) : IImageSource
    {
        public int Count => images.Count;

        public string Fingerprint => images.Fingerprint;

        public int ShorterSide(int index) => images.ShorterSide(index);

        public RgbImage Read(int index, PixelBuffer buffer)
        {
            look(index);
            return images.Read(index, buffer);
        }

        public int RowOf(int index) => images.RowOf(index);
    }
}
