using Microsoft.ML.Data;
using MLNet.Ssl.Tests;

namespace Compat.Tests;

/// <summary>Decoding against the sizes and mean colours that Pillow 9.4 reads from the same files.</summary>
public sealed class ImageFileTests : IDisposable
{
    private readonly string _folder = Directory.CreateTempSubdirectory("mlimage").FullName;

    public void Dispose() => Directory.Delete(_folder, recursive: true);

    [SkippableTheory]
    [InlineData("alpha-gray.png", 128, 128, 46.73, 46.73, 46.73, 46.73)]
    [InlineData("alpha.png", 200, 150, 33.38, 25.66, 26.44, 74.51)]
    [InlineData("alpha.webp", 200, 150, 33.89, 25.87, 27.07, 74.51)]
    [InlineData("animated.gif", 320, 240, 249.74, 250.95, 246.99, 255)]
    [InlineData("bitmap.bmp", 128, 128, 89.71, 80.09, 95.38, 255)]
    [InlineData("exif-orientation-3-small.jpg", 128, 128, 89.68, 80.05, 95.31, 255)]
    [InlineData("exif-orientation-6.jpg", 1200, 1800, 98.43, 115.74, 134.16, 255)]
    [InlineData("gray.jpg", 128, 128, 84.69, 84.69, 84.69, 255)]
    [InlineData("gray1bit.png", 500, 500, 98.51, 98.51, 98.51, 255)]
    [InlineData("interlaced-rgb8.png", 32, 32, 191.25, 191.25, 191.25, 255)]
    [InlineData("lossy.webp", 480, 360, 119.42, 132.08, 94.30, 255)]
    [InlineData("no-exif-small.jpg", 128, 128, 89.72, 80.08, 95.41, 255)]
    [InlineData("palette-transparent.png", 256, 1, 135.50, 128.06, 135.50, 149.08)]
    [InlineData("progressive.jpg", 256, 160, 119.82, 120.24, 102.86, 255)]
    [InlineData("rgb16.png", 32, 32, 127.50, 127.50, 43.77, 255)]
    [InlineData("rgba16.png", 32, 32, 127.50, 127.50, 63.75, 79.69)]
    public void CreateFromFile_RealFile_HasTheReferenceSizeAndMeanColour(string name, int width, int height, double r, double g, double b, double a)
    {
        using var image = MLImage.CreateFromFile(Awkward(name));
        Assert.Equal((width, height, 32, MLPixelFormat.Bgra32), (image.Width, image.Height, image.BitsPerPixel, image.PixelFormat));
        Assert.Equal(width * height * 4, image.Pixels.Length);
        var mean = MeanRgba(image);
        foreach (var (expected, actual) in new[] { r, g, b, a }.Zip(mean)) Assert.Equal(expected, actual, 0.1);
    }

    [SkippableTheory]
    [InlineData("alpha.png", 138, 48, 48, 241)] // straight alpha: premultiplied red would be 130
    [InlineData("no-exif-small.jpg", 173, 70, 55, 255)]
    [InlineData("exif-orientation-3-small.jpg", 164, 77, 49, 255)] // as stored; turned upright it is (173, 70, 55)
    [InlineData("progressive.jpg", 188, 168, 141, 255)]
    [InlineData("rgba16.png", 0, 0, 255, 247)]
    public void CreateFromFile_RealFile_HasTheReferencePixelInTheMiddle(string name, byte r, byte g, byte b, byte a)
    {
        using var image = MLImage.CreateFromFile(Awkward(name));
        var at = (image.Height / 2 * image.Width + image.Width / 2) * 4;
        Assert.Equal(new[] { b, g, r, a }, image.Pixels.Slice(at, 4).ToArray());
    }

    [SkippableFact]
    public void CreateFromFile_Gray_HasEqualChannels()
    {
        using var image = MLImage.CreateFromFile(Awkward("gray.jpg"));
        var pixels = image.Pixels;
        for (var i = 0; i < pixels.Length; i += 4)
            Assert.True(pixels[i] == pixels[i + 1] && pixels[i] == pixels[i + 2] && pixels[i + 3] == 255, $"byte {i}");
    }

