using Microsoft.ML;
using Microsoft.ML.Data;

namespace MLNet.Ssl.DataView;

/// <summary>The column that pretraining reads: images, or rows of a table as vectors.</summary>
internal static class InputColumn
{
    private const string Expected =
        "an image, the path of an image file as text, the bytes of one as a vector of Byte of variable size, or a "
            + "known-size vector of Single: a row of a table, or pixels with the dimensions (3, height, width) or "
            + "(height, width, 3)";

    /// <summary>Where no name is given: the first of these that there is.</summary>
    private static string[] Candidates(string output) => [output, "Image", "ImagePath", "Features"];

    public static SchemaShape.Column Find(SchemaShape schema, string? name, string output)
    {
        var column = schema.Find("input", name ?? Candidates(output).FirstOrDefault(c => schema.Any(s => s.Name == c))
            ?? "Image", ColumnAdvice.LostImages);
        bool vector = column is { Kind: SchemaShape.Column.VectorKind.Vector, IsKey: false }
            && column.ItemType == NumberDataViewType.Single;
        if (!vector && !ImageColumn.Holds(column))
            throw SchemaShapes.Mismatch("input", column.Name, Expected, column.Describe(), ColumnAdvice.For(column));
        return column;
    }

    /// <summary>The column of that name, whatever its type.</summary>
    public static DataViewSchema.Column Named(DataViewSchema schema, string? name, string output) => schema.Find(
        "input", name ?? Candidates(output).FirstOrDefault(c => schema.GetColumnOrNull(c) is not null) ?? "Image",
        ColumnAdvice.LostImages);

    public static DataViewSchema.Column Find(DataViewSchema schema, string? name, string output)
    {
        var column = Named(schema, name, output);
        // Three dimensions without three channels are meant to be an image, and are none.
        bool vector = column.Type is VectorDataViewType { IsKnownSize: true, Dimensions.Length: not 3 } known
            && known.ItemType == NumberDataViewType.Single;
        if (!vector && !ImageColumn.Holds(column))
            throw SchemaShapes.Mismatch("input", column.Name, Expected, column.Type, ColumnAdvice.For(column.Type));
        return column;
    }
}
