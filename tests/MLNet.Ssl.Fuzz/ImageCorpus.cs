using MLNet.Ssl.Tests;
using SkiaSharp;

namespace MLNet.Ssl.Fuzz;

/// <summary>Small whole images of every format, and those that attack, damaged.</summary>
internal static class ImageCorpus
{
    private const int Side = 24;

    private static readonly Lazy<byte[][]> Files = new(() =>
        [.. Whole(), .. AttackImages.Refused().Select(file => file.Bytes).Where(bytes => bytes.Length < 1 << 15)]);

    private static readonly byte[][] Words =
    [
        [0xff, 0xd8], [0xff, 0xd9], [0xff, 0xda], [0xff, 0xc0], [0xff, 0xc2], [0xff, 0xdd, 0, 4, 0, 1], [0xff, 0xd0],
        "IHDR"u8.ToArray(), "IDAT"u8.ToArray(), "IEND"u8.ToArray(),
        "acTL"u8.ToArray(), "PLTE"u8.ToArray(), "VP8 "u8.ToArray(), "VP8L"u8.ToArray(), "VP8X"u8.ToArray(),
        "ALPH"u8.ToArray(), "ANIM"u8.ToArray(), "ANMF"u8.ToArray(),
        [0x21, 0xf9, 4], [0x2c], [0x3b], [0xff, 0xff, 0xff, 0x7f], [0xff, 0xff], [0x20, 0x4e],
    ];

    public static byte[] Image(int seed)
    {
        var random = new Random(seed);
        return Mutations.Bytes(random.Of(Files.Value), random, Words);
    }

    private static IEnumerable<byte[]> Whole()
    {
        var rows = Enumerable.Range(0, Side * (1 + 3 * Side))
            .Select(i => (byte)(i % (1 + 3 * Side) == 0 ? i / 73 % 5 : i * i / 7)).ToArray();
        yield return AttackImages.Png(Side, Side, rows);
        yield return AttackImages.Gif(Side, Side, [.. rows.Take(Side * Side).Select(level => (byte)(level / 2))]);
        yield return AttackImages.Gif(Side, Side, [.. rows.Take(Side * Side).Select(level => (byte)(level / 2))],
            screen: 5);
        yield return AttackImages.Bmp(Side, Side, rows[..(3 * Side * Side)]);
        yield return AttackImages.Bmp(Side, -Side, rows[..(3 * Side * Side)]);
        using var bitmap = new SKBitmap(new SKImageInfo(Side, Side, SKColorType.Rgba8888, SKAlphaType.Unpremul));
        for (int i = 0; i < Side * Side; i++)
            bitmap.SetPixel(i % Side, i / Side, new(rows[i], rows[i + Side], rows[i + 99], (byte)(i % 256)));
        foreach (var (format, quality) in new[]
                 {
                     (SKEncodedImageFormat.Png, 100), (SKEncodedImageFormat.Jpeg, 40), (SKEncodedImageFormat.Jpeg, 95),
                     (SKEncodedImageFormat.Webp, 50), (SKEncodedImageFormat.Webp, 100),
                 })
        {
            using var data = bitmap.Encode(format, quality);
            yield return data.ToArray();
        }
    }
}
