namespace MLNet.Ssl;

/// <summary>A Python name with the value that stands for its call.</summary>
internal sealed record PickleGlobal(string Name, Func<IReadOnlyList<object?>, object?> Construct);

/// <summary>
/// The Python names that a checkpoint may use, each with what is put in place of calling it. A closed list: no name is looked up anywhere else.
/// </summary>
internal static class PickleGlobals
{
    private static readonly Dictionary<string, object> Known = new();

    static PickleGlobals()
    {
        foreach (var type in ElementType.All) Known.Add($"torch.{type.Storage}", type);
        var bytes = ElementType.Find(TorchSharp.torch.ScalarType.Byte)!;
        Known.Add("torch.UntypedStorage", bytes);
        Known.Add("torch.storage.UntypedStorage", bytes);

        Add("torch._utils._rebuild_tensor", Tensor);
        Add("torch._utils._rebuild_tensor_v2", Tensor);
        Add("torch._utils._rebuild_parameter", Parameter);
        Add("torch._utils._rebuild_parameter_with_state", Parameter);
        Add("torch.Size", FirstList);
        Add("collections.OrderedDict", Dictionary);
        Add("builtins.set", FirstList);
        Add("__builtin__.set", FirstList);

        foreach (string name in new[]
        {
            "argparse.Namespace", "torch.device", "numpy.dtype", "numpy.core.multiarray.scalar", "numpy._core.multiarray.scalar", "_codecs.encode",
            "torch.float64", "torch.float32", "torch.float16", "torch.bfloat16", "torch.int64", "torch.int32", "torch.int16", "torch.int8", "torch.uint8",
            "torch.bool",
        })
            Add(name, _ => new OpaqueValue(name));

        static void Add(string name, Func<IReadOnlyList<object?>, object?> construct) => Known.Add(name, new PickleGlobal(name, construct));
    }

    /// <summary>An <see cref="ElementType"/> for a storage type, else a <see cref="PickleGlobal"/>.</summary>
    public static object Find(string module, string name) =>
        Known.TryGetValue($"{module}.{name}", out var known) && !name.Contains('.', StringComparison.Ordinal)
            ? known
            : throw new InvalidDataException(
                $"its pickle names the Python object '{Printable($"{module}.{name}")}', which weights do not need. Nothing was executed.");

    // _rebuild_tensor_v2(storage, storage_offset, size, stride, requires_grad, backward_hooks, metadata=None); _rebuild_tensor has the first four.
    private static StoredTensor Tensor(IReadOnlyList<object?> args) =>
        args is [StoredStorage storage, long offset, IReadOnlyList<object?> shape, IReadOnlyList<object?> strides, ..]
            ? new(storage, offset, Longs(shape), Longs(strides))
            : throw new InvalidDataException("a tensor is not described by storage, offset, shape and strides.");

    private static long[] Longs(IReadOnlyList<object?> values) =>
        values.Count <= StoredTensor.MaxDimensions && values.All(v => v is long)
            ? [.. values.Select(v => (long)v!)]
            : throw new InvalidDataException($"a tensor's shape or strides are not up to {StoredTensor.MaxDimensions} whole numbers.");

    // _rebuild_parameter(data, requires_grad, backward_hooks)
    private static StoredTensor Parameter(IReadOnlyList<object?> args) =>
        args is [StoredTensor data, ..] ? data : throw new InvalidDataException("a parameter has no tensor.");

    private static object FirstList(IReadOnlyList<object?> args) => args switch
    {
        [] => new List<object?>(),
        [IReadOnlyList<object?> items] => items,
        _ => throw new InvalidDataException("a set or size is not made of a list."),
    };

    /// <summary>OrderedDict(), or OrderedDict([[key, value], …]) as Python 2 wrote it.</summary>
    private static Dictionary<string, object?> Dictionary(IReadOnlyList<object?> args)
    {
        var result = new Dictionary<string, object?>();
        foreach (var item in (IReadOnlyList<object?>)FirstList(args))
            result[Unpickler.Key(item is IReadOnlyList<object?> { Count: 2 } pair ? pair[0] : null)] = ((IReadOnlyList<object?>)item!)[1];
        return result;
    }

    private static string Printable(string name) => string.Concat(name.Select(c => char.IsControl(c) ? '?' : c).Take(200));
}
