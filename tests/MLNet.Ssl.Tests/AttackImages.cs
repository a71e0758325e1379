using System.Buffers.Binary;
using System.IO.Compression;
using System.Text;
using SkiaSharp;

namespace MLNet.Ssl.Tests;

/// <summary>Image files by hand: whole ones in formats that ML.NET does not write, and small ones that claim, or
/// hold, what they should not.</summary>
internal static class AttackImages
{
    /// <summary>Files of a few bytes that must be refused, in little memory and time.</summary>
    public static IEnumerable<(string Name, byte[] Bytes)> Refused()
    {
        yield return ("44-byte GIF", Gif44);
        yield return ("frame beyond its screen", GifHeader(1, 1, 65535, 65535));
        yield return ("frame just under the limit", GifHeader(1, 1, 9999, 9999));
        yield return ("screen of 65535", GifHeader(65535, 65535, 1, 1));
        yield return ("GIF of many frames", GifHeader(4000, 4000, 4000, 4000, frames: 2000));
        yield return ("PNG of 100000", Png(100_000, 100_000, []));
        yield return ("PNG of 7000", Png(7000, 7000, []));
        yield return ("interlaced PNG", Png(9000, 9000, [], interlaced: true));
        yield return ("JPEG of 65500", Jpeg(65500, 65500));
        yield return ("JPEG of 7000", Jpeg(7000, 7000));
        yield return ("progressive JPEG", Jpeg(9000, 9000, frame: 0xC2));
        yield return ("marker without length", [0xFF, 0xD8, 0xFF, 0x01, .. Jpeg(30000, 30000)[2..]]);
        yield return ("marker without length, smaller", [0xFF, 0xD8, 0xFF, 0x01, .. Jpeg(9000, 9000)[2..]]);
        yield return ("BMP of 30000", Bmp(30000, 30000, []));
        yield return ("BMP of 7000", Bmp(7000, 7000, []));
        yield return ("BMP upside down", Bmp(7000, -7000, []));
        yield return ("lossless WebP of 16384", WebP("VP8L", LosslessStart(16384, 16384)));
        yield return ("lossless WebP of 9000", WebP("VP8L", LosslessStart(9000, 9000)));
        yield return ("lossy WebP of 16383", WebP("VP8 ", LossyStart(16383, 16383)));
        yield return ("lossy WebP of 9000", WebP("VP8 ", LossyStart(9000, 9000)));
        yield return ("PNG with an end and a little data", Png(1000, 1000, new byte[100_000]));
    }

    /// <summary>Photos of 20 megapixels as their formats pack them: whole, and cut before their last tenth; a PNG also
    /// with an end behind the cut.</summary>
    public static IEnumerable<(string Name, byte[] Bytes, bool IsWhole)> Large()
    {
        const int width = 5000, height = 4000, stride = 1 + 3 * width;
        var random = new Random(1);
        var rows = new byte[height * stride];
        for (int y = 0; y < height; y++)
            for (int x = 1; x < stride; x++) rows[y * stride + x] = (byte)(x / 64 + random.Next(3));
        byte[] png = Png(width, height, rows), jpeg = Encoded(rows, SKEncodedImageFormat.Jpeg),
            webp = Encoded(rows, SKEncodedImageFormat.Webp);
        byte[] adam7 = Png(width, height, new byte[Adam7Bytes(width, height)], interlaced: true);
        byte[] gif = Gif(width, height, [.. Enumerable.Range(0, width * height).Select(i => (byte)(i % 128))]);
        foreach (var (name, bytes) in new[] { ("PNG", png), ("JPEG", jpeg), ("WebP", webp), ("GIF", gif),
            ("interlaced PNG", adam7) })
        {
            yield return ($"{name} of 20 MP", bytes, true);
            yield return ($"{name} of 20 MP that ends early", bytes[..(bytes.Length * 9 / 10)], false);
        }
        yield return ("PNG of 20 MP with an end and nine tenths of its data",
            Png(width, height, rows[..(height * 9 / 10 * stride)]), false);
        yield return ("interlaced PNG of 20 MP without its last row",
            Png(width, height, new byte[Adam7Bytes(width, height) - stride], interlaced: true), false);

        static byte[] Encoded(byte[] rows, SKEncodedImageFormat format)
        {
            var rgba = new byte[4 * width * height];
            for (int y = 0, to = 0; y < height; y++)
                for (int x = 0; x < width; x++, to += 4)
                {
                    rows.AsSpan(y * stride + 1 + 3 * x, 3).CopyTo(rgba.AsSpan(to));
                    rgba[to + 3] = 255;
                }
            using var image = SKImage.FromPixelCopy(new SKImageInfo(width, height, SKColorType.Rgba8888), rgba);
            using var data = image.Encode(format, 80);
            return data.ToArray();
        }

        static int Adam7Bytes(int width, int height) =>
            new[] { (0, 0, 8, 8), (4, 0, 8, 8), (0, 4, 4, 8), (2, 0, 4, 4), (0, 2, 2, 4), (1, 0, 2, 2),
                (0, 1, 1, 2) }.Sum(pass =>
                (1 + 3 * ((width - pass.Item1 + pass.Item3 - 1) / pass.Item3))
                    * ((height - pass.Item2 + pass.Item4 - 1) / pass.Item4));
    }

