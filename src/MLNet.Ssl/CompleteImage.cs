using System.Buffers.Binary;

namespace MLNet.Ssl;

/// <summary>Finds image files that end too early: decoders show what there is of them, and the rest is grey.</summary>
internal static class CompleteImage
{
    private static ReadOnlySpan<byte> PngStart => [0x89, (byte)'P', (byte)'N', (byte)'G'];

    private static ReadOnlySpan<byte> JpegStart => [0xFF, 0xD8, 0xFF];

    private static ReadOnlySpan<byte> JpegEnd => [0xFF, 0xD9];

    /// <summary>Checks PNG and JPEG; what is neither is left to the decoder.</summary>
    /// <exception cref="InvalidDataException">The file has no end.</exception>
    public static void Require(ReadOnlySpan<byte> bytes)
    {
        if (bytes.StartsWith(PngStart)) Require(PngEnds(bytes), "PNG", bytes.Length);
        else if (bytes.StartsWith(JpegStart)) Require(JpegEnds(bytes), "JPEG", bytes.Length);
    }

    private static void Require(bool ends, string format, int length)
    {
        if (!ends) throw new InvalidDataException($"the {format} file ends early, after {length} bytes");
    }

    /// <summary>Chunks of a length, a name of four letters, that many bytes and a checksum follow a signature of eight bytes, up to IEND.</summary>
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

    /// <summary>Segments, one of which may hold a whole small JPEG, have lengths; the scans behind them end in FF D9, which is nowhere within a scan.</summary>
    private static bool JpegEnds(ReadOnlySpan<byte> bytes)
    {
        int at = 2;
        while (at + 4 <= bytes.Length)
        {
            // Not as the standard has it: the decoder may know better.
            if (bytes[at] != 0xFF) return true;
            byte marker = bytes[at + 1];
            if (marker == 0xFF) at++;
            else if (marker == 0xDA) return bytes[at..].IndexOf(JpegEnd) >= 0;
            else at += 2 + BinaryPrimitives.ReadUInt16BigEndian(bytes[(at + 2)..]);
        }
        return false;
    }
}
