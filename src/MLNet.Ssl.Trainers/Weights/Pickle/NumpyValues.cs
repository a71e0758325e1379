using System.Buffers.Binary;

namespace MLNet.Ssl.Weights;

/// <summary>numpy's element type in a pickle: <c>dtype('f8', False, True)</c>, then a state
/// that has the byte order.</summary>
internal sealed class NumpyType(string code) : OpaqueValue("numpy.dtype")
{
    private bool _isPlain = true;

    /// <summary>Kind and size, such as f8; null where elements are big-endian or have parts.</summary>
    public string? Code => _isPlain ? code : null;

    public ElementType? Element => Code switch
    {
        "f8" => ElementType.Find(TorchSharp.torch.ScalarType.Float64),
        "f4" => ElementType.Find(TorchSharp.torch.ScalarType.Float32),
        "f2" => ElementType.Find(TorchSharp.torch.ScalarType.Float16),
        "i8" => ElementType.Find(TorchSharp.torch.ScalarType.Int64),
        "i4" => ElementType.Find(TorchSharp.torch.ScalarType.Int32),
        "i2" => ElementType.Find(TorchSharp.torch.ScalarType.Int16),
        "i1" => ElementType.Find(TorchSharp.torch.ScalarType.Int8),
        "u1" => ElementType.Find(TorchSharp.torch.ScalarType.Byte),
        "b1" => ElementType.Find(TorchSharp.torch.ScalarType.Bool),
        _ => null,
    };

    // (version, byte order, subarray, names, fields, …)
    internal override void Build(object? state)
    {
        _isPlain &= state is object?[] and [_, "<" or "|" or "=", null, null, null, ..];
        base.Build(state);
    }

    /// <summary>A number of this type as a plain value; null for other types.</summary>
    public object? Scalar(byte[] bytes) => (Code, bytes.Length) switch
    {
        ("f8", 8) => BinaryPrimitives.ReadDoubleLittleEndian(bytes),
        ("f4", 4) => (double)BinaryPrimitives.ReadSingleLittleEndian(bytes),
        ("f2", 2) => (double)BinaryPrimitives.ReadHalfLittleEndian(bytes),
        ("i8", 8) => BinaryPrimitives.ReadInt64LittleEndian(bytes),
        ("i4", 4) => (long)BinaryPrimitives.ReadInt32LittleEndian(bytes),
        ("i2", 2) => (long)BinaryPrimitives.ReadInt16LittleEndian(bytes),
        ("i1", 1) => (long)(sbyte)bytes[0],
        ("u4", 4) => (long)BinaryPrimitives.ReadUInt32LittleEndian(bytes),
        ("u2", 2) => (long)BinaryPrimitives.ReadUInt16LittleEndian(bytes),
        ("u1", 1) => (long)bytes[0],
        ("b1", 1) => bytes[0] != 0,
        _ => null,
    };
}

/// <summary>numpy's array in a pickle: made empty, then given its state. A plain one becomes a tensor, of
/// the bytes in the pickle.</summary>
internal sealed class NumpyArray() : OpaqueValue("numpy.ndarray")
{
    public StoredTensor? Tensor { get; private set; }

    // (version, shape, type, whether the first index runs fastest, elements)
    internal override void Build(object? state)
    {
        if (state is object?[] and [_, object?[] shape, NumpyType type, bool isFortran, byte[] bytes])
            Tensor = Plain(type, shape, bytes, isFortran);
        if (Tensor is null) base.Build(state);
    }

    /// <summary>A tensor of all bytes; null where they are no elements of a type that tensors have.</summary>
    public static StoredTensor? Plain(NumpyType type, object?[] shape, byte[] bytes, bool isFortran)
    {
        if (type.Element is not { } element || shape.Length > StoredTensor.MaxDimensions || !shape.All(n => n is >= 0L))
            return null;
        var lengths = Array.ConvertAll(shape, n => (long)n!);
        if (StoredTensor.Product(lengths) * element.Size != bytes.Length) return null;
        return new(new StoredStorage(element, bytes.Length / element.Size, new StoredBytes.Memory(bytes)), 0, lengths,
            Strides(lengths, isFortran));
    }

    private static long[] Strides(long[] shape, bool isFortran)
    {
        if (!isFortran) return StoredTensor.RowMajor(shape);
        var strides = StoredTensor.RowMajor([.. shape.Reverse()]);
        Array.Reverse(strides);
        return strides;
    }
}
