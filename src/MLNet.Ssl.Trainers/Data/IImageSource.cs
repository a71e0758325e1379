using MLNet.Ssl.Images;

namespace MLNet.Ssl.Data;

/// <summary>Images by their number, which may lie in memory or be decoded when they are
/// asked for; for many threads.</summary>
internal interface IImageSource
{
    int Count { get; }

    /// <summary>Tells these images from others.</summary>
    string Fingerprint { get; }

    /// <summary>The shorter side in pixels, known without decoding.</summary>
    int ShorterSide(int index);

    /// <summary>The image, which lives until the buffer's next use.</summary>
    /// <exception cref="InvalidOperationException">It cannot be read; the message names it.</exception>
    RgbImage Read(int index, PixelBuffer buffer);

    /// <summary>
    /// Whose image <see cref="Read"/> gives: another one's where the row's own turned out to be unreadable and is to be
    /// left out. Known once it has been read.
    /// </summary>
    int RowOf(int index);
}

/// <summary>What follows from the images of a source.</summary>
internal static class ImageSourceExtensions
{
    /// <summary>A copy of the image.</summary>
    public static RgbImage Copy(this IImageSource source, int index)
    {
        var buffer = PixelBuffer.Rent();
        try
        {
            var image = source.Read(index, buffer);
            return image with { Pixels = image.Pixels.ToArray() };
        }
        finally
        {
            buffer.Return();
        }
    }
}
