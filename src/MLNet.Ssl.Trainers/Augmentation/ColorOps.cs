using System.Runtime.CompilerServices;
using System.Runtime.Intrinsics;
using MLNet.Ssl.Images;

namespace MLNet.Ssl.Augmentation;

/// <summary>Point operations on 8-bit RGB, bit for bit as Pillow and torchvision compute them.</summary>
internal static class ColorOps
{
    /// <summary>Blends with black; factor 1 keeps the image.</summary>
    public static void Brightness(PlanarImage image, float factor) => BlendWith(image, 0, factor);

    /// <summary>Blends with a flat grey of the mean luma.</summary>
    public static void Contrast(PlanarImage image, float factor) => BlendWith(image, MeanLuma(image), factor);

    /// <summary>Blends with the grey image.</summary>
    public static void Saturation(PlanarImage image, float factor)
    {
        Span<byte> red = image.Plane(0), green = image.Plane(1), blue = image.Plane(2);
        for (int i = 0; i < red.Length; i += Lanes.Count)
        {
            Vector256<int> r = Lanes.Load(red, i), g = Lanes.Load(green, i), b = Lanes.Load(blue, i);
            var grey = Luma(r, g, b);
            Lanes.Store(Blend(grey, r, factor), red, i);
            Lanes.Store(Blend(grey, g, factor), green, i);
            Lanes.Store(Blend(grey, b, factor), blue, i);
        }
    }

    /// <summary>Copies the luma to the three channels.</summary>
    public static void Grayscale(PlanarImage image)
    {
        Span<byte> red = image.Plane(0), green = image.Plane(1), blue = image.Plane(2);
        for (int i = 0; i < red.Length; i += Lanes.Count)
            Lanes.Store(Luma(Lanes.Load(red, i), Lanes.Load(green, i), Lanes.Load(blue, i)), red, i);
        red.CopyTo(green);
        red.CopyTo(blue);
    }

    /// <summary>Replaces every value v at or above the threshold by 255 − v.</summary>
    public static void Solarize(PlanarImage image, int threshold = 128)
    {
        var planes = image.Planes;
        for (int i = 0; i < planes.Length; i += Lanes.Count)
        {
            var value = Lanes.Load(planes, i);
            var isDark = Vector256.LessThan(value, Lanes.Of(threshold));
            Lanes.Store(Vector256.ConditionalSelect(isDark, value, Lanes.Of(255) - value), planes, i);
        }
    }

    /// <summary>
    /// Turns the hue by <paramref name="turns"/>, through an HSV image of 8 bits a channel. That this float32 and
    /// integer form gives Pillow's bytes for every input, whose code computes partly in float64, was checked over all
    /// (max − min, middle) and all (H, S, V).
    /// </summary>
    public static void Hue(PlanarImage image, double turns)
    {
        Span<byte> red = image.Plane(0), green = image.Plane(1), blue = image.Plane(2);
        var shift = Lanes.Of((int)(turns * 255));
        for (int i = 0; i < red.Length; i += Lanes.Count)
        {
            Vector256<int> r = Lanes.Load(red, i), g = Lanes.Load(green, i), b = Lanes.Load(blue, i);
            Vector256<int> max = Vector256.Max(r, Vector256.Max(g, b)), min = Vector256.Min(r, Vector256.Min(g, b)),
                range = max - min;
            var hue = (HueOf(r, g, b, max, min) + shift) & Lanes.Of(255);
            var saturation = Lanes.Truncate(Vector256.ConvertToSingle(range * 255)
                / Vector256.ConvertToSingle(Vector256.Max(max, Vector256<int>.One)));
            Lanes.Store(FromHsv(5, hue, saturation, max), red, i);
            Lanes.Store(FromHsv(3, hue, saturation, max), green, i);
            Lanes.Store(FromHsv(1, hue, saturation, max), blue, i);
        }
    }

