
namespace MLNet.Ssl.Tests;

/// <summary>A run that is cancelled while it is measured does not read on: it is saved and ends.</summary>
[Collection(nameof(Alone))]
public sealed class CancelledMeasuringTests : IDisposable
{
    // Of 300: threads that are about to read when it is cancelled do so.
    private const int MostRead = 60;

    private static readonly (ImageStore Images, int[] Labels) Train = Patterns.Draw(64, 1),
        Test = Patterns.Draw(300, 2);

    private readonly TemporaryFolder _temporary = new();

    public void Dispose() => _temporary.Dispose();

    [Theory]
    [InlineData(1)]
    [InlineData(3)]
    public void OnlineEvaluationStopsAtTheNextImage(int epoch)
    {
        var options = SmallRuns.Of("SimCLR, LARS");
        var plain = SmallRuns.Train(options);
        using var stop = new CancellationTokenSource();
        // Every measurement reads both sets; the last epoch's is cancelled like another one.
        var test = new Watched(Test.Images, (epoch - 1) * 300 + 20, stop);
        var cancelled = options.In(_temporary.File("run")) with
        {
            Evaluation = new(Train.Images, Train.Labels, test, Test.Labels),
            CheckpointEvery = CheckpointInterval.Epochs(100),
            CancellationToken = stop.Token,
        };
        var error = Assert.Throws<OperationCanceledException>(() =>
            Pretrainer.Fit(Train.Images, cancelled).Dispose());
        Assert.Equal(stop.Token, error.CancellationToken);
        Assert.InRange(test.Read, test.CancelledAt, test.CancelledAt - 20 + MostRead);
        Assert.Contains("Resume = true continues it from", error.Message);
        SmallRuns.AssertSame(plain, SmallRuns.Train(options.In(_temporary.File("run"), resume: true)));
    }

    [Fact]
    public void ValidationStopsAtTheNextImage()
    {
        using var encoder = Pretrainer.Fit(Train.Images, SmallRuns.Of("SimCLR, LARS") with { Epochs = 0 });
        using var stop = new CancellationTokenSource();
        var test = new Watched(Test.Images, 20, stop);
        var options = new FineTuneOptions
        {
            Epochs = 100_000,
            BatchSize = 16,
            Seed = 1,
            Validation = new(test, Test.Labels),
            CancellationToken = stop.Token,
        };
        Assert.Throws<OperationCanceledException>(() =>
            FineTuner.Fit(Train.Images, Train.Labels, Patterns.Classes, encoder, options).Dispose());
        Assert.InRange(test.Read, 20, MostRead);
    }

    /// <summary>Cancels when so many images were read; who reads one more waits for that.</summary>
    private sealed class Watched(ImageStore images, int cancelledAt, CancellationTokenSource stop) : IImageSource
    {
        private readonly IImageSource _images = images;
        private int _read;

        public int CancelledAt => cancelledAt;

        public int Read => _read;

        public int Count => _images.Count;

        public string Fingerprint => _images.Fingerprint;

        public int ShorterSide(int index) => _images.ShorterSide(index);

        public int RowOf(int index) => _images.RowOf(index);

        RgbImage IImageSource.Read(int index, PixelBuffer buffer)
        {
            int read = Interlocked.Increment(ref _read);
            if (read == cancelledAt) stop.Cancel();
            if (read > cancelledAt) stop.Token.WaitHandle.WaitOne();
            return _images.Read(index, buffer);
        }
    }
}
