using System.Buffers.Binary;
using System.Numerics;
using System.Text;

namespace MLNet.Ssl.Weights;

/// <summary>Reads a pickle's numbers and texts; a length is checked against what is
/// left before memory is taken.</summary>
internal sealed class PickleInput(Stream stream)
{
    /// <summary>Bytes of one pickle: far above what the structure of the largest training checkpoints takes.</summary>
    private const long MaxBytes = 64 << 20;

    private const int MaxIntegerBytes = 64;

    private readonly long _start = stream.Position, _end = Math.Min(stream.Length, stream.Position + MaxBytes);

    public long Position => stream.Position;

    public long BytesRead => stream.Position - _start;

    public byte Byte()
    {
        Require(1);
        return (byte)stream.ReadByte();
    }

    public ushort UInt16() => BinaryPrimitives.ReadUInt16LittleEndian(Bytes(2));

    public int Int32() => BinaryPrimitives.ReadInt32LittleEndian(Bytes(4));

    public uint UInt32() => BinaryPrimitives.ReadUInt32LittleEndian(Bytes(4));

    public ulong UInt64() => BinaryPrimitives.ReadUInt64LittleEndian(Bytes(8));

    public double Double() => BinaryPrimitives.ReadDoubleBigEndian(Bytes(8));

    /// <summary>A two's complement integer of any length: a long where it fits.</summary>
    public object Integer(ulong length)
    {
        if (length > MaxIntegerBytes)
            throw new InvalidDataException($"an integer has {length} bytes; at most {MaxIntegerBytes} are read.");
        var value = new BigInteger(Bytes(length));
        return value >= long.MinValue && value <= long.MaxValue ? (object)(long)value : value;
    }

    /// <summary>A text; bytes as they are where they are no UTF-8: Python 2 has no other bytes, and Python 3
    /// writes halves of characters.</summary>
    public object Text(ulong length)
    {
        var bytes = Bytes(length);
        return System.Text.Unicode.Utf8.IsValid(bytes) ? Encoding.UTF8.GetString(bytes) : bytes;
    }

    /// <summary>A line of a global's name.</summary>
    public string Line()
    {
        var line = new StringBuilder();
        for (char c; (c = (char)Byte()) != '\n'; line.Append(c))
            if (line.Length == PickleGlobals.MaxName)
                throw new InvalidDataException($"a Python name is longer than {PickleGlobals.MaxName} characters.");
        return line.ToString();
    }

    public byte[] Bytes(ulong length)
    {
        Require(length);
        var bytes = new byte[length];
        stream.ReadExactly(bytes);
        return bytes;
    }

    private void Require(ulong length)
    {
        if (length > (ulong)(_end - stream.Position)) throw new InvalidDataException("the pickle ends too early.");
    }
}
