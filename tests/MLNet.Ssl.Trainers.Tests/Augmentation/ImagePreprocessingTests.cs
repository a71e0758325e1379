using System.Runtime.InteropServices;

namespace MLNet.Ssl.Tests;

public sealed class ImagePreprocessingTests
{
    [Theory]
    [InlineData(224, 256)]
    [InlineData(96, 110)]
    [InlineData(33, 38)]
    [InlineData(32, 32)]
    [InlineData(8, 8)]
    public void For_ImageSize_ResizesTo256Of224AboveThirtyTwo(int imageSize, int resize)
    {
        var preprocessing = ImagePreprocessing.For(imageSize);
        Assert.Equal((resize, imageSize), (preprocessing.Resize, preprocessing.CropSize));
        preprocessing.Validate();
    }

    [Fact]
    public void Apply_ImageOfTheSmallSize_KeepsEveryPixel()
    {
        var image = Images.Random(32, 32, seed: 1);
        var chw = new float[3 * 32 * 32];
        (ImagePreprocessing.For(32) with { Normalization = Normalization.None }).Apply(image, chw);
        for (int i = 0; i < chw.Length; i++) Assert.Equal(image.Pixels.Span[i % 1024 * 3 + i / 1024] / 255f, chw[i]);
    }

    [Theory]
    [InlineData(1, 1)]
    [InlineData(1, 90)]
    [InlineData(300, 2)]
    [InlineData(500, 333)]
    public void Apply_AnyImage_FillsTheCrop(int width, int height)
    {
        var chw = new float[3 * 48 * 48];
        Array.Fill(chw, float.NaN);
        ImagePreprocessing.For(48).Apply(Images.Random(width, height, seed: 2), chw);
        Assert.All(chw, v => Assert.InRange(v, -2.12f, 2.65f));
    }

    [Fact]
    public void Batch_EqualsSingleImages()
    {
        RgbImage[] images = [Images.Random(60, 40, 1), Images.Random(41, 90, 2), Images.Random(10, 10, 3)];
        var preprocessing = ImagePreprocessing.For(36);
        using var batch = preprocessing.Batch(images);
        Assert.Equal(new long[] { 3, 3, 36, 36 }, batch.shape);
        float[] values = MemoryMarshal.Cast<byte, float>(batch.bytes).ToArray();
        for (int i = 0; i < images.Length; i++)
        {
            var single = new float[3 * 36 * 36];
            preprocessing.Apply(images[i], single);
            Assert.Equal(single, values[(i * single.Length)..((i + 1) * single.Length)]);
        }
    }

    [Fact]
    public void BadUse_IsRefusedWithWhatWasExpected()
    {
        var plain = new ImagePreprocessing();
        Assert.Contains("room for 5", Message(() => plain.Apply(Images.Random(2, 2, 1), new float[5])));
        Assert.Contains("has 27 bytes", Message(() => plain.Apply(new(new byte[12], 3, 3), new float[27])));
        Assert.Contains("smaller than CropSize 8; set Resize",
            Message(() => (plain with { CropSize = 8 }).Apply(Images.Random(7, 9, 1), new float[192])));
        Assert.Contains("Image 1 comes out as 3×2, image 0 as 2×2; set CropSize",
            Message(() => plain.Batch([Images.Random(2, 2, 1), Images.Random(3, 2, 1)])));
        Assert.Contains("CropSize is 9; allowed is from 1 to 8",
            Message(new ImagePreprocessing { Resize = 8, CropSize = 9 }.Validate));
        Assert.Contains("imageSize is 0; allowed is from 1 to 4096", Message(() => ImagePreprocessing.For(0)));

        static string Message(Action action) => Assert.ThrowsAny<ArgumentException>(action).Message;
    }
}
