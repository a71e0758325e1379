using Microsoft.ML;
using Microsoft.ML.Data;
using Microsoft.ML.Transforms.Image;

namespace MLNet.Ssl.DataView;

/// <summary>
/// Columns that hold images: <see cref="MLImage"/> of any size, or pixels in 0..255 as ExtractPixels gives them.
/// </summary>
internal static class ImageColumn
{
    private const string Expected =
        "an image, or a known-size vector of Single with the dimensions (3, height, width) or (height, width, 3)";

    public static bool Holds(DataViewSchema.Column column) =>
        column.Type is ImageDataViewType || PixelSize(column.Type) is not null;

    public static void Check(DataViewSchema.Column column, string role)
    {
        if (!Holds(column))
            throw SchemaShapes.Mismatch(role, column.Name, Expected, column.Type, ColumnAdvice.For(column.Type));
    }

    /// <summary>
    /// Reads the row's image as RGB bytes, copied: an <see cref="MLImage"/> must not be kept past its row. Empty where
    /// it cannot be read and is to be left out.
    /// </summary>
    public static Func<RgbImage> Reader(DataViewRow row, DataViewSchema.Column column, UnreadableImages unreadable) =>
        column.Type is ImageDataViewType ? ImageReader(row, column, unreadable) : PixelReader(row, column);

    private static Func<RgbImage> ImageReader(
        DataViewRow row, DataViewSchema.Column column, UnreadableImages unreadable)
    {
        var path = ImagePath.Reader(row);
        var getter = row.GetGetter<MLImage>(column);
        // Never disposed of here: the getter disposes of what it made, and an image of the user's own stays the user's.
        MLImage? image = null;
        return () =>
        {
            try
            {
                getter(ref image!);
            }
            catch (Exception e) when (e is not OperationCanceledException)
            {
                return unreadable.Failed($"{Place()}: the image cannot be read: {e.Message}", e);
            }
            if (image is null) return unreadable.Failed($"{Place()}: there is no image.");
            return image.Refusal() is { } refusal ? unreadable.Failed($"{Place()}: {refusal}") : image.ToRgbImage();
        };

        string Place() => $"Column '{column.Name}', row {row.Position}{path()}";
    }

    private static Func<RgbImage> PixelReader(DataViewRow row, DataViewSchema.Column column)
    {
        var read = FloatVectors.Reader(row, column);
        var size = PixelSize(column.Type)!.Value;
        return () =>
        {
            try
            {
                return OfPixels(read(), size);
            }
            catch (InvalidDataException e)
            {
                throw new InvalidOperationException($"Column '{column.Name}', row {row.Position}, {e.Message}");
            }
        };
    }

    /// <summary>The image that a vector of pixels is.</summary>
    /// <exception cref="InvalidDataException">A value is no pixel value; the message names the slot.</exception>
    public static RgbImage OfPixels(ReadOnlySpan<float> values, (int Width, int Height, bool Planar) size)
    {
        int area = size.Width * size.Height;
        var pixels = new byte[values.Length];
        for (int slot = 0; slot < values.Length; slot++)
        {
            if (values[slot] is not (>= 0 and <= 255))
                throw new InvalidDataException(
                    $"slot {slot}: {values[slot]} is no pixel value; expected 0 to 255, without offset and scale.");
            pixels[size.Planar ? slot % area * 3 + slot / area : slot] = (byte)MathF.Round(values[slot]);
        }
        return new(pixels, size.Width, size.Height);
    }

    /// <summary>The size of the images that vectors of the type are, and whether a colour's values stand together; null of any other type.</summary>
    public static (int Width, int Height, bool Planar)? PixelSize(DataViewType type) =>
        type is VectorDataViewType { IsKnownSize: true, Dimensions: [var a, var b, var c] } vector
            && vector.ItemType == NumberDataViewType.Single
            ? a == 3 ? (c, b, true) : c == 3 ? (b, a, false) : null
            : null;
}
