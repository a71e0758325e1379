using System.Reflection;
using Microsoft.ML;
using Microsoft.ML.Data;

namespace MLNet.Ssl.DataView;

/// <summary>Columns of classes: keys.</summary>
internal static class LabelColumn
{
    private const string Expected = "a key", Role = "label", KeyValues = "KeyValues";
    private const string Advice = "ml.Transforms.Conversion.MapValueToKey makes a key of a column.";

    public static SchemaShape.Column Find(SchemaShape input, string name)
    {
        var label = input.Find(Role, name);
        return label is { IsKey: true, Kind: SchemaShape.Column.VectorKind.Scalar }
            ? label
            : throw SchemaShapes.Mismatch(Role, label.Name, Expected, label.Describe(), Advice);
    }

    /// <summary>The column and the number of its classes.</summary>
    public static DataViewSchema.Column Find(DataViewSchema input, string name, out int classes)
    {
        var label = input.Find(Role, name);
        if (label.Type is not KeyDataViewType key)
            throw SchemaShapes.Mismatch(Role, label.Name, Expected, label.Type, Advice);
        if (key.Count > int.MaxValue)
            throw SchemaShapes.Mismatch(Role, label.Name, "a key of at most 2147483647 classes", key, Advice);
        classes = (int)key.Count;
        return label;
    }

    /// <summary>Reads the row's class, from 1; keys come in four sizes, and 0 is a missing label.</summary>
    public static Func<ulong> Reader(DataViewRow row, DataViewSchema.Column column)
    {
        return Type.GetTypeCode(column.Type.RawType) switch
        {
            TypeCode.Byte => Read<byte>(v => v),
            TypeCode.UInt16 => Read<ushort>(v => v),
            TypeCode.UInt32 => Read<uint>(v => v),
            _ => Read<ulong>(v => v),
        };

        Func<ulong> Read<T>(Func<T, ulong> widen)
        {
            var getter = row.GetGetter<T>(column);
            T value = default!;
            return () =>
            {
                getter(ref value);
                return widen(value);
            };
        }
    }

    /// <summary>
    /// Refuses two label columns whose keys count different classes, or name them differently: a number would mean
    /// another class in each.
    /// </summary>
    public static void CheckSame(DataViewSchema.Column train, DataViewSchema.Column test) => CheckSame(
        "the training and the test data", ((KeyDataViewType)train.Type).Count, train.Annotations, test, nameof(test));

    /// <inheritdoc cref="CheckSame(DataViewSchema.Column, DataViewSchema.Column)"/>
    /// <param name="whose">Whose keys they are, for the message.</param>
    /// <param name="count">How many classes the first one counts.</param>
    /// <param name="label">Annotations of the first one.</param>
    /// <param name="other">The second one.</param>
    /// <param name="parameter">The argument that is at fault; null for none.</param>
    public static void CheckSame(
        string whose, ulong count, DataViewSchema.Annotations label, DataViewSchema.Column other,
        string? parameter = null)
    {
        string[]? a = Names(label), b = Names(other);
        ulong counted = ((KeyDataViewType)other.Type).Count;
        if (count == counted && (a is null || b is null || a.SequenceEqual(b))) return;
        string difference = count != counted ? $"{count} classes and {counted}"
            : $"class {1 + a!.Zip(b!).TakeWhile(p => p.First == p.Second).Count()} under two names";
        throw new ArgumentException(
            $"Label column '{other.Name}': the keys of {whose} differ, {difference}. Map both by one fitted "
                + "MapValueToKey.", parameter);
    }

    /// <summary>Names of the classes, by number; null where the key has none.</summary>
    public static string[]? Names(DataViewSchema.Column column) => Names(column.Annotations);

    private static string[]? Names(DataViewSchema.Annotations label) =>
        label.Schema.GetColumnOrNull(KeyValues) is { Type: VectorDataViewType vector } values
            ? (string[])typeof(LabelColumn).GetMethod(nameof(Values), BindingFlags.NonPublic | BindingFlags.Static)!
                .MakeGenericMethod(vector.ItemType.RawType).Invoke(null, [label, values])!
            : null;

    private static string[] Values<T>(DataViewSchema.Annotations annotations, DataViewSchema.Column values)
    {
        VBuffer<T> buffer = default;
        annotations.GetGetter<VBuffer<T>>(values)(ref buffer);
        return [.. buffer.DenseValues().Select(value => $"{value}")];
    }
}
