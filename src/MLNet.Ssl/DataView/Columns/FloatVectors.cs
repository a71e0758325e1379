using System.Numerics.Tensors;
using Microsoft.ML;
using Microsoft.ML.Data;

namespace MLNet.Ssl.DataView;

/// <summary>Known-size vectors of Single, read and written.</summary>
internal static class FloatVectors
{
    private const string Expected = "known-size vector of Single";

    /// <summary>The check that a shape allows: it knows no size.</summary>
    public static void Check(SchemaShape.Column column)
    {
        if (column is not { Kind: SchemaShape.Column.VectorKind.Vector, IsKey: false }
            || column.ItemType != NumberDataViewType.Single)
            throw SchemaShapes.Mismatch("feature", column.Name, Expected, column.Describe(), ColumnAdvice.For(column));
    }

    /// <summary>The vector's size, which must be <paramref name="size"/> where that is given.</summary>
    public static int Check(DataViewSchema.Column column, int? size = null, string role = "feature")
    {
        if (column.Type is not VectorDataViewType { IsKnownSize: true } vector
            || vector.ItemType != NumberDataViewType.Single
            || (size is not null && vector.Size != size))
            throw SchemaShapes.Mismatch(role, column.Name, size is null ? Expected : $"Vector<Single, {size}>",
                column.Type,
                ColumnAdvice.For(column.Type));
        return vector.Size;
    }

    /// <summary>
    /// Reads the row's vector into a new array, checking what the type does not promise: its length and its numbers.
    /// </summary>
    public static Func<float[]> Reader(DataViewRow row, DataViewSchema.Column column)
    {
        int size = ((VectorDataViewType)column.Type).Size;
        var getter = row.GetGetter<VBuffer<float>>(column);
        VBuffer<float> buffer = default;
        return () =>
        {
            getter(ref buffer);
            if (buffer.Length != size)
                throw new InvalidOperationException(
                    $"Column '{column.Name}', row {row.Position}: the vector has {buffer.Length} slots, its type "
                        + $"{size}.");
            var values = new float[size];
            buffer.CopyTo(values);
            if (TensorPrimitives.IsFiniteAll<float>(values)) return values;
            int slot = Array.FindIndex(values, value => !float.IsFinite(value));
            throw new InvalidOperationException(
                $"Column '{column.Name}', row {row.Position}, slot {slot}: {values[slot]} is not a finite number."
                + (float.IsNaN(values[slot]) ? " ml.Transforms.ReplaceMissingValues fills missing values." : ""));
        };
    }

    public static ValueGetter<VBuffer<float>> Getter(RowResult result) => (ref VBuffer<float> destination) =>
    {
        var values = result();
        var editor = VBufferEditor.Create(ref destination, values.Length);
        values.CopyTo(editor.Values);
        destination = editor.Commit();
    };
}
