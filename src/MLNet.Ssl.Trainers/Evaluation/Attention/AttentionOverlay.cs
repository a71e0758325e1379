namespace MLNet.Ssl;

/// <summary>Pictures of <see cref="AttentionMaps"/>.</summary>
public static class AttentionOverlay
{
    /// <summary>The colours from the least to the largest attention, evenly spaced.</summary>
    // Black, red, orange, yellow, white: the heat map readers know, brighter with every step, so that it survives being
    // printed in grey.
    internal static readonly (int Red, int Green, int Blue)[] Heat =
        [(0, 0, 0), (150, 10, 40), (235, 95, 15), (255, 200, 50), (255, 255, 235)];

    private const int Gap = 4;

    /// <summary>
    /// The image, darkened, under the heat of a head's attention, from its least (none) to its largest (white).
    /// </summary>
    /// <param name="maps">The maps.</param>
    /// <param name="head">Number of the head, from 0.</param>
    /// <exception cref="ArgumentOutOfRangeException">There is no such head.</exception>
    public static RgbImage Overlay(this AttentionMaps maps, int head)
    {
        ArgumentNullException.ThrowIfNull(maps);
        var weights = maps.PixelWeights(head);
        float least = weights.Min(), range = Math.Max(weights.Max() - least, float.Epsilon);
        return Paint(maps, (i, pixel) =>
        {
            // The image shows at half its brightness where there is no heat, and not at all where it is greatest.
            float heat = (weights[i] - least) / range;
            var (red, green, blue) = Colour(heat);
            float shown = 0.5f * (1 - heat);
            return (red + shown * pixel.Red, green + shown * pixel.Green, blue + shown * pixel.Blue);
        });
    }

    /// <summary>The image where a head's mask keeps it, darkened elsewhere.</summary>
    /// <param name="maps">The maps.</param>
    /// <param name="head">Number of the head, from 0.</param>
    /// <param name="mass">Share θ of the attention to keep (<see cref="AttentionMaps.Mask"/>).</param>
    /// <exception cref="ArgumentOutOfRangeException">There is no such head, or the mass is out of range.</exception>
    public static RgbImage Overlay(this AttentionMaps maps, int head, double mass)
    {
        ArgumentNullException.ThrowIfNull(maps);
        var mask = maps.Mask(head, mass);
        return Paint(maps, (i, pixel) =>
        {
            float shown =
                mask[i / maps.Image.Width / maps.PatchSize * maps.Columns + i % maps.Image.Width / maps.PatchSize] ? 1
                : 0.15f;
            return (shown * pixel.Red, shown * pixel.Green, shown * pixel.Blue);
        });
    }

    /// <summary>One picture of all: the image, then each head's overlay, in rows from the left.</summary>
    /// <param name="maps">The maps.</param>
    public static RgbImage ContactSheet(this AttentionMaps maps)
    {
        ArgumentNullException.ThrowIfNull(maps);
        RgbImage[] tiles = [maps.Image, .. Enumerable.Range(0, maps.Heads).Select(head => maps.Overlay(head))];
        int columns = (int)Math.Ceiling(Math.Sqrt(tiles.Length)), rows = (tiles.Length + columns - 1) / columns;
        int stepX = maps.Image.Width + Gap, stepY = maps.Image.Height + Gap, width = columns * stepX - Gap,
            height = rows * stepY - Gap;
        var sheet = new byte[3 * width * height];
        sheet.AsSpan().Fill(byte.MaxValue);
        for (int tile = 0; tile < tiles.Length; tile++)
        {
            int corner = 3 * (tile / columns * stepY * width + tile % columns * stepX), line = 3 * tiles[tile].Width;
            for (int y = 0; y < tiles[tile].Height; y++)
                tiles[tile].Pixels.Span.Slice(y * line, line).CopyTo(sheet.AsSpan(corner + 3 * y * width));
        }
        return new(sheet, width, height);
    }

    private static RgbImage Paint(AttentionMaps maps, Func<int, (byte Red, byte Green, byte Blue),
        (float Red, float Green, float Blue)> paint)
    {
        var source = maps.Image.Pixels.Span;
        var target = new byte[source.Length];
        for (int i = 0; i < target.Length / 3; i++)
        {
            var (red, green, blue) = paint(i, (source[3 * i], source[3 * i + 1], source[3 * i + 2]));
            (target[3 * i], target[3 * i + 1], target[3 * i + 2]) = (ToByte(red), ToByte(green), ToByte(blue));
        }
        return new(target, maps.Image.Width, maps.Image.Height);
    }

    private static (float Red, float Green, float Blue) Colour(float heat)
    {
        float position = heat * (Heat.Length - 1);
        int step = Math.Min((int)position, Heat.Length - 2);
        float share = position - step;
        var (from, to) = (Heat[step], Heat[step + 1]);
        return (from.Red + share * (to.Red - from.Red), from.Green + share * (to.Green - from.Green),
            from.Blue + share * (to.Blue - from.Blue));
    }

    private static byte ToByte(float value) => (byte)Math.Clamp(MathF.Round(value), 0, 255);
}
