namespace MLNet.Ssl;

/// <summary>What the first bytes of an image file say of it (<see cref="RgbImages.ReadHeader"/>).</summary>
/// <param name="Format">PNG, JPEG, GIF, WebP or BMP.</param>
/// <param name="Width">Width in pixels; for a GIF whose first frame leaves its screen, of both together.</param>
/// <param name="Height">Height in pixels, likewise.</param>
/// <param name="Frames">Number of frames, at least 1. The first one is what is decoded.</param>
/// <param name="EndsEarly">The file has fewer bytes than so many pixels can be packed in, or its structure has no end:
/// decoding it would fail. What is false may still turn out to end early.</param>
/// <param name="Orientation">EXIF orientation, 1 to 8: how what is stored is to be turned for show; 1 for as it is, and
/// where the file says nothing. Width and height are those stored.</param>
public readonly record struct ImageHeader(
    string Format, int Width, int Height, int Frames, bool EndsEarly = false, int Orientation = 1)
{
    /// <summary>Pixels of all frames together.</summary>
    public long Pixels => (long)Width * Height * Frames;
}
