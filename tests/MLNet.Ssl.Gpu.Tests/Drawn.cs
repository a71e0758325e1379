using Microsoft.ML.Data;

namespace MLNet.Ssl.Tests;

/// <summary>Drawn images as ML.NET has them.</summary>
internal static class Drawn
{
    public static MLImage Image(RgbImage image)
    {
        var bgra = new byte[4 * image.Width * image.Height];
        var rgb = image.Pixels.Span;
        for (int i = 0; i < image.Width * image.Height; i++)
            (bgra[4 * i], bgra[4 * i + 1], bgra[4 * i + 2], bgra[4 * i + 3]) =
                (rgb[3 * i + 2], rgb[3 * i + 1], rgb[3 * i], 255);
        return MLImage.CreateFromPixels(image.Width, image.Height, MLPixelFormat.Bgra32, bgra);
    }
}
