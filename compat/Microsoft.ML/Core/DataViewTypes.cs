namespace Microsoft.ML.Data;

/// <summary>The questions transforms ask about types.</summary>
internal static class DataViewTypes
{
    /// <summary>The type itself, or that of a vector's items.</summary>
    public static DataViewType ItemType(this DataViewType type) => type is VectorDataViewType vector ? vector.ItemType : type;

    public static bool IsKnownSizeVector(this DataViewType type, DataViewType itemType)
        => type is VectorDataViewType { IsKnownSize: true } vector && vector.ItemType.Equals(itemType);

    /// <summary>The built-in type of values of <paramref name="rawType"/>, or null.</summary>
    public static PrimitiveDataViewType PrimitiveOf(Type rawType) => Primitives.GetValueOrDefault(rawType);

    /// <summary>The same shape with other items.</summary>
    public static DataViewType WithItemType(this DataViewType type, PrimitiveDataViewType itemType)
        => type is VectorDataViewType vector ? new VectorDataViewType(itemType, vector.Dimensions) : itemType;

    public static PrimitiveDataViewType Of(DataKind kind) => kind switch
    {
        DataKind.SByte => NumberDataViewType.SByte,
        DataKind.Byte => NumberDataViewType.Byte,
        DataKind.Int16 => NumberDataViewType.Int16,
        DataKind.UInt16 => NumberDataViewType.UInt16,
        DataKind.Int32 => NumberDataViewType.Int32,
        DataKind.UInt32 => NumberDataViewType.UInt32,
        DataKind.Int64 => NumberDataViewType.Int64,
        DataKind.UInt64 => NumberDataViewType.UInt64,
        DataKind.Single => NumberDataViewType.Single,
        DataKind.Double => NumberDataViewType.Double,
        DataKind.String => TextDataViewType.Instance,
        DataKind.Boolean => BooleanDataViewType.Instance,
        DataKind.TimeSpan => TimeSpanDataViewType.Instance,
        DataKind.DateTime => DateTimeDataViewType.Instance,
        DataKind.DateTimeOffset => DateTimeOffsetDataViewType.Instance,
        _ => throw new ArgumentOutOfRangeException(nameof(kind), kind, "Not a data kind")
    };

    public static DataKind KindOf(PrimitiveDataViewType type) => Enum.GetValues<DataKind>().First(kind => Of(kind).Equals(type));

    private static readonly Dictionary<Type, PrimitiveDataViewType> Primitives =
        Enum.GetValues<DataKind>().Select(Of).Append(RowIdDataViewType.Instance).ToDictionary(type => type.RawType);
}
