namespace MLNet.Ssl.Tests;

public sealed class ColorOpsTests
{
    /// <summary>The vector form against Pillow's formulas in their mix of float32 and float64,
    /// over a grid of all colours.</summary>
    [Theory]
    [InlineData(0)]
    [InlineData(0.1)]
    [InlineData(-0.1)]
    [InlineData(0.5)]
    [InlineData(-0.37)]
    public void Hue_AllColours_EqualsPillowsFormulas(double turns)
    {
        const int step = 5, side = 255 / step + 1;
        var pixels = new byte[3 * side * side * side];
        for (int i = 0; i < pixels.Length / 3; i++)
            (pixels[3 * i], pixels[3 * i + 1], pixels[3 * i + 2]) =
                ((byte)(i % side * step), (byte)(i / side % side * step), (byte)(i / side / side * step));
        var shifted = new RgbImage(pixels, side, side * side).With(image => ColorOps.Hue(image, turns))
            .Pixels.ToArray();

        var expected = new byte[pixels.Length];
        for (int i = 0; i < pixels.Length; i += 3)
        {
            var (h, s, v) = ToHsv(pixels[i], pixels[i + 1], pixels[i + 2]);
            (expected[i], expected[i + 1], expected[i + 2]) = ToRgb((byte)(h + (int)(turns * 255)), s, v);
        }
        Images.AssertEqual(expected, shifted, $"{turns} turns");
    }

    [Fact]
    public void Hue_EverySextantAndRange_EqualsPillowsFormulas()
    {
        var pixels = new List<byte>();
        for (int range = 0; range < 256; range++)
            for (int middle = 0; middle <= range; middle++)
            {
                byte high = (byte)range, mid = (byte)middle;
                pixels.AddRange([high, mid, 0, high, 0, mid, mid, high, 0, 0, high, mid, mid, 0, high, 0, mid, high]);
            }
        byte[] rgb = [.. pixels];
        var same = new RgbImage(rgb, rgb.Length / 3, 1).With(image => ColorOps.Hue(image, 0)).Pixels.ToArray();
        var expected = new byte[rgb.Length];
        for (int i = 0; i < rgb.Length; i += 3)
        {
            var (h, s, v) = ToHsv(rgb[i], rgb[i + 1], rgb[i + 2]);
            (expected[i], expected[i + 1], expected[i + 2]) = ToRgb(h, s, v);
        }
        Images.AssertEqual(expected, same, "every sextant");
    }

    [Fact]
    public void Saturation_FactorZero_IsGrayscale()
    {
        var image = Images.Random(13, 7, seed: 1);
        Assert.True(image.With(ColorOps.Grayscale)
            .Pixels.Span.SequenceEqual(image.With(i => ColorOps.Saturation(i, 0)).Pixels.Span));
    }

    [Fact]
    public void FactorOne_KeepsTheImage()
    {
        var image = Images.Random(13, 7, seed: 2);
        foreach (Action<PlanarImage, float> operation in new Action<PlanarImage, float>[] { ColorOps.Brightness,
            ColorOps.Contrast, ColorOps.Saturation })
            Assert.True(image.Pixels.Span.SequenceEqual(image.With(i => operation(i, 1)).Pixels.Span));
    }

    [Fact]
    public void HugeFactor_Saturates()
    {
        byte[] rgb = [0, 1, 255];
        Assert.Equal(new byte[] { 0, 101, 255 },
            new RgbImage(rgb, 1, 1).With(i => ColorOps.Brightness(i, 101)).Pixels.ToArray());
    }

    private static (byte H, byte S, byte V) ToHsv(byte r, byte g, byte b)
    {
        byte max = Math.Max(r, Math.Max(g, b)), min = Math.Min(r, Math.Min(g, b));
        if (max == min) return (0, 0, max);
        float range = max - min, s = range / max, rc = (max - r) / range, gc = (max - g) / range,
            bc = (max - b) / range;
        float h = r == max ? bc - gc : g == max ? (float)(2.0 + rc - bc) : (float)(4.0 + gc - rc);
        h = (float)((h / 6.0 + 1.0) % 1.0);
        return ((byte)(h * 255.0), (byte)(s * 255.0), max);
    }

    private static (byte R, byte G, byte B) ToRgb(byte h, byte s, byte v)
    {
        int sector = (int)Math.Floor(h * 6.0 / 255.0);
        float f = (float)(h * 6.0 / 255.0 - sector), fs = (float)(s / 255.0);
        byte p = Round(v * (1.0 - fs)), q = Round(v * (1.0 - fs * f)), t = Round(v * (1.0 - fs * (1.0 - f)));
        return (sector % 6) switch
        {
            0 => (v, t, p),
            1 => (q, v, p),
            2 => (p, v, t),
            3 => (p, q, v),
            4 => (t, p, v),
            _ => (v, p, q),
        };
    }

    private static byte Round(double value) => (byte)Math.Round(value, MidpointRounding.AwayFromZero);
}
