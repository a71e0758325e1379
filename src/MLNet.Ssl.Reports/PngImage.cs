using SkiaSharp;

namespace MLNet.Ssl.Reports;

/// <summary>Images as PNG files.</summary>
internal static class PngImage
{
    /// <summary>The image as a data URI.</summary>
    public static string DataUri(RgbImage image) => "data:image/png;base64," + Convert.ToBase64String(Encode(image));

    /// <summary>The bytes of a file.</summary>
    /// <exception cref="ArgumentException">The image is empty or inconsistent.</exception>
    public static byte[] Encode(RgbImage image)
    {
        RgbImage.CheckSize(image.Pixels.Length, image.Width, image.Height);
        var format = new SKImageInfo(image.Width, image.Height, SKColorType.Rgba8888, SKAlphaType.Opaque);
        using var picture = SKImage.FromPixelCopy(format, image.ToRgba());
        using var file = picture.Encode(SKEncodedImageFormat.Png, 100);
        return file.ToArray();
    }
}