    // Within a sextant the hue is base ± (max − middle) / (max − min); adding in another order rounds differently.
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static Vector256<int> HueOf(Vector256<int> r, Vector256<int> g, Vector256<int> b, Vector256<int> max,
        Vector256<int> min)
    {
        Vector256<int> isRed = Vector256.Equals(r, max), isGreen = Vector256.Equals(g, max);
        var falling = Vector256.ConditionalSelect(isRed, Vector256.GreaterThan(g, b),
            Vector256.ConditionalSelect(isGreen, Vector256.GreaterThan(b, r), Vector256.GreaterThan(r, g)));
        var greenOrBlue = Vector256.ConditionalSelect(isGreen, Lanes.Of(1), Lanes.Of(3));
        var sextant = Vector256.ConditionalSelect(isRed, Lanes.Of(-1), greenOrBlue) - 2 * falling;
        var middle = r + g + b - max - min;
        var part = Vector256.ConvertToSingle(max - middle)
            / Vector256.ConvertToSingle(Vector256.Max(max - min, Vector256<int>.One));
        part = Vector256.ConditionalSelect(falling.AsSingle(), -part, part);

        var turns = (Vector256.ConvertToSingle(sextant) + part) / 6f;
        turns += Vector256.ConditionalSelect(Vector256.LessThan(turns, Vector256<float>.Zero), Vector256<float>.One,
            Vector256<float>.Zero);
        return Lanes.Truncate(turns * 255f);
    }

    // A channel is value · (1 − saturation · w) with w a trapezoid of the hue, 0 around the channel's own colour and 1
    // opposite to it; in units of 1/255² that is whole numbers below 2²⁴, exact in float32.
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static Vector256<int> FromHsv(int offset, Vector256<int> hue, Vector256<int> saturation,
        Vector256<int> value)
    {
        const int one = 255, turn = 6 * one, square = one * one;
        var angle = hue * 6 + Lanes.Of(offset * one);
        angle -= Lanes.Of(turn) & Vector256.GreaterThanOrEqual(angle, Lanes.Of(turn));
        var w = Vector256.Max(Vector256.Min(Vector256.Min(angle, Lanes.Of(4 * one) - angle), Lanes.Of(one)),
            Vector256<int>.Zero);
        var scaled = value * (Lanes.Of(square) - saturation * w) + Lanes.Of(square / 2);
        return Lanes.Truncate(Vector256.ConvertToSingle(scaled) / (float)square);
    }

    private static void BlendWith(PlanarImage image, int level, float factor)
    {
        var planes = image.Planes;
        var background = Lanes.Of(level);
        for (int i = 0; i < planes.Length; i += Lanes.Count)
            Lanes.Store(Blend(background, Lanes.Load(planes, i), factor), planes, i);
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static Vector256<int> Blend(Vector256<int> background, Vector256<int> value, float factor) =>
        Lanes.Truncate(Vector256.ConvertToSingle(background) + factor * Vector256.ConvertToSingle(value - background));

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static Vector256<int> Luma(Vector256<int> r, Vector256<int> g, Vector256<int> b) =>
        (r * 19595 + g * 38470 + b * 7471 + Lanes.Of(1 << 15)) >> 16;

    private static int MeanLuma(PlanarImage image)
    {
        Span<byte> red = image.Plane(0), green = image.Plane(1), blue = image.Plane(2);
        int pixels = image.Width * image.Height, whole = pixels - pixels % Lanes.Count;
        long sum = 0;
        // Rows of lanes are summed in 32 bits, which hold 2²³ bytes a lane, far above any image.
        var lanes = Vector256<int>.Zero;
        for (int i = 0; i < whole; i += Lanes.Count)
            lanes += Luma(Lanes.Load(red, i), Lanes.Load(green, i), Lanes.Load(blue, i));
        for (int lane = 0; lane < Lanes.Count; lane++) sum += lanes[lane];
        if (whole < pixels)
        {
            var last = Luma(Lanes.Load(red, whole), Lanes.Load(green, whole), Lanes.Load(blue, whole));
            for (int lane = 0; lane < pixels - whole; lane++) sum += last[lane];
        }
        return (int)((double)sum / pixels + 0.5);
    }
}
