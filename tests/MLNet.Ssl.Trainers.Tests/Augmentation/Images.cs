namespace MLNet.Ssl.Tests;

/// <summary>Conversions between the golden files' HWC arrays and the library's images.</summary>
internal static class Images
{
    public static RgbImage ToImage(this GoldenArray array) =>
        new(array.Bytes, (int)array.Shape[1], (int)array.Shape[0]);

    public static RgbImage Random(int width, int height, int seed)
    {
        var pixels = new byte[3 * width * height];
        new Random(seed).NextBytes(pixels);
        return new(pixels, width, height);
    }

    public static CropBox Whole(this RgbImage image) => new(0, 0, image.Width, image.Height);

    public static PlanarImage ToPlanar(this RgbImage image, bool flip = false)
    {
        var planar = new PlanarImage();
        new Resampler().Resize(image, image.Whole(), image.Width, image.Height, Interpolation.Bicubic, flip, planar);
        return planar;
    }

    public static RgbImage ToImage(this PlanarImage planar)
    {
        var pixels = new byte[3 * planar.Width * planar.Height];
        planar.CopyTo(pixels);
        return new(pixels, planar.Width, planar.Height);
    }

    /// <summary>Applies an operation to a copy of the image.</summary>
    public static RgbImage With(this RgbImage image, Action<PlanarImage> operation)
    {
        var planar = image.ToPlanar();
        operation(planar);
        return planar.ToImage();
    }

    public static void AssertEqual(GoldenArray expected, RgbImage actual, string key)
    {
        Assert.Equal((expected.Shape[1], expected.Shape[0]), (actual.Width, actual.Height));
        AssertEqual(expected.Bytes, actual.Pixels.Span, key);
    }

    public static void AssertEqual(ReadOnlySpan<byte> expected, ReadOnlySpan<byte> actual, string key)
    {
        Assert.Equal(expected.Length, actual.Length);
        int differing = 0, largest = 0;
        for (int i = 0; i < expected.Length; i++)
            if (expected[i] != actual[i])
                (differing, largest) = (differing + 1, Math.Max(largest, Math.Abs(expected[i] - actual[i])));
        Assert.True(differing == 0, $"{key}: {differing} of {expected.Length} bytes differ, by {largest} at most");
    }
}
