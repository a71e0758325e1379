using SkiaSharp;

namespace MLNet.Ssl.Reports;

/// <summary>Images as JPEG files, for photographs.</summary>
internal static class JpegImage
{
    private const int Quality = 85;

    /// <summary>The image as a data URI.</summary>
    public static string DataUri(RgbImage image)
    {
        var format = new SKImageInfo(image.Width, image.Height, SKColorType.Rgba8888, SKAlphaType.Opaque);
        using var picture = SKImage.FromPixelCopy(format, image.ToRgba());
        using var file = picture.Encode(SKEncodedImageFormat.Jpeg, Quality);
        return "data:image/jpeg;base64," + Convert.ToBase64String(file.ToArray());
    }
}
