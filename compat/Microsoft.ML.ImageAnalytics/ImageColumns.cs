using Microsoft.ML.Data;
using Microsoft.ML.Transforms.Image;

namespace Microsoft.ML;

/// <summary>What the transforms of images share: the check of their input.</summary>
internal static class ImageColumns
{
    public static ImageDataViewType ImageType(this DataViewSchema.Column column)
        => column.Type as ImageDataViewType ?? throw SchemaMismatch.WrongType("image", column.Name, "Image", column.Type.ToString());

    /// <summary>The shape of the columns after an image column is turned into another.</summary>
    public static SchemaShape Replace(this SchemaShape input, InputOutputColumnPair columns, DataViewType outputType)
    {
        var source = input.Find(columns.InputColumnName);
        if (source.Kind != SchemaShape.Column.VectorKind.Scalar || source.ItemType is not ImageDataViewType)
            throw SchemaMismatch.WrongType("image", source.Name, "Image", source.GetTypeString());
        return input.With(SchemaShape.Column.Of(columns.OutputColumnName, outputType));
    }
}
