using SkiaSharp;

namespace MLNet.Ssl.Tests;

public sealed class PngImageTests
{
    [Theory]
    [InlineData(1, 1)]
    [InlineData(5, 3)]
    [InlineData(64, 33)]
    public void AFileHoldsThePixels(int width, int height)
    {
        var pixels = new byte[3 * width * height];
        new Random(width).NextBytes(pixels);
        var file = PngImage.Encode(new(pixels, width, height));
        Assert.Equal([0x89, 0x50, 0x4E, 0x47, 0x0D, 0x0A, 0x1A, 0x0A], file[..8]);
        // Eight bits, colours without alpha or palette.
        Assert.Equal([8, 2], file[24..26]);
        using var read = SKBitmap.Decode(file);
        Assert.Equal((width, height), (read.Width, read.Height));
        Assert.Equal(pixels, read.Pixels.SelectMany(pixel => (byte[])[pixel.Red, pixel.Green, pixel.Blue]));
    }

    [Fact]
    public void AnImageOfAnotherLengthIsRefused() =>
        Assert.Throws<ArgumentException>(() => PngImage.Encode(new(new byte[5], 1, 2)));
}
