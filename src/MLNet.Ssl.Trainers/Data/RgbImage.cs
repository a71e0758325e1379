namespace MLNet.Ssl;

/// <summary>An 8-bit RGB image: rows top to bottom without padding, 3 bytes a pixel (red, green, blue).</summary>
/// <param name="Pixels">Width·height·3 bytes.</param>
/// <param name="Width">Width in pixels.</param>
/// <param name="Height">Height in pixels.</param>
public readonly record struct RgbImage(ReadOnlyMemory<byte> Pixels, int Width, int Height)
{
    /// <summary>Refuses a size below 1×1 and a number of bytes that is not width·height·3.</summary>
    internal static void CheckSize(long bytes, int width, int height)
    {
        if (width < 1 || height < 1) throw new ArgumentException($"An image of {width}×{height} pixels is empty; expected at least 1×1.");
        long expected = 3L * width * height;
        if (bytes != expected)
            throw new ArgumentException($"A {width}×{height} RGB image has {expected} bytes (3 a pixel, no row padding), got {bytes}.");
        if (expected > Array.MaxLength / 2) throw new ArgumentException($"An image of {width}×{height} pixels is too large; shrink it first.");
    }
}
