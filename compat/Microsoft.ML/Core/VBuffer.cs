using System.Collections;

namespace Microsoft.ML.Data;

/// <summary>A dense or sparse vector over buffers that the next writer may reuse.</summary>
public readonly struct VBuffer<T> : IEnumerable
{
    internal readonly T[] Values;
    internal readonly int[] Indices;
    internal readonly int Count;

    public readonly int Length;

    public VBuffer(int length, T[] values, int[] indices = null)
    {
        if (length < 0 || (values?.Length ?? 0) < length)
            throw new ArgumentException($"A dense vector of length {length} needs as many values", nameof(length));
        (Length, Count, Values, Indices) = (length, length, values, indices);
    }

    public VBuffer(int length, int count, T[] values, int[] indices)
    {
        if (count < 0 || count > length) throw new ArgumentException($"{count} values in a vector of length {length}", nameof(count));
        if ((values?.Length ?? 0) < count) throw new ArgumentException($"{count} values expected", nameof(values));
        if (count < length && (indices?.Length ?? 0) < count) throw new ArgumentException($"{count} indices expected", nameof(indices));
        (Length, Count, Values, Indices) = (length, count, values, indices);
    }

    public bool IsDense => Count == Length;

    public ReadOnlySpan<T> GetValues() => Values.AsSpan(0, Count);

    public ReadOnlySpan<int> GetIndices() => IsDense ? default : Indices.AsSpan(0, Count);

    public void CopyToDense(ref VBuffer<T> destination)
    {
        var editor = VBufferEditor.Create(ref destination, Length);
        CopyTo(editor.Values);
        destination = editor.Commit();
    }

    public void CopyTo(ref VBuffer<T> destination)
    {
        var editor = VBufferEditor.Create(ref destination, Length, Count);
        GetValues().CopyTo(editor.Values);
        GetIndices().CopyTo(editor.Indices);
        destination = editor.Commit();
    }

    public void CopyTo(ref VBuffer<T> destination, int sourceIndex, int length)
    {
        ArgumentOutOfRangeException.ThrowIfNegative(sourceIndex);
        ArgumentOutOfRangeException.ThrowIfNegative(length);
        ArgumentOutOfRangeException.ThrowIfGreaterThan(sourceIndex + length, Length);
        var (start, end) = IsDense ? (sourceIndex, sourceIndex + length) : (Find(sourceIndex), Find(sourceIndex + length));
        var editor = VBufferEditor.Create(ref destination, length, end - start);
        Values.AsSpan(start, end - start).CopyTo(editor.Values);
        if (end - start < length)
            for (var i = start; i < end; i++) editor.Indices[i - start] = Indices[i] - sourceIndex;
        destination = editor.Commit();
    }

    public void CopyTo(Span<T> destination) => CopyTo(destination, 0);

    public void CopyTo(Span<T> destination, int destinationIndex, T defaultValue = default)
    {
        destination = destination.Slice(destinationIndex, Length);
        if (IsDense)
        {
            GetValues().CopyTo(destination);
            return;
        }
        destination.Fill(defaultValue);
        for (var i = 0; i < Count; i++) destination[Indices[i]] = Values[i];
    }

    public static void Copy(T[] source, int sourceIndex, ref VBuffer<T> destination, int length)
    {
        var editor = VBufferEditor.Create(ref destination, length);
        source.AsSpan(sourceIndex, length).CopyTo(editor.Values);
        destination = editor.Commit();
    }

    public IEnumerable<KeyValuePair<int, T>> Items(bool all = false)
    {
        if (all || IsDense) return DenseValues().Select((value, i) => KeyValuePair.Create(i, value));
        var (indices, values) = (Indices, Values);
        return Enumerable.Range(0, Count).Select(i => KeyValuePair.Create(indices[i], values[i]));
    }

    public IEnumerable<T> DenseValues()
    {
        for (int i = 0, at = 0; i < Length; i++)
        {
            if (IsDense) yield return Values[i];
            else if (at < Count && Indices[at] == i) yield return Values[at++];
            else yield return default;
        }
    }

    public void GetItemOrDefault(int index, ref T destination) => destination = GetItemOrDefault(index);

    public T GetItemOrDefault(int index)
    {
        if ((uint)index >= (uint)Length) throw new ArgumentOutOfRangeException(nameof(index), index, $"The vector has {Length} items");
        if (IsDense) return Values[index];
        var at = Find(index);
        return at < Count && Indices[at] == index ? Values[at] : default;
    }

    IEnumerator IEnumerable.GetEnumerator() => GetEnumerator();

    public IEnumerator GetEnumerator() => DenseValues().GetEnumerator();

    public override string ToString() => IsDense ? $"Dense vector of size {Length}" : $"Sparse vector of size {Length}, {Count} explicit values";

    /// <summary>Where the first explicit index not below <paramref name="index"/> stands.</summary>
    private int Find(int index)
    {
        if (Count == 0) return 0;
        var at = Array.BinarySearch(Indices, 0, Count, index);
        return at < 0 ? ~at : at;
    }
}
