using ContinueDino;

namespace MLNet.Ssl.Tests;

public sealed class ContinueDinoSampleTests
{
    [Fact]
    public void ItMeasuresTrainsOnAndMeasuresAgain()
    {
        using var folder = new TemporaryFolder();
        foreach (string kind in new[] { "a", "b" })
        {
            Directory.CreateDirectory(folder.File(kind));
            for (int i = 0; i < 5; i++)
            {
                using var image = TestImages.Image(kind == "a" ? i : 100 + i);
                image.Save(folder.File($"{kind}/{i}.png"));
            }
        }
        // Side and patch are 14: the smallest of the kind.
        var told = new ContinuationOptions(folder.Path, null, 8, 0.5, 0.1, 28, folder.File("on.safetensors"), 1);
        var (before, after) = Continuation.Run(told);
        Assert.Equal(10, before.AveragePrecisions.Count);
        Assert.InRange(before.MeanAveragePrecision, 0.01, 1);
        Assert.InRange(after.MeanAveragePrecision, 0.01, 1);
        Assert.NotEqual(before.AveragePrecisions, after.AveragePrecisions);
        // What it wrote is a place to go on from, and what comes before that run's first step
        // is what came after this one's last.
        var (again, _) =
            Continuation.Run(told with { Weights = folder.File("on.safetensors"), Epochs = 0, Output = null });
        Assert.Equal(after.AveragePrecisions, again.AveragePrecisions);
        Assert.Throws<FileNotFoundException>(() => Continuation.Run(told with { Weights = folder.File("none.pth") }));
    }
}
