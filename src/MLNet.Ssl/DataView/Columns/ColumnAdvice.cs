using Microsoft.ML;
using Microsoft.ML.Data;
using Microsoft.ML.Transforms.Image;

namespace MLNet.Ssl.DataView;

/// <summary>What to do about a column that is not as it must be, in ML.NET's own words.</summary>
internal static class ColumnAdvice
{
    /// <summary>Where a column of images is not there.</summary>
    public const string LostImages =
        "If it held images: ml.Data.Cache and AppendCacheCheckpoint leave image columns out; cache behind what reads "
            + "them.";

    private const string Keys =
        "A key is a class, as labels are: features are images or numbers, and pretraining takes no labels.";

    private const string Convert = "ml.Transforms.Conversion.ConvertType makes Single of it.";

    private const string Size =
        "Its vectors have no size: [VectorType(n)] on the property gives them one, or a SchemaDefinition, or the "
            + "column's range in a text loader.";

    /// <summary>About a column where images, or known-size vectors of Single, are expected.</summary>
    public static string? For(DataViewType type) => type is VectorDataViewType vector
        ? For(vector.ItemType, isVector: true, vector.IsKnownSize)
        : For(type, isVector: false, isSized: false);

    /// <inheritdoc cref="For(DataViewType)"/>
    public static string? For(SchemaShape.Column column) => column.IsKey
        ? Keys
        : For(column.ItemType, column.Kind != SchemaShape.Column.VectorKind.Scalar,
            column.Kind == SchemaShape.Column.VectorKind.Vector);

    private static string? For(DataViewType item, bool isVector, bool isSized)
    {
        if (item is KeyDataViewType) return Keys;
        if (item is TextDataViewType)
            return "Pretrain and LoadPretrained make embeddings of image files by their paths, "
                + "ml.Transforms.Categorical.OneHotEncoding makes vectors of categories.";
        if (item == NumberDataViewType.Byte && isVector && !isSized)
            return "Pretrain and LoadPretrained make embeddings of the bytes of image files.";
        if (item is ImageDataViewType)
            return "Pretrain and LoadPretrained make embeddings of images, ml.Transforms.ExtractPixels makes pixels "
                + "of images of one size.";
        if (item is not (NumberDataViewType or BooleanDataViewType)) return null;
        bool isSingle = item == NumberDataViewType.Single;
        if (!isVector)
            return (isSingle ? "" : Convert + " ")
                + "ml.Transforms.Concatenate makes a vector of columns of Single, of one or many.";
        string?[] steps = [isSingle ? null : Convert, isSized ? null : Size];
        return steps.Any(step => step is not null) ? string.Join(' ', steps.OfType<string>()) : null;
    }
}
