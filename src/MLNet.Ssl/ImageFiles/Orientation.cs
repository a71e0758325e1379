using MLNet.Ssl.Images;

namespace MLNet.Ssl.ImageFiles;

/// <summary>The eight orientations of EXIF (tag 274): how what is stored is to be shown.</summary>
internal static class Orientation
{
    /// <summary>As stored.</summary>
    public const int Stored = 1;

    /// <summary>The image as it is to be shown, in the buffer's memory.</summary>
    public static RgbImage Apply(RgbImage image, int orientation, PixelBuffer buffer)
    {
        if (orientation is <= Stored or > 8) return image;
        var (width, height) = orientation >= 5 ? (image.Height, image.Width) : (image.Width, image.Height);
        var turned = buffer.Turned(image.Pixels.Length);
        ReadOnlySpan<byte> from = image.Pixels.Span;
        var to = turned.Span;
        // What the stored column and row are, of the one shown: 5 to 8 swap them.
        bool mirrorX = orientation is 2 or 3 or 7 or 8, mirrorY = orientation is 3 or 4 or 6 or 7;
        for (int y = 0, at = 0; y < height; y++)
        {
            for (int x = 0; x < width; x++, at += 3)
            {
                var (column, row) = orientation >= 5 ? (y, x) : (x, y);
                if (mirrorX) column = image.Width - 1 - column;
                if (mirrorY) row = image.Height - 1 - row;
                int source = 3 * (row * image.Width + column);
                (to[at], to[at + 1], to[at + 2]) = (from[source], from[source + 1], from[source + 2]);
            }
        }
        return new(turned, width, height);
    }
}
