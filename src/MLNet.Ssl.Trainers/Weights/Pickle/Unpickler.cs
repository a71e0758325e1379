namespace MLNet.Ssl.Weights;

/// <summary>
/// A closed interpreter of Python's pickle format: it builds tensors and plain values, stand-ins for all others, and
/// there is no way in it to run anything. Names come from <see cref="PickleGlobals"/>, storages from
/// <paramref name="persistentLoad"/>.
/// </summary>
/// <remarks>
/// No opcode recurses. Memory and work grow with the bytes read, which <see cref="PickleInput"/>
/// bounds, and with the opcodes, bounded here; what an opcode copies is bounded by
/// <see cref="PickleBudget"/>, a key by <see cref="PickleKey"/>.
/// </remarks>
internal sealed class Unpickler(PickleInput input, Func<object?, object?> persistentLoad)
{
    /// <summary>Opcodes of one pickle: far above what the largest training
    /// checkpoints take, some 35 a tensor.</summary>
    private const long MaxOpcodes = 1 << 20;

    private readonly PickleStack _stack = new();
    private readonly PickleBudget _budget = new(input);
    private readonly Dictionary<(string Module, string Name), object> _globals = [];
    private long _opcodes;

    /// <summary>Reads one pickle from the stream's position on.</summary>
    public static object? Load(Stream stream, Func<object?, object?> persistentLoad)
    {
        var input = new PickleInput(stream);
        if (input.Byte() != (byte)PickleOp.Proto || input.Byte() is < 2 or > 5)
            throw new InvalidDataException("it holds no pickle of protocol 2 to 5 where one is expected.");
        return new Unpickler(input, persistentLoad).Run();
    }

    public static object? NoStorages(object? _) =>
        throw new InvalidDataException("the pickle refers to a storage where there is none.");

    private object? Run()
    {
        for (; _opcodes < MaxOpcodes; _opcodes++)
        {
            var op = (PickleOp)input.Byte();
            if (op == PickleOp.Stop) return _stack.Pop();
            Execute(op);
        }
        throw new InvalidDataException($"its pickle has more than {MaxOpcodes} opcodes.");
    }

    private void Execute(PickleOp op)
    {
        switch (op)
        {
            case PickleOp.Proto: input.Byte(); break;
            case PickleOp.Frame: input.UInt64(); break;

            case PickleOp.None: _stack.Push(null); break;
            case PickleOp.NewTrue: _stack.Push(true); break;
            case PickleOp.NewFalse: _stack.Push(false); break;
            case PickleOp.BinInt: _stack.Push((long)input.Int32()); break;
            case PickleOp.BinInt1: _stack.Push((long)input.Byte()); break;
            case PickleOp.BinInt2: _stack.Push((long)input.UInt16()); break;
            case PickleOp.Long1: _stack.Push(input.Integer(input.Byte())); break;
            case PickleOp.Long4: _stack.Push(input.Integer(input.UInt32())); break;
            case PickleOp.BinFloat: _stack.Push(input.Double()); break;
            case PickleOp.ShortBinString or PickleOp.ShortBinUnicode: _stack.Push(input.Text(input.Byte())); break;
            case PickleOp.BinString or PickleOp.BinUnicode: _stack.Push(input.Text(input.UInt32())); break;
            case PickleOp.BinUnicode8: _stack.Push(input.Text(input.UInt64())); break;
            case PickleOp.ShortBinBytes: _stack.Push(input.Bytes(input.Byte())); break;
            case PickleOp.BinBytes: _stack.Push(input.Bytes(input.UInt32())); break;
            case PickleOp.BinBytes8 or PickleOp.ByteArray8: _stack.Push(input.Bytes(input.UInt64())); break;

            case PickleOp.Mark: _stack.Mark(); break;
            case PickleOp.Pop: _stack.Pop(); break;
            case PickleOp.PopMark: _stack.PopToMark(); break;
            case PickleOp.BinPut: _stack.Memoize(input.Byte(), _opcodes); break;
            case PickleOp.LongBinPut: _stack.Memoize(input.UInt32(), _opcodes); break;
            case PickleOp.Memoize: _stack.Memoize(_stack.Memoized, _opcodes); break;
            case PickleOp.BinGet: _stack.Push(_stack.Recall(input.Byte())); break;
            case PickleOp.LongBinGet: _stack.Push(_stack.Recall(input.UInt32())); break;

            case PickleOp.EmptyTuple: _stack.Push(Array.Empty<object?>()); break;
            case PickleOp.Tuple1: _stack.Push(_stack.Take(1)); break;
            case PickleOp.Tuple2: _stack.Push(_stack.Take(2)); break;
            case PickleOp.Tuple3: _stack.Push(_stack.Take(3)); break;
            case PickleOp.Tuple or PickleOp.FrozenSet: _stack.Push(_stack.PopToMark()); break;
            case PickleOp.EmptyList or PickleOp.EmptySet: _stack.Push(new List<object?>()); break;
            case PickleOp.Append: Append(_stack.Pop()); break;
            case PickleOp.Appends or PickleOp.AddItems: AppendAll(_stack.PopToMark()); break;
            case PickleOp.EmptyDict: _stack.Push(new Dictionary<string, object?>()); break;
            case PickleOp.SetItem: SetItems(_stack.Take(2)); break;
            case PickleOp.SetItems: SetItems(_stack.PopToMark()); break;

            case PickleOp.Global: _stack.Push(Find(input.Line(), input.Line())); break;
            case PickleOp.StackGlobal:
                var name = _stack.Pop<string>("a name");
                _stack.Push(Find(_stack.Pop<string>("a module's name"), name));
                break;
            case PickleOp.Reduce or PickleOp.NewObj: Construct(); break;
            case PickleOp.NewObjEx:
                // Arguments by name, which no known type has.
                _stack.Pop();
                Construct();
                break;
            case PickleOp.Build: Build(); break;
            case PickleOp.BinPersId: _stack.Push(persistentLoad(_stack.Pop())); break;

            default:
                throw new InvalidDataException(Enum.IsDefined(op)
                    ? $"its pickle uses the opcode {op}, which weights do not need. Nothing was executed."
                    : $"its pickle has the opcode 0x{(byte)op:x2} at byte {input.Position - 1}, which PyTorch does not "
                        + "write. Nothing was executed.");
        }
    }

