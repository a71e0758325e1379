using System.Buffers.Binary;

namespace MLNet.Ssl.ImageFiles;

/// <summary>
/// What is known of the formats beside the decoder: how files begin, how many pixels a byte can hold, and how they end.
/// </summary>
internal static class ImageFormat
{
    public const string Png = "PNG", Bmp = "BMP", Jpeg = "JPEG", Gif = "GIF";

    private const string WebP = "WebP";

    public static readonly string[] Names = [Png, Jpeg, Gif, WebP, Bmp];

    /// <summary>Bytes that tell every format.</summary>
    public const int LongestStart = 12;

    /// <summary>The format that a file begins as; null for none of them.</summary>
    public static string? Of(ReadOnlySpan<byte> bytes) =>
        bytes.StartsWith((ReadOnlySpan<byte>)[0x89, (byte)'P', (byte)'N', (byte)'G']) ? Png
        : bytes.StartsWith((ReadOnlySpan<byte>)[0xFF, 0xD8, 0xFF]) ? Jpeg
        : bytes.StartsWith("GIF8"u8) ? Gif
        : bytes.StartsWith("RIFF"u8) && bytes.Length >= LongestStart && bytes[8..].StartsWith("WEBP"u8) ? WebP
        : bytes.StartsWith("BM"u8) ? Bmp
        : null;

    /// <summary>
    /// Whether so many bytes cannot hold the pixels, or the file's own structure has no end; what is missing in between
    /// the decoder notices.
    /// </summary>
    public static bool EndsEarly(ReadOnlySpan<byte> bytes, ImageHeader header)
    {
        double pixels = (double)header.Width * header.Height;
        return header.Format switch
        {
            // Deflate gives at most 1,032 bytes for one.
            Png => pixels * PngBits(bytes) / 8 > 1032.0 * bytes.Length || !PngEnds(bytes),
            // A block of 64 pixels takes a bit, in one of the channels at half of the width or height.
            Jpeg => pixels > 1024.0 * bytes.Length || !JpegEnds(bytes),
            // A code of 12 bits stands for 4,096 pixels at most.
            Gif => GifFrame(bytes) is var (gifPixels, ends) && (gifPixels > 2731.0 * bytes.Length || !ends),
            WebP => 8 + (long)BinaryPrimitives.ReadUInt32LittleEndian(bytes[4..]) > bytes.Length + 1L,
            Bmp => BmpBits(bytes) is { } bits && pixels * bits / 8 > bytes.Length,
            _ => false,
        };
    }

    private static int PngBits(ReadOnlySpan<byte> bytes) =>
        bytes[24] * (bytes[25] switch { 2 => 3, 4 => 2, 6 => 4, _ => 1 });

    /// <summary>
    /// Chunks of a length, a name of four letters, that many bytes and a checksum follow a signature of eight bytes, up
    /// to IEND.
    /// </summary>
    private static bool PngEnds(ReadOnlySpan<byte> bytes)
    {
        long at = 8;
        while (at + 12 <= bytes.Length)
        {
            var chunk = bytes[(int)at..];
            if (chunk[4..].StartsWith("IEND"u8)) return true;
            at += 12 + (long)BinaryPrimitives.ReadUInt32BigEndian(chunk);
        }
        return false;
    }

    /// <summary>
    /// Segments of a marker, a length and that many bytes follow each other up to EOI; behind a scan's come its data,
    /// in which a marker's first byte is followed by 0 or a restart's number. The decoder too waits for EOI.
    /// </summary>
    private static bool JpegEnds(ReadOnlySpan<byte> bytes)
    {
        const byte mark = 0xFF, end = 0xD9;
        for (long at = 2; at < bytes.Length;)
        {
            var rest = bytes[(int)at..];
            int marker = rest.IndexOf(mark), filled = marker < 0 ? -1 : rest[marker..].IndexOfAnyExcept(mark),
                code = marker + filled;
            if (filled < 0) return false;
            at += code + 1;
            if (rest[code] == end) return true;
            // Zero is data, and these stand alone: TEM, RST0 to RST7, SOI.
            if (rest[code] is 0 or 1 or (>= 0xD0 and <= 0xD8)) continue;
            if (code + 3 > rest.Length) return false;
            at += BinaryPrimitives.ReadUInt16BigEndian(rest[(code + 1)..]);
        }
        return false;
    }

    /// <summary>
    /// Pixels of the first frame, and whether its data has an end: extensions, which are blocks after two bytes, may
    /// lie before it.
    /// </summary>
    private static (long Pixels, bool Ends) GifFrame(ReadOnlySpan<byte> bytes)
    {
        int at = 13 + ColorTable(bytes[10]);
        while (at + 10 <= bytes.Length && bytes[at] != 0x2C)
        {
            // Not as the standard has it: the decoder may know better.
            if (bytes[at] != 0x21) return (0, true);
            at = AfterBlocks(bytes, at + 2);
        }
        if (at + 10 > bytes.Length) return (0, true);
        long pixels = (long)BinaryPrimitives.ReadUInt16LittleEndian(
            bytes[(at + 5)..]) * BinaryPrimitives.ReadUInt16LittleEndian(bytes[(at + 7)..]);
        return (pixels, AfterBlocks(bytes, at + 11 + ColorTable(bytes[at + 9])) <= bytes.Length);

        static int ColorTable(byte flags) => (flags & 0x80) == 0 ? 0 : 3 << ((flags & 7) + 1);

        static int AfterBlocks(ReadOnlySpan<byte> bytes, int at)
        {
            while (at < bytes.Length && bytes[at] != 0) at += 1 + bytes[at];
            return at + 1;
        }
    }

    /// <summary>Bits of a pixel where they are not compressed, in the headers that are usual since Windows 3.</summary>
    private static int? BmpBits(ReadOnlySpan<byte> bytes) =>
        BinaryPrimitives.ReadUInt32LittleEndian(bytes[14..]) >= 40
            && BinaryPrimitives.ReadUInt32LittleEndian(bytes[30..]) is 0 or 3
            ? BinaryPrimitives.ReadUInt16LittleEndian(bytes[28..])
            : null;
}
