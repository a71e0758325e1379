namespace Microsoft.ML.Data;

/// <summary>Reads a class label, a key or an integer in a Single column, as a zero-based index; −1 is missing.</summary>
internal static class LabelReader
{
    public static Func<int> Create(DataViewRow row, DataViewSchema.Column column)
    {
        if (column.Type is not KeyDataViewType)
            return column.Type.Equals(NumberDataViewType.Single) ? Index<float>(row, column, value => value >= 0 ? (int)value : -1)
                : throw SchemaMismatch.WrongType("label", column.Name, "a key or Single", column.Type.ToString());
        if (column.Type.RawType == typeof(byte)) return Index<byte>(row, column, value => value - 1);
        if (column.Type.RawType == typeof(ushort)) return Index<ushort>(row, column, value => value - 1);
        if (column.Type.RawType == typeof(uint)) return Index<uint>(row, column, value => checked((int)value) - 1);
        return Index<ulong>(row, column, value => checked((int)value) - 1);
    }

    private static Func<int> Index<T>(DataViewRow row, DataViewSchema.Column column, Func<T, int> index)
    {
        var getter = row.GetGetter<T>(column);
        T value = default;
        return () =>
        {
            getter(ref value);
            return index(value);
        };
    }
}
