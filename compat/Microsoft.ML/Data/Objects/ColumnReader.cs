namespace Microsoft.ML;

using Microsoft.ML.Data;

/// <summary>Values of a row as .NET values: text as string, vectors as arrays, keys as they are (from 1, 0 = missing).</summary>
internal static class ColumnReader
{
    public static bool CanRead(Type memberType, DataViewType type)
    {
        if (memberType == type.RawType) return true;
        if (type is VectorDataViewType vector) return memberType.IsArray && CanRead(memberType.GetElementType(), vector.ItemType);
        return memberType == typeof(string) && type is TextDataViewType;
    }

    public static InvalidOperationException CannotBind(SchemaDefinition.Column member, DataViewSchema.Column? column = null)
        => new($"Can't bind the IDataView column '{member.ColumnName}' of type '{column?.Type ?? member.ColumnType}' "
            + $"to field or property '{member.MemberName}' of type '{member.MemberType.FullName}'.");

    /// <summary>The value at every call; arrays and buffers are new each time.</summary>
    public static Func<T> Create<T>(DataViewRow row, DataViewSchema.Column column)
    {
        if (typeof(T) == column.Type.RawType) return Raw<T>(row, column);
        if (typeof(T) == typeof(string)) return (Func<T>)(Delegate)Converted(Raw<ReadOnlyMemory<char>>(row, column), text => text.ToString());
        if (typeof(T) == typeof(string[]))
            return (Func<T>)(Delegate)Converted(Raw<VBuffer<ReadOnlyMemory<char>>>(row, column),
                texts => texts.DenseValues().Select(t => t.ToString()).ToArray());
        return (Func<T>)Generic.Call(ArrayOf<int>, typeof(T).GetElementType(), row, column);
    }

    private static Func<T> Raw<T>(DataViewRow row, DataViewSchema.Column column)
    {
        var getter = row.GetGetter<T>(column);
        return () =>
        {
            T value = default;
            getter(ref value);
            return value;
        };
    }

    private static Delegate ArrayOf<T>(DataViewRow row, DataViewSchema.Column column)
    {
        var getter = row.GetGetter<VBuffer<T>>(column);
        VBuffer<T> value = default;
        return (Func<T[]>)(() =>
        {
            getter(ref value);
            var items = new T[value.Length];
            value.CopyTo(items);
            return items;
        });
    }

    private static Func<T> Converted<TRaw, T>(Func<TRaw> raw, Func<TRaw, T> convert) => () => convert(raw());
}