    private void AppendAll(object?[] items)
    {
        foreach (var item in items) Append(item);
    }

    private void Append(object? item)
    {
        if (_stack.Top is List<object?> list) list.Add(item);
        else if (_stack.Top is not OpaqueValue)
            throw new InvalidDataException("the pickle appends to what is no list.");
    }

    private void SetItems(object?[] items)
    {
        if (_stack.Top is OpaqueValue) return;
        if (_stack.Top is not Dictionary<string, object?> dictionary || items.Length % 2 != 0)
            throw new InvalidDataException("the pickle sets items of what is no dictionary.");
        for (int i = 0; i < items.Length; i += 2) dictionary[PickleKey.Of(items[i])] = items[i + 1];
    }

    private object Find(string module, string name)
    {
        if (_globals.TryGetValue((module, name), out var known)) return known;
        if (module.Length > PickleGlobals.MaxName || name.Length > PickleGlobals.MaxName)
            throw new InvalidDataException($"a Python name is longer than {PickleGlobals.MaxName} characters.");
        return _globals[(module, name)] = PickleGlobals.Find(module, name);
    }

    private void Construct()
    {
        var args = _stack.Pop<object?[]>("a tuple of arguments");
        var callee = _stack.Pop<OpaqueValue>("a Python name");
        try
        {
            // What a call made may be called in turn, as functools.partial is.
            _stack.Push(callee is PickleGlobal global ? global.Construct(args, _budget)
                : new OpaqueValue(callee.TypeName, args));
        }
        catch (InvalidDataException e) when (_stack.NearestText() is { } name)
        {
            throw new InvalidDataException($"tensor '{name}': {e.Message}", e);
        }
    }

    /// <summary>Attributes of an object: kept with one that is opaque, dropped from others.</summary>
    private void Build()
    {
        var state = _stack.Pop();
        if (_stack.Top is OpaqueValue opaque) opaque.Build(state);
        else if (_stack.Top is not (Dictionary<string, object?> or List<object?> or StoredTensor))
            throw new InvalidDataException("the pickle gives attributes to what has none.");
        if (_stack.Top is not NumpyArray { Tensor: { } tensor }) return;
        _stack.Pop();
        _stack.Push(tensor);
    }
}
