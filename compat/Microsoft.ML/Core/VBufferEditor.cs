namespace Microsoft.ML.Data;

public static class VBufferEditor
{
    public static VBufferEditor<T> CreateFromBuffer<T>(ref VBuffer<T> destination)
        => Create(ref destination, destination.Length, destination.Count, keepOldOnResize: true);

    public static VBufferEditor<T> Create<T>(ref VBuffer<T> destination, int newLogicalLength, int? valuesCount = null, int? maxValuesCapacity = null,
        bool keepOldOnResize = false, bool requireIndicesOnDense = false)
    {
        ArgumentOutOfRangeException.ThrowIfNegative(newLogicalLength);
        var count = valuesCount ?? newLogicalLength;
        if (count < 0 || count > newLogicalLength)
            throw new ArgumentOutOfRangeException(nameof(valuesCount), count, $"The vector has length {newLogicalLength}");
        var capacity = Math.Min(maxValuesCapacity ?? newLogicalLength, newLogicalLength);
        var values = Sized(destination.Values, destination.Count, count, capacity, keepOldOnResize, out var createdValues);
        var indices = destination.Indices;
        var createdIndices = false;
        if (count < newLogicalLength || requireIndicesOnDense)
            indices = Sized(indices, Math.Min(destination.Count, indices?.Length ?? 0), count, capacity, keepOldOnResize, out createdIndices);
        return new VBufferEditor<T>(newLogicalLength, count, values, indices, requireIndicesOnDense, createdValues, createdIndices);
    }

    private static TItem[] Sized<TItem>(TItem[] old, int oldCount, int count, int capacity, bool keep, out bool created)
    {
        created = old == null || old.Length < count;
        if (!created) return old;
        var items = new TItem[Math.Max(count, Math.Min(capacity, old == null ? count : 2 * old.Length))];
        if (keep) old?.AsSpan(0, oldCount).CopyTo(items);
        return items;
    }
}

public readonly ref struct VBufferEditor<T>
{
    private readonly int _length;
    private readonly T[] _values;
    private readonly int[] _indices;

    public readonly Span<T> Values;
    public readonly Span<int> Indices;

    internal VBufferEditor(int length, int count, T[] values, int[] indices, bool needIndices, bool createdValues, bool createdIndices)
    {
        (_length, _values, _indices) = (length, values, indices);
        Values = values.AsSpan(0, count);
        Indices = count < length || needIndices ? indices.AsSpan(0, count) : default;
        (CreatedNewValues, CreatedNewIndices) = (createdValues, createdIndices);
    }

    public bool CreatedNewValues { get; }
    public bool CreatedNewIndices { get; }

    public VBuffer<T> Commit() => new(_length, Values.Length, _values, _indices);

    public VBuffer<T> CommitTruncated(int physicalValuesCount)
    {
        if (physicalValuesCount > Values.Length) throw new ArgumentOutOfRangeException(nameof(physicalValuesCount));
        return new VBuffer<T>(_length, physicalValuesCount, _values, _indices);
    }
}
