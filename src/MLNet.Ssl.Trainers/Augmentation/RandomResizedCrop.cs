using MLNet.Ssl.Images;

namespace MLNet.Ssl.Augmentation;

/// <summary>
/// The random resized crop of Szegedy et al. (<see href="https://arxiv.org/abs/1409.4842">arXiv 1409.4842</see>), as
/// torchvision draws it.
/// </summary>
internal static class RandomResizedCrop
{
    private const int Attempts = 10;

    /// <summary>
    /// Draws the rectangle: up to ten tries of an area share from <paramref name="scale"/> and a log-uniform aspect
    /// (width/height) from <paramref name="aspect"/>, then the largest central crop of an allowed aspect.
    /// </summary>
    public static CropBox Draw<TRandom>(int width, int height, (double Min, double Max) scale,
        (double Min, double Max) aspect, ref TRandom random)
        where TRandom : struct, IRandomSource
    {
        double area = (double)width * height, logMin = Math.Log(aspect.Min), logMax = Math.Log(aspect.Max);
        for (int attempt = 0; attempt < Attempts; attempt++)
        {
            double cropArea = area * random.Uniform(scale.Min, scale.Max),
                ratio = Math.Exp(random.Uniform(logMin, logMax));
            double cropWidth = Math.Round(Math.Sqrt(cropArea * ratio)),
                cropHeight = Math.Round(Math.Sqrt(cropArea / ratio));
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