    [SkippableFact]
    public void CreateFromFile_Cmyk_IsCloseToTheConversionWithoutProfile()
    {
        using var image = MLImage.CreateFromFile(Awkward("cmyk.jpg"));
        Assert.Equal((100, 100), (image.Width, image.Height));
        var mean = MeanRgba(image);
        // Pillow's plain formula gives 30, 5, 7: a dark picture. Left inverted, it would be a bright one.
        foreach (var (expected, actual) in new[] { 30.0, 5, 7, 255 }.Zip(mean)) Assert.InRange(actual, expected - 1, expected + 40);
    }

    [SkippableFact]
    public void CreateFromFile_Gray16WithTransparentValue_KeepsTheAlpha()
    {
        using var image = MLImage.CreateFromFile(Awkward("gray16-trns.png"));
        Assert.Equal((64, 64), (image.Width, image.Height));
        Assert.InRange(MeanRgba(image)[3], 1, 254);
    }

    [SkippableTheory]
    [InlineData("broken-header.png")]
    [InlineData("truncated.jpg")]
    [InlineData("truncated.png")]
    public void CreateFromFile_DamagedRealFile_ThrowsAndNamesIt(string name)
    {
        var error = Assert.Throws<InvalidDataException>(() => MLImage.CreateFromFile(Awkward(name)));
        Assert.Contains(name, error.Message);
    }

    [SkippableTheory]
    [InlineData("alpha.webp")]
    [InlineData("bitmap.bmp")]
    [InlineData("gray.jpg")]
    [InlineData("interlaced-rgb8.png")]
    [InlineData("still-transparent.gif")]
    public void CreateFromStream_HalfAFile_Throws(string name)
    {
        var bytes = File.ReadAllBytes(Awkward(name));
        Assert.Throws<InvalidDataException>(() => MLImage.CreateFromStream(new MemoryStream(bytes, 0, bytes.Length / 2)));
    }

    [Theory]
    [InlineData(0)]
    [InlineData(5000)]
    public void CreateFromFile_EmptyOrGarbage_ThrowsAndNamesIt(int length)
    {
        var path = Path.Combine(_folder, "garbage.jpg");
        var bytes = new byte[length];
        new Random(1).NextBytes(bytes);
        File.WriteAllBytes(path, bytes);
        Assert.Contains(path, Assert.Throws<InvalidDataException>(() => MLImage.CreateFromFile(path)).Message);
    }

    [Fact]
    public void CreateFromFile_MissingFile_ThrowsAndNamesIt()
    {
        var path = Path.Combine(_folder, "missing.png");
        Assert.Contains(path, Assert.Throws<FileNotFoundException>(() => MLImage.CreateFromFile(path)).Message);
    }

    [Fact]
    public void CreateFromStream_HeaderOfAHugeImage_IsRefusedBeforeItsPixelsAreRead()
    {
        // A PNG of 68 bytes that claims 30000 x 30000 pixels.
        const string png = "iVBORw0KGgoAAAANSUhEUgAAdTAAAHUwCAIAAADpRW/tAAAAC0lEQVR4nGNgQAUAABAAATm9j2UAAAAASUVORK5CYII=";
        var error = Assert.Throws<InvalidDataException>(() => MLImage.CreateFromStream(new MemoryStream(Convert.FromBase64String(png))));
        Assert.Contains("30000 x 30000", error.Message);
    }

    [Theory]
    [InlineData(MLPixelFormat.Bgra32, "plain.png")]
    [InlineData(MLPixelFormat.Rgba32, "plain.png")]
    [InlineData(MLPixelFormat.Rgba32, "a[1] ü %20.PNG")]
    public void Save_Png_ReadsBackTheSamePixels(MLPixelFormat format, string name)
    {
        var pixels = new byte[7 * 5 * 4];
        new Random(2).NextBytes(pixels);
        using var image = MLImage.CreateFromPixels(7, 5, format, pixels);
        var path = Path.Combine(_folder, name);
        image.Save(path);
        using var again = MLImage.CreateFromFile(path);
        Assert.Equal((7, 5), (again.Width, again.Height));
        Assert.Equal(Rgba(image), Rgba(again));
    }

