using System.Buffers.Binary;
using System.IO.Compression;
using System.Text;

namespace MLNet.Ssl.Tests;

/// <summary>PNG files, read back by the standard's description.</summary>
public sealed class PngImageTests
{
    [Theory]
    [InlineData(1, 1)]
    [InlineData(5, 3)]
    [InlineData(64, 33)]
    public void AFileHoldsThePixels(int width, int height)
    {
        var pixels = new byte[3 * width * height];
        new Random(width).NextBytes(pixels);
        var file = PngImage.Encode(new(pixels, width, height));
        Assert.Equal([0x89, 0x50, 0x4E, 0x47, 0x0D, 0x0A, 0x1A, 0x0A], file[..8]);
        var chunks = Chunks(file);
        Assert.Equal(["IHDR", "IDAT", "IEND"], chunks.Select(chunk => chunk.Type));
        // Eight bits, colours without alpha or palette, the only compression and filter methods, no interlacing.
        Assert.Equal([.. Number(width), .. Number(height), 8, 2, 0, 0, 0], chunks[0].Data);
        Assert.Equal(pixels, Unfiltered(chunks[1].Data, width, height));
        // The checksum of an end chunk is the same in every file there is.
        Assert.Equal([0, 0, 0, 0, 0x49, 0x45, 0x4E, 0x44, 0xAE, 0x42, 0x60, 0x82], file[^12..]);
    }

    [Fact]
    public void AnImageOfAnotherLengthIsRefused() => Assert.Throws<ArgumentException>(() => PngImage.Encode(new(new byte[5], 1, 2)));

    private static byte[] Number(int value)
    {
        var bytes = new byte[4];
        BinaryPrimitives.WriteInt32BigEndian(bytes, value);
        return bytes;
    }

    private static List<(string Type, byte[] Data)> Chunks(byte[] file)
    {
        var chunks = new List<(string, byte[])>();
        for (int at = 8; at < file.Length;)
        {
            int length = BinaryPrimitives.ReadInt32BigEndian(file.AsSpan(at));
            Assert.Equal(Crc(file.AsSpan(at + 4, 4 + length)), BinaryPrimitives.ReadUInt32BigEndian(file.AsSpan(at + 8 + length)));
            chunks.Add((Encoding.ASCII.GetString(file, at + 4, 4), file[(at + 8)..(at + 8 + length)]));
            at += 12 + length;
        }
        return chunks;
    }

    /// <summary>By remainders of polynomials, highest power first, where the encoder has them reversed.</summary>
    private static uint Crc(ReadOnlySpan<byte> data)
    {
        uint remainder = 0xFFFFFFFF;
        foreach (byte value in data)
            for (int bit = 0; bit < 8; bit++)
            {
                bool one = (remainder >> 31) != ((uint)(value >> bit) & 1);
                remainder = (remainder << 1) ^ (one ? 0x04C11DB7u : 0);
            }
        uint reversed = 0;
        for (int bit = 0; bit < 32; bit++) reversed |= ((remainder >> bit) & 1) << (31 - bit);
        return ~reversed;
    }

    private static byte[] Unfiltered(byte[] packed, int width, int height)
    {
        using var zlib = new ZLibStream(new MemoryStream(packed), CompressionMode.Decompress);
        var pixels = new byte[3 * width * height];
        for (int y = 0; y < height; y++)
        {
            Assert.Equal(1, zlib.ReadByte());
            for (int i = 0; i < 3 * width; i++) pixels[y * 3 * width + i] = (byte)(zlib.ReadByte() + (i < 3 ? 0 : pixels[y * 3 * width + i - 3]));
        }
        Assert.Equal(-1, zlib.ReadByte());
        return pixels;
    }
}
