namespace MLNet.Ssl.Samples;

/// <summary>
/// Ten classes of drawn 32x32 pictures, for when no photos are at hand: what differs is the shape or texture; colours,
/// place, size, tilt and noise are random, so that the mean colour tells nothing.
/// </summary>
public static class ProceduralImages
{
    private static readonly (string Name, Func<float, float, bool> IsInk)[] Classes =
    [
        ("disc", (x, y) => x * x + y * y < 1),
        ("ring", (x, y) => x * x + y * y is > 0.35f and < 1),
        ("square", (x, y) => MathF.Max(MathF.Abs(x), MathF.Abs(y)) < 0.85f),
        ("triangle", (x, y) => y < 0.8f && y > 2 * MathF.Abs(x) - 1),
        ("cross", (x, y) => MathF.Min(MathF.Abs(x), MathF.Abs(y)) < 0.3f && MathF.Max(MathF.Abs(x), MathF.Abs(y)) < 1),
        ("lying stripes", (_, y) => MathF.Sin(6 * y) > 0),
        ("upright stripes", (x, _) => MathF.Sin(6 * x) > 0),
        ("slanted stripes", (x, y) => MathF.Sin(4.2f * (x + y)) > 0),
        ("checkerboard", (x, y) => MathF.Sin(5 * x) * MathF.Sin(5 * y) > 0),
        ("dots", (x, y) => MathF.Cos(7 * x) + MathF.Cos(7 * y) > 0.7f),
    ];

    /// <summary>Draws a training and a test set, classes in turn; the same seed gives the same pictures.</summary>
    public static (CifarSet Train, CifarSet Test) Draw(int trainCount, int testCount, int seed)
    {
        string[] names = [.. Classes.Select(c => c.Name)];
        var random = new Random(seed);
        return (new CifarSet(names, [Records(trainCount, random)]), new CifarSet(names, [Records(testCount, random)]));
    }

    private static byte[] Records(int count, Random random)
    {
        var records = new byte[count * CifarReader.RecordSize];
        for (var i = 0; i < count; i++)
        {
            var label = i % Classes.Length;
            records[i * CifarReader.RecordSize] = (byte)label;
            Paint(records.AsSpan(i * CifarReader.RecordSize + 1, CifarReader.RecordSize - 1), Classes[label].IsInk,
                random);
        }

        return records;
    }

    private static void Paint(Span<byte> planes, Func<float, float, bool> isInk, Random random)
    {
        const int side = CifarReader.Side;
        var (paper, ink) = Colours(random);
        float scale = Uniform(random, 0.45f, 0.85f), centreX = Uniform(random, -0.25f, 0.25f),
            centreY = Uniform(random, -0.25f, 0.25f);
        var (sin, cos) = MathF.SinCos(Uniform(random, -0.2f, 0.2f));
        float shade = Uniform(random, -40, 40), noise = Uniform(random, 2, 14);
        for (var i = 0; i < side * side; i++)
        {
            float x = (i % side + 0.5f) / side * 2 - 1, y = (i / side + 0.5f) / side * 2 - 1;
            float dx = (x - centreX) / scale, dy = (y - centreY) / scale;
            var colour = isInk(cos * dx - sin * dy, sin * dx + cos * dy) ? ink : paper;
            for (var c = 0; c < 3; c++)
                planes[c * side * side + i] =
                    (byte)Math.Clamp(colour[c] + shade * x + Uniform(random, -noise, noise), 0, 255);
        }
    }

    // Two colours far enough apart to be seen; either may be the paper.
    private static (float[] Paper, float[] Ink) Colours(Random random)
    {
        while (true)
        {
            var (a, b) = (Colour(random), Colour(random));
            if (a.Zip(b, (u, v) => MathF.Abs(u - v)).Sum() > 180) return (a, b);
        }

        static float[] Colour(Random random) =>
            [Uniform(random, 0, 255), Uniform(random, 0, 255), Uniform(random, 0, 255)];
    }

    private static float Uniform(Random random, float low, float high) => low + (high - low) * random.NextSingle();
}
