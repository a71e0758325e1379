namespace Microsoft.ML;

using Microsoft.ML.Data;

/// <summary>A column of a text file: its type and the fields of a line it takes.</summary>
internal sealed class BoundColumn
{
    private readonly int[] _fields;

    public BoundColumn(TextLoader.Column column, Lazy<int> inputSize)
    {
        if (column.Source is not { Length: > 0 }) throw new ArgumentException($"Column '{column.Name}' names no fields of the file");
        if (column.Source.Any(s => s.VariableEnd || s.AllOther))
            throw new NotSupportedException($"Column '{column.Name}': VariableEnd and AllOther are not supported here");
        Name = column.Name;
        _fields = column.Source.SelectMany(s => Enumerable.Range(s.Min, (s.Max ?? inputSize.Value - 1) - s.Min + 1)).ToArray();
        Kind = column.DataKind;
        ItemType = DataViewTypes.Of(column.DataKind);
        if (column.KeyCount is { } count) ItemType = new KeyDataViewType(ItemType.RawType, count.Count ?? KeyDataViewType.MaxCount(ItemType.RawType));
        var isScalar = column.Source is [{ ForceVector: false, Max: not null } single] && single.Min == single.Max;
        Type = isScalar ? ItemType : new VectorDataViewType(ItemType, _fields.Length);
    }

    public string Name { get; }
    public DataKind Kind { get; }
    public PrimitiveDataViewType ItemType { get; }
    public DataViewType Type { get; }
    public IReadOnlyList<int> Fields => _fields;

    /// <summary>The names that the header gives to the slots of a vector.</summary>
    public DataViewSchema.Annotations Annotations(ReadOnlyMemory<char>[] header)
    {
        if (header == null || Type is not VectorDataViewType) return null;
        var builder = new DataViewSchema.Annotations.Builder();
        builder.AddSlotNames(_fields.Select(f => f < header.Length ? header[f].ToString() : ""));
        return builder.ToAnnotations();
    }
}
