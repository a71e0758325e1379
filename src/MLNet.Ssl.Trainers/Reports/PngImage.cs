using System.Buffers.Binary;
using System.IO.Compression;

namespace MLNet.Ssl;

/// <summary>Images as PNG files (ISO/IEC 15948): 8 bits a channel, every row as differences from the pixel to its left.</summary>
internal static class PngImage
{
    private static readonly byte[] Signature = [0x89, (byte)'P', (byte)'N', (byte)'G', 0x0D, 0x0A, 0x1A, 0x0A];

    /// <summary>The image as a data URI.</summary>
    public static string DataUri(RgbImage image) => "data:image/png;base64," + Convert.ToBase64String(Encode(image));

    /// <summary>The bytes of a file.</summary>
    /// <exception cref="ArgumentException">The image is empty or inconsistent.</exception>
    public static byte[] Encode(RgbImage image)
    {
        RgbImage.CheckSize(image.Pixels.Length, image.Width, image.Height);
        using var file = new MemoryStream();
        file.Write(Signature);
        var header = new byte[13];
        BinaryPrimitives.WriteInt32BigEndian(header, image.Width);
        BinaryPrimitives.WriteInt32BigEndian(header.AsSpan(4), image.Height);
        (header[8], header[9]) = (8, 2);
        WriteChunk(file, "IHDR"u8, header);
        WriteChunk(file, "IDAT"u8, Compress(image));
        WriteChunk(file, "IEND"u8, []);
        return file.ToArray();
    }

    private static byte[] Compress(RgbImage image)
    {
        using var packed = new MemoryStream();
        using (var zlib = new ZLibStream(packed, CompressionLevel.Optimal, leaveOpen: true))
        {
            const byte Sub = 1;
            int width = 3 * image.Width;
            var row = new byte[1 + width];
            row[0] = Sub;
            for (int y = 0; y < image.Height; y++)
            {
                var pixels = image.Pixels.Span.Slice(y * width, width);
                for (int i = 0; i < width; i++) row[1 + i] = (byte)(pixels[i] - (i < 3 ? 0 : pixels[i - 3]));
                zlib.Write(row);
            }
        }
        return packed.ToArray();
    }

    private static void WriteChunk(Stream file, ReadOnlySpan<byte> type, ReadOnlySpan<byte> data)
    {
        Span<byte> number = stackalloc byte[4];
        BinaryPrimitives.WriteInt32BigEndian(number, data.Length);
        file.Write(number);
        file.Write(type);
        file.Write(data);
        BinaryPrimitives.WriteUInt32BigEndian(number, ~Crc(Crc(uint.MaxValue, type), data));
        file.Write(number);
    }

    /// <summary>CRC-32 of the standard's annex D, without its last inversion.</summary>
    private static uint Crc(uint crc, ReadOnlySpan<byte> data)
    {
        foreach (byte value in data)
        {
            crc ^= value;
            for (int bit = 0; bit < 8; bit++) crc = (crc >> 1) ^ (0xEDB88320 & (0 - (crc & 1)));
        }
        return crc;
    }
}
