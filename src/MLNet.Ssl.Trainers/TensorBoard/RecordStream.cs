using System.Buffers.Binary;
using System.Numerics;

namespace MLNet.Ssl.TensorBoard;

/// <summary>
/// The framing of TensorFlow's record files: length, its masked CRC-32C, data, their masked CRC-32C, all little-endian.
/// </summary>
internal static class RecordStream
{
    public static void Write(Stream stream, ReadOnlySpan<byte> data)
    {
        var record = new byte[8 + 4 + data.Length + 4];
        BinaryPrimitives.WriteInt64LittleEndian(record, data.Length);
        BinaryPrimitives.WriteUInt32LittleEndian(record.AsSpan(8), Mask(Crc32C(record.AsSpan(0, 8))));
        data.CopyTo(record.AsSpan(12));
        BinaryPrimitives.WriteUInt32LittleEndian(record.AsSpan(12 + data.Length), Mask(Crc32C(data)));
        stream.Write(record);
    }

    /// <summary>CRC-32C (Castagnoli; RFC 3720, appendix B.4).</summary>
    public static uint Crc32C(ReadOnlySpan<byte> data)
    {
        uint crc = uint.MaxValue;
        foreach (byte value in data) crc = BitOperations.Crc32C(crc, value);
        return ~crc;
    }

    /// <summary>
    /// Turned by 15 bits and moved, so that the checksum of data with checksums in them stays of use.
    /// </summary>
    public static uint Mask(uint crc) => BitOperations.RotateRight(crc, 15) + 0xA282EAD8;
}
