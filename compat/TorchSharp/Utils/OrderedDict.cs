using System.Collections;

namespace TorchSharp.Utils;

/// <summary>A dictionary that keeps the order of insertion.</summary>
public class OrderedDict<TKey, TValue> : IDictionary<TKey, TValue>, IList<(TKey, TValue)>
{
    private readonly System.Collections.Generic.OrderedDictionary<TKey, TValue> _items = [];

    public TValue this[TKey key]
    {
        get => _items[key];
        set => _items[key] = value;
    }

    public (TKey, TValue) this[int index]
    {
        get => Pair(_items.GetAt(index));
        set
        {
            _items.RemoveAt(index);
            _items.Insert(index, value.Item1, value.Item2);
        }
    }

    public ICollection<TKey> Keys => _items.Keys;
    public ICollection<TValue> Values => _items.Values;
    public int Count => _items.Count;
    public bool IsReadOnly => false;

    /// <summary>The entries, where two kinds of enumeration would leave LINQ undecided.</summary>
    internal IReadOnlyList<(TKey, TValue)> Pairs => [.. _items.Select(Pair)];

    public IEnumerable<TKey> keys() => _items.Keys;
    public IEnumerable<TValue> values() => _items.Values;
    public IEnumerator<(TKey, TValue)> items() => GetEnumerator();

    public void Add(TKey key, TValue value) => _items.Add(key, value);
    public void Add(KeyValuePair<TKey, TValue> item) => _items.Add(item.Key, item.Value);
    public void Add((TKey, TValue) item) => _items.Add(item.Item1, item.Item2);
    public void Insert(int index, (TKey, TValue) item) => _items.Insert(index, item.Item1, item.Item2);

    public bool ContainsKey(TKey key) => _items.ContainsKey(key);
    public bool TryGetValue(TKey key, out TValue value) => _items.TryGetValue(key, out value);
    public bool Contains(KeyValuePair<TKey, TValue> item) => ((ICollection<KeyValuePair<TKey, TValue>>)_items).Contains(item);
    public bool Contains((TKey, TValue) item) => IndexOf(item) >= 0;

    public int IndexOf((TKey, TValue) item)
    {
        int index = _items.IndexOf(item.Item1);
        return index >= 0 && EqualityComparer<TValue>.Default.Equals(_items.GetAt(index).Value, item.Item2) ? index : -1;
    }

    public bool Remove(TKey key) => _items.Remove(key);
    public bool Remove(KeyValuePair<TKey, TValue> item) => Contains(item) && _items.Remove(item.Key);
    public bool Remove((TKey, TValue) item) => Contains(item) && _items.Remove(item.Item1);
    public void RemoveAt(int index) => _items.RemoveAt(index);
    public void Clear() => _items.Clear();
    public void clear() => _items.Clear();

    public void CopyTo(KeyValuePair<TKey, TValue>[] array, int arrayIndex) => ((ICollection<KeyValuePair<TKey, TValue>>)_items).CopyTo(array, arrayIndex);

    public void CopyTo((TKey, TValue)[] array, int arrayIndex)
    {
        foreach (var item in this) array[arrayIndex++] = item;
    }

    public IEnumerator<(TKey, TValue)> GetEnumerator() => _items.Select(Pair).GetEnumerator();

    IEnumerator<KeyValuePair<TKey, TValue>> IEnumerable<KeyValuePair<TKey, TValue>>.GetEnumerator() => _items.GetEnumerator();

    IEnumerator IEnumerable.GetEnumerator() => GetEnumerator();

    private static (TKey, TValue) Pair(KeyValuePair<TKey, TValue> item) => (item.Key, item.Value);
}
