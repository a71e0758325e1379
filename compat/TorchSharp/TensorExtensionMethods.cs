using TorchSharp.Modules;
using static TorchSharp.torch;

namespace TorchSharp;

public static class TensorExtensionMethods
{
    public static bool ToBoolean(this Tensor value) => value.ToScalar().ToBoolean();
    public static byte ToByte(this Tensor value) => value.ToScalar().ToByte();
    public static sbyte ToSByte(this Tensor value) => value.ToScalar().ToSByte();
    public static short ToInt16(this Tensor value) => value.ToScalar().ToInt16();
    public static int ToInt32(this Tensor value) => value.ToScalar().ToInt32();
    public static long ToInt64(this Tensor value) => value.ToScalar().ToInt64();
    public static Half ToHalf(this Tensor value) => value.ToScalar().ToHalf();
    public static float ToSingle(this Tensor value) => value.ToScalar().ToSingle();
    public static double ToDouble(this Tensor value) => value.ToScalar().ToDouble();

    public static long TotalSize(this IEnumerable<long> shape) => shape.Aggregate(1L, (product, size) => product * size);

    public static int ElementSize(this ScalarType type) => type switch
    {
        ScalarType.Byte or ScalarType.Int8 or ScalarType.Bool => 1,
        ScalarType.Int16 or ScalarType.Float16 or ScalarType.BFloat16 => 2,
        ScalarType.Int32 or ScalarType.Float32 => 4,
        ScalarType.Int64 or ScalarType.Float64 or ScalarType.ComplexFloat32 => 8,
        ScalarType.ComplexFloat64 => 16,
        _ => throw new ArgumentException($"unknown element type {type}"),
    };

    public static Parameter AsParameter(this Tensor tensor) => new(tensor);

    public static Tensor ToTensor<T>(this T[] rawArray, long[] dimensions, bool doCopy = false, bool requires_grad = false)
    {
        using var all = from_array(rawArray);
        using var shaped = all.reshape(dimensions);
        return (doCopy ? shaped.clone() : shaped.alias()).With(requires_grad);
    }

    public static Tensor ToTensor<T>(this T scalar, Device device = null, bool requires_grad = false) where T : struct
    {
        using var one = from_array(new[] { scalar }, null, device);
        using var shaped = one.reshape([]);
        return shaped.clone().With(requires_grad);
    }

    /// <summary>Element type, rank and sizes as LEB128, then the elements' little-endian bytes.</summary>
    public static void Save(this Tensor tensor, BinaryWriter writer)
    {
        writer.Write7BitEncodedInt((int)tensor.dtype);
        var shape = tensor.shape;
        writer.Write7BitEncodedInt(shape.Length);
        foreach (long size in shape) writer.Write7BitEncodedInt64(size);
        writer.Flush();
        tensor.WriteBytesToStream(writer.BaseStream);
    }

    /// <summary>Reads a saved tensor into an existing one of the same type and shape, or past it.</summary>
    public static void Load(this Tensor tensor, BinaryReader reader, bool skip = false)
    {
        var (type, shape) = Header(reader);
        if (skip)
        {
            Pass(reader, shape.TotalSize() * type.ElementSize());
            return;
        }
        if (type != tensor.dtype) throw new ArgumentException($"Mismatched tensor data types while loading: the file has {type}, the model {tensor.dtype}.");
        if (!shape.AsSpan().SequenceEqual(tensor.shape))
        {
            throw new ArgumentException(
                $"Mismatched tensor shape while loading: the file has [{string.Join(", ", shape)}], the model [{string.Join(", ", tensor.shape)}].");
        }
        tensor.ReadBytesFromStream(reader.BaseStream);
    }

    public static Tensor Load(BinaryReader reader, bool skip = false)
    {
        var (type, shape) = Header(reader);
        if (skip)
        {
            Pass(reader, shape.TotalSize() * type.ElementSize());
            return null;
        }
        var tensor = empty(shape, type, CPU);
        tensor.ReadBytesFromStream(reader.BaseStream);
        return tensor;
    }

    private static void Pass(BinaryReader reader, long bytes)
    {
        var buffer = new byte[1 << 16];
        while (bytes > 0)
        {
            int read = reader.Read(buffer, 0, (int)Math.Min(bytes, buffer.Length));
            bytes -= read > 0 ? read : throw new EndOfStreamException();
        }
    }

    private static (ScalarType, long[]) Header(BinaryReader reader)
    {
        var type = (ScalarType)reader.Read7BitEncodedInt();
        var shape = new long[reader.Read7BitEncodedInt()];
        for (int i = 0; i < shape.Length; i++) shape[i] = reader.Read7BitEncodedInt64();
        return (type, shape);
    }
}
