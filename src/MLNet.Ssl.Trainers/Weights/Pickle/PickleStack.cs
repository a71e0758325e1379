namespace MLNet.Ssl.Weights;

/// <summary>The pickle machine's stack, its marks and its memo.</summary>
internal sealed class PickleStack
{
    private static readonly object Unset = new();

    private readonly List<object?> _items = [];
    private readonly List<int> _marks = [];
    private readonly List<object?> _memo = [];

    /// <summary>Items may be taken down to the last mark.</summary>
    private int Floor => _marks.Count == 0 ? 0 : _marks[^1];

    public int Memoized => _memo.Count;

    public void Push(object? item) => _items.Add(item);

    public object? Top => _items.Count > Floor ? _items[^1] : throw Underflow();

    public object? Pop()
    {
        var top = Top;
        _items.RemoveAt(_items.Count - 1);
        return top;
    }

    public T Pop<T>(string expected) =>
        Pop() is T item ? item : throw new InvalidDataException($"the pickle lacks {expected} where one is needed.");

    public void Mark() => _marks.Add(_items.Count);

    /// <summary>The items above the last mark, which goes too.</summary>
    public object?[] PopToMark()
    {
        if (_marks.Count == 0) throw Underflow();
        return Take(_items.Count - _marks[^1], dropMark: true);
    }

    public object?[] Take(int count) =>
        _items.Count - Floor >= count ? Take(count, dropMark: false) : throw Underflow();

    private object?[] Take(int count, bool dropMark)
    {
        var items = new object?[count];
        _items.CopyTo(_items.Count - count, items, 0, count);
        _items.RemoveRange(_items.Count - count, count);
        if (dropMark) _marks.RemoveAt(_marks.Count - 1);
        return items;
    }

    /// <summary>Remembers the top; picklers number without gaps, and at most an item of an opcode.</summary>
    public void Memoize(long index, long opcodes)
    {
        if (index > opcodes)
            throw new InvalidDataException($"the pickle's memo has the index {index} after {opcodes} opcodes.");
        while (_memo.Count <= index) _memo.Add(Unset);
        _memo[(int)index] = Top;
    }

    public object? Recall(long index)
    {
        if (index >= _memo.Count || ReferenceEquals(_memo[(int)index], Unset))
            throw new InvalidDataException($"the pickle's memo has nothing at {index}.");
        // Remembered before it was filled.
        return _memo[(int)index] is NumpyArray { Tensor: { } tensor } ? tensor : _memo[(int)index];
    }

    /// <summary>The text nearest to the top: in a dictionary being built, the key of the value at work.</summary>
    public string? NearestText()
    {
        for (int i = _items.Count - 1; i >= Math.Max(0, _items.Count - 8); i--)
            if (_items[i] is string text)
                return text.Length <= PickleKey.MaxLength ? text : text[..PickleKey.MaxLength];
        return null;
    }

    private static InvalidDataException Underflow() => new("the pickle takes more from its stack than there is.");
}
