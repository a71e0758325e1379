namespace Microsoft.ML;

using Microsoft.ML.Data;

/// <summary>Treats scalars as vectors of one slot.</summary>
internal static class Slots
{
    /// <summary>A getter of the column mapped slot by slot; a scalar is slot 0.</summary>
    public static Delegate Map<TIn, TOut>(DataViewRow row, DataViewSchema.Column source, Func<int, TIn, TOut> map)
    {
        if (source.Type is not VectorDataViewType)
        {
            var scalar = row.GetGetter<TIn>(source);
            TIn input = default;
            return (ValueGetter<TOut>)((ref TOut value) =>
            {
                scalar(ref input);
                value = map(0, input);
            });
        }
        var vector = row.GetGetter<VBuffer<TIn>>(source);
        VBuffer<TIn> inputs = default, dense = default;
        return (ValueGetter<VBuffer<TOut>>)((ref VBuffer<TOut> value) =>
        {
            vector(ref inputs);
            inputs.CopyToDense(ref dense);
            var editor = VBufferEditor.Create(ref value, dense.Length);
            for (var i = 0; i < dense.Length; i++) editor.Values[i] = map(i, dense.Values[i]);
            value = editor.Commit();
        });
    }

    /// <summary>An action that shows each slot's value of the row as it stands.</summary>
    public static Action Visitor<T>(DataViewRow row, DataViewSchema.Column source, Action<int, T> visit)
    {
        if (source.Type is not VectorDataViewType)
        {
            var scalar = row.GetGetter<T>(source);
            T value = default;
            return () =>
            {
                scalar(ref value);
                visit(0, value);
            };
        }
        var vector = row.GetGetter<VBuffer<T>>(source);
        VBuffer<T> values = default, dense = default;
        return () =>
        {
            vector(ref values);
            values.CopyToDense(ref dense);
            for (var i = 0; i < dense.Length; i++) visit(i, dense.Values[i]);
        };
    }

    /// <summary>Reads some columns of the first rows once, through a visitor each.</summary>
    public static void Scan(IDataView data, IReadOnlyCollection<DataViewSchema.Column> columns,
        Func<DataViewRow, DataViewSchema.Column, int, Action> createVisitor, long maxRows = long.MaxValue)
    {
        using var cursor = data.GetRowCursor(columns);
        var visitors = columns.Select((column, i) => createVisitor(cursor, column, i)).ToArray();
        for (long row = 0; row < maxRows && cursor.MoveNext(); row++)
            foreach (var visit in visitors) visit();
    }

    /// <summary>The number of slots if it is known: 1 for a scalar, 0 for a vector of unknown length.</summary>
    public static int CountOf(DataViewType type) => type is VectorDataViewType vector ? vector.Size : 1;
}
