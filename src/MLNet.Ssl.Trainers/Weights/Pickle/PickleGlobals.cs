using System.Text;

namespace MLNet.Ssl.Weights;

/// <summary>
/// The Python names that have a meaning here, each with what is put in place of calling it: a closed list for all that
/// tensors consist of. Any other name makes opaque values.
/// </summary>
internal static class PickleGlobals
{
    /// <summary>Characters of a module's name, and of a name in it.</summary>
    public const int MaxName = 256;

    private static readonly Dictionary<string, object> Known = new();

    static PickleGlobals()
    {
        foreach (var type in ElementType.All) Known.Add($"torch.{type.Storage}", type);
        var bytes = ElementType.Find(TorchSharp.torch.ScalarType.Byte)!;
        Known.Add("torch.UntypedStorage", bytes);
        Known.Add("torch.storage.UntypedStorage", bytes);

        Add(Tensor, "torch._utils._rebuild_tensor", "torch._utils._rebuild_tensor_v2");
        Add(Parameter, "torch._utils._rebuild_parameter", "torch._utils._rebuild_parameter_with_state");
        Add(Sequence, "torch.Size", "builtins.set", "__builtin__.set", "builtins.frozenset", "__builtin__.frozenset");
        Add(Dictionary, "collections.OrderedDict", "collections.Counter");
        // Its one argument makes values for keys that are not there.
        Add((_, _, _) => new Dictionary<string, object?>(), "collections.defaultdict");
        Add((name, args, _) => new OpaqueValue(args is [OpaqueValue type, ..] ? type.TypeName : name, args),
            "copyreg._reconstructor", "copy_reg._reconstructor");
        Add(Encode, "_codecs.encode");
        Add((name, args, _) =>
            args is [string code, ..] ? new NumpyType(code) : new OpaqueValue(name, args), "numpy.dtype");
        foreach (string core in new[] { "numpy.core", "numpy._core" })
        {
            Add(Scalar, $"{core}.multiarray.scalar");
            Add((_, _, _) => new NumpyArray(), $"{core}.multiarray._reconstruct");
            Add(FromBuffer, $"{core}.numeric._frombuffer");
        }

        static void Add(Func<string, IReadOnlyList<object?>, PickleBudget, object?> construct, params string[] names)
        {
            foreach (string name in names)
                Known.Add(name, new PickleGlobal(name, (args, budget) => construct(name, args, budget)));
        }
    }

    /// <summary>An <see cref="ElementType"/> for a storage type, else a <see cref="PickleGlobal"/>.</summary>
    public static object Find(string module, string name)
    {
        string full = $"{module}.{name}";
        // A name with a dot is one inside a class, and none of the known.
        if (!name.Contains('.', StringComparison.Ordinal) && Known.TryGetValue(full, out var known)) return known;
        if (HostileNames.Contain(module, name))
            throw new InvalidDataException($"its pickle names the Python object '{Printable(full)}', which weights do "
                + "not need. Nothing was executed.");
        return new PickleGlobal(Printable(full), (args, _) =>
            new OpaqueValue(Printable(full), args is { Count: > 0 } ? args : null));
    }

    // _rebuild_tensor_v2(storage, storage_offset, size, stride, requires_grad, backward_hooks, metadata=None);
    // _rebuild_tensor has the first four.
    private static object Tensor(string name, IReadOnlyList<object?> args, PickleBudget _) => args switch
    {
        [StoredStorage storage, long offset, IReadOnlyList<object?> shape, IReadOnlyList<object?> strides, ..]
            => new StoredTensor(storage, offset, Longs(shape), Longs(strides)),
        // Of an element type that no weights have.
        [OpaqueValue, ..] => new OpaqueValue(name, args),
        _ => throw new InvalidDataException("a tensor is not described by storage, offset, shape and strides."),
    };

    private static long[] Longs(IReadOnlyList<object?> values)
    {
        var longs = new long[Math.Min(values.Count, StoredTensor.MaxDimensions)];
        if (values.Count > longs.Length) throw NoLongs();
        for (int i = 0; i < longs.Length; i++) longs[i] = values[i] is long n ? n : throw NoLongs();
        return longs;

        static InvalidDataException NoLongs() =>
            new($"a tensor's shape or strides are not up to {StoredTensor.MaxDimensions} whole numbers.");
    }

    // _rebuild_parameter(data, requires_grad, backward_hooks)
    private static object Parameter(string name, IReadOnlyList<object?> args, PickleBudget _) =>
        args is [StoredTensor or OpaqueValue, ..] ? args[0]!
            : throw new InvalidDataException("a parameter has no tensor.");

    private static object Sequence(string name, IReadOnlyList<object?> args, PickleBudget _) => args switch
    {
        [] => new List<object?>(),
        [IReadOnlyList<object?> items] => items,
        _ => new OpaqueValue(name, args),
    };

    /// <summary>OrderedDict(), OrderedDict({…}), or OrderedDict([[key, value], …]) as Python 2 wrote it.</summary>
    private static object Dictionary(string name, IReadOnlyList<object?> args, PickleBudget budget)
    {
        if (args is []) return new Dictionary<string, object?>();
        if (args is [Dictionary<string, object?> given]) return given;
        if (args is not [IReadOnlyList<object?> pairs]) return new OpaqueValue(name, args);
        // A pair takes at least four bytes: key, value, and what makes a pair of them.
        budget.Copy(4L * pairs.Count);
        var result = new Dictionary<string, object?>(pairs.Count);
        foreach (var item in pairs)
        {
            if (item is not IReadOnlyList<object?> { Count: 2 } pair)
                throw new InvalidDataException("a dictionary is not made of pairs.");
            result[PickleKey.Of(pair[0])] = pair[1];
        }
        return result;
    }

    // Bytes, where the protocol has none: as text of the characters 0 to 255.
    private static object Encode(string name, IReadOnlyList<object?> args, PickleBudget budget)
    {
        if (args is not [string text, "latin1" or "latin-1"]) return new OpaqueValue(name, args);
        budget.Copy(text.Length);
        return Encoding.Latin1.GetBytes(text);
    }

    // scalar(dtype, bytes)
    private static object Scalar(string name, IReadOnlyList<object?> args, PickleBudget _) =>
        args is [NumpyType type, byte[] bytes] && type.Scalar(bytes) is { } value ? value : new OpaqueValue(name, args);

    // _frombuffer(buffer, dtype, shape, order)
    private static object FromBuffer(string name, IReadOnlyList<object?> args, PickleBudget _) =>
        args is [byte[] bytes, NumpyType type, object?[] shape, "C" or "F"]
            && NumpyArray.Plain(type, shape, bytes, args[3] is "F") is { } tensor
            ? tensor
            : new OpaqueValue(name, args);

    private static string Printable(string name) =>
        string.Concat(name.Select(c => char.IsControl(c) ? '?' : c).Take(2 * MaxName));
}