    /// <summary>A screen of 1×1, an extension, a frame of 65535×65535 and no data.</summary>
    public static byte[] Gif44 => [.. "GIF89a"u8, 1, 0, 1, 0, 0x80, 0, 0, 0, 0, 0, 255, 255, 255, 0x21, 0xF9, 4, 0, 0,
        0, 0, 0, 0x2C, 0, 0, 0, 0, 255, 255, 255, 255, 0,
        2, 2, 0x4C, 1, 0, 0x3B];

    public static byte[] GifHeader(int screenWidth, int screenHeight, int width, int height, int frames = 1)
    {
        byte[] frame = [0x2C, 0, 0, 0, 0, .. Short(width), .. Short(height), 0, 2, 2, 0x4C, 1, 0];
        return [.. "GIF89a"u8, .. Short(screenWidth), .. Short(screenHeight), 0x80, 0, 0, 0, 0, 0, 255, 255, 255,
            .. Enumerable.Repeat(frame, frames).SelectMany(bytes => bytes), 0x3B];
    }

    /// <summary>A whole GIF of grey levels 0 to 127: a clear code before every 120 pixels keeps
    /// the codes at eight bits.</summary>
    public static byte[] Gif(int width, int height, byte[] levels, int? screen = null)
    {
        var codes = levels.Chunk(120).SelectMany(chunk => (byte[])[128, .. chunk]).Append((byte)129);
        return [.. "GIF89a"u8, .. Short(screen ?? width), .. Short(screen ?? height), 0xF6, 0, 0,
            .. Enumerable.Range(0, 128).SelectMany(i => (byte[])[(byte)i, (byte)i, (byte)i]),
            0x2C, 0, 0, 0, 0, .. Short(width), .. Short(height), 0, 7,
            .. codes.Chunk(255).SelectMany(block => (byte[])[(byte)block.Length, .. block]), 0, 0x3B];
    }

    /// <summary>A PNG of 8-bit RGB with these filtered rows, however few they are, and an end.</summary>
    public static byte[] Png(int width, int height, byte[] rows, bool interlaced = false)
    {
        using var packed = new MemoryStream();
        using (var zlib = new ZLibStream(packed, CompressionLevel.Fastest, leaveOpen: true)) zlib.Write(rows);
        return [0x89, .. "PNG\r\n\x1a\n"u8,
            .. Chunk("IHDR", [.. BigInt(width), .. BigInt(height), 8, 2, 0, 0, (byte)(interlaced ? 1 : 0)]),
            .. Chunk("IDAT", packed.ToArray()), .. Chunk("IEND", [])];

        static byte[] Chunk(string name, byte[] data)
        {
            byte[] named = [.. Encoding.ASCII.GetBytes(name), .. data];
            return [.. BigInt(data.Length), .. named, .. BigInt((int)Crc(named))];
        }
    }

    /// <summary>A JPEG's headers up to its scan, and an end.</summary>
    public static byte[] Jpeg(int width, int height, byte frame = 0xC0)
    {
        byte[] counts = [1, .. new byte[15]];
        return [0xFF, 0xD8, 0xFF, 0xDB, 0, 67, 0, .. Enumerable.Repeat((byte)1, 64),
            0xFF, frame, 0, 11, 8, .. Short(height).Reverse(), .. Short(width).Reverse(), 1, 1, 0x11, 0,
            0xFF, 0xC4, 0, 20, 0x00, .. counts, 0, 0xFF, 0xC4, 0, 20, 0x10, .. counts, 0,
            0xFF, 0xDA, 0, 8, 1, 1, 0, 0, (byte)(frame == 0xC2 ? 0 : 63), 0, 0x2A, 0xFF, 0xD9];
    }

    /// <summary>A BMP of 24 bits with these rows, from the bottom up, each padded to four bytes.</summary>
    public static byte[] Bmp(int width, int height, byte[] rows) =>
        [.. "BM"u8, .. Int(54 + rows.Length), .. Int(0), .. Int(54), .. Int(40), .. Int(width), .. Int(height),
        .. Short(1), .. Short(24), .. new byte[24], .. rows];

    public static byte[] WebP(string chunk, byte[] data) =>
        [.. "RIFF"u8, .. Int(12 + data.Length), .. "WEBP"u8, .. Encoding.ASCII.GetBytes(chunk), .. Int(data.Length),
            .. data];

    private static byte[] LosslessStart(int width, int height) =>
        [0x2F, .. Int((width - 1) | ((height - 1) << 14)), .. new byte[25]];

    private static byte[] LossyStart(int width, int height) =>
        [0x50, 2, 0, 0x9D, 1, 0x2A, .. Short(width), .. Short(height), .. new byte[40]];

    private static byte[] Short(int value) => [(byte)value, (byte)(value >> 8)];

    private static byte[] Int(int value) => [.. Short(value), .. Short(value >> 16)];

    private static byte[] BigInt(int value)
    {
        var bytes = new byte[4];
        BinaryPrimitives.WriteInt32BigEndian(bytes, value);
        return bytes;
    }

    private static uint Crc(byte[] bytes)
    {
        uint crc = ~0u;
        foreach (byte b in bytes)
        {
            crc ^= b;
            for (int bit = 0; bit < 8; bit++) crc = (crc & 1) != 0 ? (crc >> 1) ^ 0xEDB88320 : crc >> 1;
        }
        return ~crc;
    }
}
