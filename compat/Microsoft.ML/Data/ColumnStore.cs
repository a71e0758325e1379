namespace Microsoft.ML;

using Microsoft.ML.Data;

/// <summary>Values of one column, kept: the memory of caches and shuffle pools.</summary>
internal abstract class ColumnStore
{
    /// <summary>Whether values of a column outlive the row; images do not.</summary>
    public static bool CanStore(DataViewSchema.Column column) => column.Type is PrimitiveDataViewType or VectorDataViewType;

    public static ColumnStore For(DataViewSchema.Column column)
        => column.Type is VectorDataViewType vector
            ? (ColumnStore)Activator.CreateInstance(typeof(Vectors<>).MakeGenericType(vector.ItemType.RawType))
            : (ColumnStore)Activator.CreateInstance(typeof(Scalars<>).MakeGenericType(column.Type.RawType));

    /// <summary>An action that puts the row's value at a place, the next one at the end.</summary>
    public abstract Action<int> Filler(DataViewRow row, DataViewSchema.Column column);

    /// <summary>A getter of the value at the place that <paramref name="place"/> tells.</summary>
    public abstract Delegate Getter(Func<int> place);

    private sealed class Scalars<T> : ColumnStore
    {
        private readonly List<T> _values = [];

        public override Action<int> Filler(DataViewRow row, DataViewSchema.Column column)
        {
            var getter = row.GetGetter<T>(column);
            return place =>
            {
                T value = default;
                getter(ref value);
                if (place == _values.Count) _values.Add(value);
                else _values[place] = value;
            };
        }

        public override Delegate Getter(Func<int> place) => (ValueGetter<T>)((ref T value) => value = _values[place()]);
    }

    private sealed class Vectors<T> : ColumnStore
    {
        private readonly List<VBuffer<T>> _values = [];

        public override Action<int> Filler(DataViewRow row, DataViewSchema.Column column)
        {
            var getter = row.GetGetter<VBuffer<T>>(column);
            VBuffer<T> value = default;
            return place =>
            {
                getter(ref value);
                // A copy of exact size; the getter's buffer is used again.
                VBuffer<T> kept = default;
                value.CopyTo(ref kept);
                if (place == _values.Count) _values.Add(kept);
                else _values[place] = kept;
            };
        }

        public override Delegate Getter(Func<int> place) => (ValueGetter<VBuffer<T>>)((ref VBuffer<T> value) => _values[place()].CopyTo(ref value));
    }
}
