using static TorchSharp.torch;

namespace MLNet.Ssl.Weights;

/// <summary>A tensor in an open <see cref="Checkpoint"/>: known by type and shape, read when asked for.</summary>
internal sealed class StoredTensor
{
    /// <summary>More dimensions than any network's weights have.</summary>
    internal const int MaxDimensions = 16;

    private readonly StoredStorage _storage;
    private readonly long _offset, _extent;
    private readonly long[] _shape, _strides;

    /// <summary>A view into a storage; every element must lie in it.</summary>
    internal StoredTensor(StoredStorage storage, long offset, long[] shape, long[] strides)
    {
        (_storage, _offset, _shape, _strides) = (storage, offset, shape, strides);
        if (shape.Length > MaxDimensions)
            throw new InvalidDataException($"it has {shape.Length} dimensions; expected at most {MaxDimensions}.");
        if (shape.Length != strides.Length)
            throw new InvalidDataException($"it has {shape.Length} dimensions and {strides.Length} strides.");
        if (offset < 0 || shape.AsSpan().ContainsAnyExceptInRange(0, long.MaxValue)
            || strides.AsSpan().ContainsAnyExceptInRange(0, long.MaxValue))
            throw new InvalidDataException(
                $"its offset {offset}, shape ({Text(shape)}) or strides ({Text(strides)}) are negative.");
        Int128 count = Product(shape), extent = count == 0 ? 0 : 1;
        for (int d = 0; d < shape.Length && count > 0; d++) extent += (Int128)(shape[d] - 1) * strides[d];
        if (offset + extent > storage.Count)
        {
            throw new InvalidDataException(
                $"shape ({Text(shape)}) with strides ({Text(strides)}) from {offset} on leaves its storage of "
                + $"{storage.Count} elements.");
        }
        (Count, _extent) = ((long)count, (long)extent);
    }

    internal StoredTensor(StoredStorage storage, long[] shape) : this(storage, 0, shape, RowMajor(shape)) { }

    /// <summary>Element type.</summary>
    public ScalarType Type => _storage.Type.Type;

    /// <summary>Length of every dimension; empty for a single number.</summary>
    public IReadOnlyList<long> Shape => _shape;

    /// <summary>Number of elements.</summary>
    public long Count { get; }

    internal Int128 Bytes =>
        _storage.Bytes is StoredBytes.Joined joined ? joined.Stored : (Int128)Count * _storage.Type.Size;

    /// <summary>Tensors, or that many zeros, one after the other, in the shape given and the
    /// first one's element type.</summary>
    internal static StoredTensor Join(long[] shape, params (StoredTensor? Tensor, long Count)[] parts)
    {
        var type = parts.First(part => part.Tensor is not null).Tensor!._storage.Type;
        long count = parts.Sum(part => part.Count);
        return new(new StoredStorage(type, count, new StoredBytes.Joined(parts, type.Size)), shape);
    }

    /// <summary>A part of the first dimension.</summary>
    internal StoredTensor Rows(long start, long count) =>
        new(_storage, _offset + start * _strides[0], [count, .. _shape[1..]], _strides);

    /// <summary>True if elements are repeated (a stride of 0), so that the tensor claims
    /// more than the file holds.</summary>
    internal bool IsExpanded => Count > _extent;

    /// <summary>Reads the elements.</summary>
    /// <returns>A new tensor on the CPU, owned by the caller; an expanded one stays a view with strides of 0.</returns>
    /// <exception cref="IOException">The file cannot be read.</exception>
    /// <exception cref="InvalidDataException">The tensor's entry of a zip archive is damaged; the
    /// message names file and entry.</exception>
    /// <exception cref="ObjectDisposedException">The checkpoint is closed.</exception>
    public Tensor Read()
    {
        using var scope = NewDisposeScope();
        // A byte other than 0 and 1 is no bool that libtorch may see.
        bool isBool = Type == ScalarType.Bool;
        var elements = empty([_extent], isBool ? ScalarType.Byte : Type, CPU);
        _storage.CopyTo(elements, _offset);
        if (isBool) elements = elements.to_type(ScalarType.Bool);
        var tensor = elements.as_strided(_shape, _strides);
        return (IsExpanded ? tensor : tensor.contiguous()).MoveToOuterDisposeScope();
    }

    /// <summary>Type and shape.</summary>
    public override string ToString() => $"{Type} ({Text(_shape)})";

    internal static string Text(IEnumerable<long> shape) => string.Join(", ", shape);

    /// <summary>Number of elements of a shape without negative lengths, at most the largest long.</summary>
    internal static Int128 Product(long[] shape)
    {
        if (shape.Contains(0)) return 0;
        Int128 product = 1;
        foreach (long n in shape)
        {
            product *= n;
            if (product > long.MaxValue)
                throw new InvalidDataException($"the number of elements of shape ({Text(shape)}) overflows.");
        }
        return product;
    }

    internal static long[] RowMajor(long[] shape)
    {
        var strides = new long[shape.Length];
        long stride = 1;
        for (int d = shape.Length - 1; d >= 0; d--)
        {
            strides[d] = stride;
            stride *= Math.Max(1, shape[d]);
        }
        return strides;
    }
}
