using Microsoft.ML;

namespace MLNet.Ssl.Tests;

/// <summary>The limit is the process's, so nothing else runs beside.</summary>
[CollectionDefinition(nameof(RgbImagesLimitTests), DisableParallelization = true)]
[Collection(nameof(RgbImagesLimitTests))]
public sealed class RgbImagesLimitTests
{
    [Fact]
    public void TheLimitIsAnOptionAndHoldsForColumnsToo()
    {
        long usual = RgbImages.MaxPixels;
        using var folder = new TemporaryFolder();
        string path = folder.File("limit.png");
        using var image = TestImages.Image(1);
        image.Save(path);
        byte[] png = File.ReadAllBytes(path);
        try
        {
            RgbImages.MaxPixels = TestImages.Size * TestImages.Size;
            Assert.Equal(TestImages.Size, RgbImages.Decode(png).Width);
            Assert.Equal(TestImages.Size, image.ToRgbImage().Width);
            RgbImages.MaxPixels--;
            Assert.Contains("16×16 pixels; at most 255 are read (RgbImages.MaxPixels)",
                Assert.Throws<InvalidDataException>(() => RgbImages.Decode(png)).Message);
            Assert.Contains("at most 255", Assert.Throws<InvalidOperationException>(() => image.ToRgbImage()).Message);
            Assert.Contains($"'{path}' cannot be read: it has 16×16",
                Assert.Throws<InvalidOperationException>(() => RgbImages.Load(path)).Message);
            var ml = new MLContext(seed: 1);
            string message = Assert.Throws<InvalidOperationException>(
                () => ml.SelfSupervised().Pretrain(options: TestImages.Untrained).Fit(ml.View(TestImages.Rows(4))))
                    .Message;
            Assert.Contains("Column 'Image', row 0: it has 16×16 pixels; at most 255", message);
        }
        finally
        {
            RgbImages.MaxPixels = usual;
        }
        foreach (long wrong in new[] { 0, 500_000_001 })
            Assert.Contains("MaxPixels",
                Assert.Throws<ArgumentOutOfRangeException>(() => RgbImages.MaxPixels = wrong).Message);
    }
}
