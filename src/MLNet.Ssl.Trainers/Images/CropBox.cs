using MLNet.Ssl.Augmentation;

namespace MLNet.Ssl.Images;

/// <summary>A rectangle of pixels.</summary>
internal readonly record struct CropBox(int Left, int Top, int Width, int Height)
{
    private const int Attempts = 10;

    /// <summary>
    /// Draws the rectangle of a random resized crop (Szegedy et al. 2015, as torchvision does it): up to ten tries of an area share from
    /// <paramref name="scale"/> and a log-uniform aspect (width/height) from <paramref name="aspect"/>, then the largest central crop of allowed aspect.
    /// </summary>
    public static CropBox Draw<TRandom>(int width, int height, (double Min, double Max) scale, (double Min, double Max) aspect, ref TRandom random)
        where TRandom : struct, IRandomSource
    {
        double area = (double)width * height, logMin = Math.Log(aspect.Min), logMax = Math.Log(aspect.Max);
        for (int attempt = 0; attempt < Attempts; attempt++)
        {
            double cropArea = area * random.Uniform(scale.Min, scale.Max), ratio = Math.Exp(random.Uniform(logMin, logMax));
            double cropWidth = Math.Round(Math.Sqrt(cropArea * ratio)), cropHeight = Math.Round(Math.Sqrt(cropArea / ratio));
            if (cropWidth >= 1 && cropWidth <= width && cropHeight >= 1 && cropHeight <= height)
            {
                int top = random.Below(height - (int)cropHeight + 1), left = random.Below(width - (int)cropWidth + 1);
                return new(left, top, (int)cropWidth, (int)cropHeight);
            }
        }

        double imageRatio = (double)width / height;
        int w = imageRatio > aspect.Max ? (int)Math.Round(height * aspect.Max) : width;
        int h = imageRatio < aspect.Min ? (int)Math.Round(width / aspect.Min) : height;
        w = Math.Max(w, 1);
        h = Math.Max(h, 1);
        return new((width - w) / 2, (height - h) / 2, w, h);
    }
}
