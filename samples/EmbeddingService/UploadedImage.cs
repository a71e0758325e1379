using System.Buffers.Binary;
using MLNet.Ssl;

namespace EmbeddingService;

/// <summary>A PNG or JPEG file as it was uploaded, whose size is known before it is decoded: a small file may claim any number of pixels.</summary>
public sealed record UploadedImage(byte[] Bytes, int Width, int Height)
{
    private static ReadOnlySpan<byte> PngSignature => [0x89, (byte)'P', (byte)'N', (byte)'G', 13, 10, 26, 10];

    private static ReadOnlySpan<byte> JpegStart => [0xFF, 0xD8];

    public long Pixels => (long)Width * Height;

    /// <summary>Reads the header; null if it is that of neither format.</summary>
    public static UploadedImage? Recognise(byte[] bytes) =>
        (PngSize(bytes) ?? JpegSize(bytes)) is ( > 0 and var width, > 0 and var height) ? new(bytes, width, height) : null;

    /// <exception cref="InvalidDataException">The image is damaged.</exception>
    public RgbImage Decode()
    {
        try
        {
            return RgbImages.Decode(Bytes);
        }
        catch (Exception e) when (e is not OutOfMemoryException)
        {
            throw new InvalidDataException($"The image cannot be read: {e.Message}", e);
        }
    }

    private static (int, int)? PngSize(ReadOnlySpan<byte> bytes) =>
        bytes.Length >= 24 && bytes.StartsWith(PngSignature) && bytes[12..].StartsWith("IHDR"u8)
            ? (BinaryPrimitives.ReadInt32BigEndian(bytes[16..]), BinaryPrimitives.ReadInt32BigEndian(bytes[20..]))
            : null;

    /// <summary>Walks the segments up to the frame header, which has the size.</summary>
    private static (int, int)? JpegSize(ReadOnlySpan<byte> bytes)
    {
        if (!bytes.StartsWith(JpegStart)) return null;
        for (int at = 2; at + 9 <= bytes.Length;)
        {
            byte marker = bytes[at + 1];
            if (bytes[at] != 0xFF) return null;
            if (marker == 0xFF)
            {
                at++;
                continue;
            }
            // Frame headers, but for tables of Huffman codes, extensions and arithmetic coding among their numbers.
            if (marker is >= 0xC0 and <= 0xCF and not (0xC4 or 0xC8 or 0xCC))
                return (BinaryPrimitives.ReadUInt16BigEndian(bytes[(at + 7)..]), BinaryPrimitives.ReadUInt16BigEndian(bytes[(at + 5)..]));
            int length = BinaryPrimitives.ReadUInt16BigEndian(bytes[(at + 2)..]);
            if (length < 2) return null;
            at += 2 + length;
        }
        return null;
    }
}