    [Fact]
    public void Save_UnknownExtension_ThrowsAndNamesThePath()
    {
        using var image = MLImage.CreateFromPixels(1, 1, MLPixelFormat.Bgra32, new byte[4]);
        Assert.Contains("x.unknown", Assert.Throws<InvalidOperationException>(() => image.Save(Path.Combine(_folder, "x.unknown"))).Message);
    }

    [Fact]
    public void CreateFromPixels_KeepsACopyInTheGivenOrder()
    {
        byte[] pixels = [1, 2, 3, 4, 5, 6, 7, 8];
        using var bgra = MLImage.CreateFromPixels(2, 1, MLPixelFormat.Bgra32, pixels);
        using var rgba = MLImage.CreateFromPixels(2, 1, MLPixelFormat.Rgba32, pixels);
        pixels[0] = 99;
        Assert.Equal(new byte[] { 1, 2, 3, 4, 5, 6, 7, 8 }, rgba.Pixels.ToArray());
        Assert.Equal(new byte[] { 1, 2, 3, 5, 6, 7 }, bgra.GetBGRPixels);
        Assert.Equal(new byte[] { 3, 2, 1, 7, 6, 5 }, rgba.GetBGRPixels);
    }

    [Theory]
    [InlineData(2, 2, MLPixelFormat.Bgra32, 15)]
    [InlineData(0, 2, MLPixelFormat.Bgra32, 0)]
    [InlineData(2, -2, MLPixelFormat.Bgra32, 16)]
    [InlineData(2, 2, MLPixelFormat.Unknown, 16)]
    public void CreateFromPixels_BadInput_Throws(int width, int height, MLPixelFormat format, int length) =>
        Assert.ThrowsAny<ArgumentException>(() => MLImage.CreateFromPixels(width, height, format, new byte[length]));

    [Fact]
    public void Pixels_AfterDispose_Throws()
    {
        var image = MLImage.CreateFromPixels(1, 1, MLPixelFormat.Bgra32, new byte[4]);
        image.Dispose();
        image.Dispose();
        Assert.Throws<ObjectDisposedException>(() => image.Pixels.Length);
    }

    [SkippableFact]
    public async Task CreateFromFile_OnEightThreads_GivesEachItsOwnPixels()
    {
        string[] names = ["alpha.png", "progressive.jpg", "lossy.webp", "bitmap.bmp", "animated.gif", "truncated.jpg", "gray.jpg", "rgba16.png"];
        var expected = names.Select(name => Content(Awkward(name))).ToArray();
        await Task.WhenAll(Enumerable.Range(0, 8).Select(thread => Task.Factory.StartNew(
            () =>
            {
                for (var i = 0; i < 24; i++)
                {
                    var k = (thread + i) % names.Length;
                    Assert.Equal(expected[k], Content(Awkward(names[k])));
                }
            },
            TaskCreationOptions.LongRunning)));

        static string Content(string path)
        {
            try
            {
                using var image = MLImage.CreateFromFile(path);
                return Convert.ToHexString(System.Security.Cryptography.SHA256.HashData(image.Pixels));
            }
            catch (InvalidDataException)
            {
                return "refused";
            }
        }
    }

    private static string Awkward(string name) => RealData.Path("photos-awkward/" + name);

    private static double[] MeanRgba(MLImage image)
    {
        var sums = new double[4];
        var rgba = Rgba(image);
        for (var i = 0; i < rgba.Length; i++) sums[i % 4] += rgba[i];
        return Array.ConvertAll(sums, sum => sum / (rgba.Length / 4));
    }

    private static byte[] Rgba(MLImage image)
    {
        var pixels = image.Pixels.ToArray();
        if (image.PixelFormat == MLPixelFormat.Bgra32)
            for (var i = 0; i < pixels.Length; i += 4)
                (pixels[i], pixels[i + 2]) = (pixels[i + 2], pixels[i]);
        return pixels;
    }
}
