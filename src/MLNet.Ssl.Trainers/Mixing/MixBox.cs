using MLNet.Ssl.Tensors;

namespace MLNet.Ssl.Mixing;

/// <summary>A rectangle of an image that another image fills: rows Top to below Bottom, columns Left to
/// below Right. It may be empty.</summary>
/// <param name="Top">First row.</param>
/// <param name="Left">First column.</param>
/// <param name="Bottom">Row after the last.</param>
/// <param name="Right">Column after the last.</param>
internal readonly record struct MixBox(int Top, int Left, int Bottom, int Right)
{
    /// <summary>λ, the share of a height × width image that the box leaves uncovered.</summary>
    public float Share(int height, int width) => 1 - (Bottom - Top) * (Right - Left) / (float)(height * width);

    /// <summary>Sides ⌊side·√(1 − λ)⌋ of a box that leaves about <paramref name="share"/> uncovered.</summary>
    public static (int Height, int Width) Sides(int height, int width, float share)
    {
        float side = MathF.Sqrt(1 - share);
        return ((int)(height * side), (int)(width * side));
    }

    /// <summary>i-Mix's box around a pixel, cut off at the image's border.</summary>
    public static MixBox Around(int row, int column, int height, int width, float share)
    {
        var (h, w) = Sides(height, width, share);
        return new(Math.Max(0, row - h / 2), Math.Max(0, column - w / 2), Math.Min(height, row + h / 2),
            Math.Min(width, column + w / 2));
    }

    /// <summary>SDMP's box of even sides at a random place inside the image.</summary>
    internal static MixBox Inside(int height, int width, float share, HostRandom random)
    {
        var (h, w) = Sides(height, width, share);
        (h, w) = (h / 2 * 2, w / 2 * 2);
        int top = random.Below(Math.Max(1, height - h)), left = random.Below(Math.Max(1, width - w));
        return new(top, left, top + h, left + w);
    }
}
