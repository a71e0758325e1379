namespace MLNet.Ssl;

/// <summary>An 8-bit RGB image: rows top to bottom without padding, 3 bytes a pixel (red, green, blue).</summary>
/// <param name="Pixels">Width·height·3 bytes.</param>
/// <param name="Width">Width in pixels.</param>
/// <param name="Height">Height in pixels.</param>
public readonly record struct RgbImage(ReadOnlyMemory<byte> Pixels, int Width, int Height)
{
    /// <summary>A rectangle of the image, copied.</summary>
    /// <param name="left">First column.</param>
    /// <param name="top">First row.</param>
    /// <param name="width">Width in pixels, at least 1.</param>
    /// <param name="height">Height in pixels, at least 1.</param>
    /// <exception cref="ArgumentException">The rectangle is empty or leaves the image.</exception>
    public RgbImage Crop(int left, int top, int width, int height)
    {
        CheckSize(Pixels.Length, Width, Height);
        if (left < 0 || top < 0 || width < 1 || height < 1 || width > Width - left || height > Height - top)
            throw new ArgumentException(
                $"The rectangle of {width}×{height} pixels at ({left}, {top}) "
                + $"does not lie in an image of {Width}×{Height}.");
        var pixels = new byte[3 * width * height];
        for (int y = 0; y < height; y++)
            Pixels.Span.Slice(3 * ((top + y) * Width + left), 3 * width).CopyTo(pixels.AsSpan(3 * y * width));
        return new(pixels, width, height);
    }

    /// <summary>The pixels with a fourth, opaque channel.</summary>
    internal byte[] ToRgba()
    {
        var source = Pixels.Span;
        var pixels = new byte[source.Length / 3 * 4];
        for (int from = 0, to = 0; to < pixels.Length; from += 3, to += 4)
        {
            source.Slice(from, 3).CopyTo(pixels.AsSpan(to));
            pixels[to + 3] = byte.MaxValue;
        }
        return pixels;
    }

    /// <summary>Refuses a size below 1×1 and a number of bytes that is not width·height·3.</summary>
    internal static void CheckSize(long bytes, int width, int height)
    {
        if (width < 1 || height < 1)
            throw new ArgumentException($"An image of {width}×{height} pixels is empty; expected at least 1×1.");
        long expected = 3L * width * height;
        if (bytes != expected)
            throw new ArgumentException(
                $"A {width}×{height} RGB image has {expected} bytes (3 a pixel, no row padding), got {bytes}.");
        if (expected > Array.MaxLength / 2)
            throw new ArgumentException($"An image of {width}×{height} pixels is too large; shrink it first.");
    }
}
