using Microsoft.ML.Data;
using Microsoft.ML.Transforms.Image;
using MLNet.Ssl.DataView;

namespace MLNet.Ssl.ModelFiles;

/// <summary>The column of images that a transformer was fitted on, as <c>ml.Model.Save</c> asks for it.</summary>
/// <param name="Holds">What stands in it.</param>
/// <param name="Dimensions">Height and width of images that all have them, or those of the vector of pixels.</param>
internal sealed record SavedInput(SavedInput.Kind Holds, IReadOnlyList<int> Dimensions)
{
    // ML.NET has no larger images.
    private const double MostValues = int.MaxValue / 4;

    internal enum Kind
    {
        Images,
        Paths,
        Bytes,
        Pixels,
    }

    /// <summary>Null where the type is not known.</summary>
    public static SavedInput? Of(DataViewType? type) => type switch
    {
        ImageDataViewType { Height: > 0, Width: > 0 } image => new(Kind.Images, [image.Height, image.Width]),
        ImageDataViewType => new(Kind.Images, []),
        TextDataViewType => new(Kind.Paths, []),
        VectorDataViewType { IsKnownSize: false } => new(Kind.Bytes, []),
        VectorDataViewType pixels => new(Kind.Pixels, pixels.Dimensions),
        _ => null,
    };

    public DataViewType Restore()
    {
        bool areSizes = Dimensions.All(size => size > 0) && Dimensions.Aggregate(1.0, (x, y) => x * y) <= MostValues;
        DataViewType? type = (Holds, Dimensions) switch
        {
            (Kind.Images, []) => new ImageDataViewType(),
            (Kind.Paths, []) => TextDataViewType.Instance,
            (Kind.Bytes, []) => new VectorDataViewType(NumberDataViewType.Byte),
            (Kind.Images, [var height, var width]) when areSizes => new ImageDataViewType(height, width),
            (Kind.Pixels, [_, _, _]) when areSizes =>
                new VectorDataViewType(NumberDataViewType.Single, Dimensions.ToArray()),
            _ => null,
        };
        return type is ImageDataViewType or TextDataViewType or VectorDataViewType { IsKnownSize: false }
            || (type is not null && ImageColumn.PixelSize(type) is not null)
            ? type
            : throw new InvalidDataException(
                $"the input column holds {Holds} with the dimensions ({string.Join(", ", Dimensions)}).");
    }
}
