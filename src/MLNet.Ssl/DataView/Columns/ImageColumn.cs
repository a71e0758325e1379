using Microsoft.ML;
using Microsoft.ML.Data;
using Microsoft.ML.Transforms.Image;

namespace MLNet.Ssl.DataView;

/// <summary>
/// Columns that hold images: <see cref="MLImage"/> of any size, pixels in 0..255 as ExtractPixels gives them, or files
/// that are decoded when they are wanted, as paths or as bytes.
/// </summary>
internal static class ImageColumn
{
    private const string Expected =
        "an image, the path of an image file as text, the bytes of one as a vector of Byte of variable size, or a "
            + "known-size vector of Single with the dimensions (3, height, width) or (height, width, 3)";

    public static bool Holds(DataViewSchema.Column column) =>
        column.Type is ImageDataViewType || HoldsFiles(column) || PixelSize(column.Type) is not null;

    /// <summary>Whether the images are files, as paths or as bytes.</summary>
    public static bool HoldsFiles(DataViewSchema.Column column) => HoldsPaths(column)
        || column.Type is VectorDataViewType { IsKnownSize: false } vector
        && vector.ItemType == NumberDataViewType.Byte;

    /// <summary>Whether a shape's column can hold images other than pixels.</summary>
    public static bool Holds(SchemaShape.Column column) => !column.IsKey && column.Kind switch
    {
        SchemaShape.Column.VectorKind.Scalar => column.ItemType is ImageDataViewType or TextDataViewType,
        SchemaShape.Column.VectorKind.VariableVector => column.ItemType == NumberDataViewType.Byte,
        _ => false,
    };

    public static void Check(DataViewSchema.Column column, string role)
    {
        if (!Holds(column))
            throw SchemaShapes.Mismatch(role, column.Name, Expected, column.Type, ColumnAdvice.For(column.Type));
    }

    /// <summary>What messages call a row.</summary>
    public static string Place(string column, long row, string? path) =>
        $"Column '{column}', row {row}{(path is null ? "" : $", '{path}'")}";

    /// <summary>
    /// Reads the row's image, copied: as RGB bytes, for an <see cref="MLImage"/> must not be kept past its row, or as
    /// the file to decode. Missing where it cannot be read and is to be left out.
    /// </summary>
    public static Func<RowImage> Reader(DataViewRow row, DataViewSchema.Column column, UnreadableImages unreadable) =>
        column.Type is ImageDataViewType ? ImageReader(row, column, unreadable)
        : HoldsPaths(column) ? PathReader(row, column, unreadable)
        : HoldsFiles(column) ? BytesReader(row, column, unreadable)
        : PixelReader(row, column);

    private static bool HoldsPaths(DataViewSchema.Column column) => column.Type is TextDataViewType;

    private static Func<RowImage> PathReader(DataViewRow row, DataViewSchema.Column column, UnreadableImages unreadable)
    {
        var getter = row.GetGetter<ReadOnlyMemory<char>>(column);
        ReadOnlyMemory<char> text = default;
        return () =>
        {
            getter(ref text);
            return text.IsEmpty
                ? new(unreadable.Failed($"{Place(column.Name, row.Position, null)}: there is no path."))
                : new(default, new(text.ToString(), null), row.Position);
        };
    }

    private static Func<RowImage> BytesReader(
        DataViewRow row, DataViewSchema.Column column, UnreadableImages unreadable)
    {
        var path = ImagePath.Reader(row);
        var getter = row.GetGetter<VBuffer<byte>>(column);
        VBuffer<byte> buffer = default;
        return () =>
        {
            getter(ref buffer);
            if (buffer.Length == 0)
                return new(unreadable.Failed($"{Place(column.Name, row.Position, path())}: there are no bytes."));
            var bytes = new byte[buffer.Length];
            buffer.CopyTo(bytes);
            return new(default, new(null, bytes), row.Position, path());
        };
    }

    private static Func<RowImage> ImageReader(
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
                return new(unreadable.Failed($"{Here()}: the image cannot be read: {e.Message}", e));
            }
            if (image is null) return new(unreadable.Failed($"{Here()}: there is no image."));
            return image.Refusal() is { } refusal
                ? new(unreadable.Failed($"{Here()}: {refusal}"))
                : new(image.ToRgbImage(), null, row.Position);
        };

        string Here() => Place(column.Name, row.Position, path());
    }

    private static Func<RowImage> PixelReader(DataViewRow row, DataViewSchema.Column column)
    {
        var read = FloatVectors.Reader(row, column);
        var size = PixelSize(column.Type)!.Value;
        return () =>
        {
            try
            {
                return new RowImage(OfPixels(read(), size), null, row.Position);
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

    /// <summary>The size of the images that vectors of the type are, and whether a colour's values stand
    /// together; null of any other type.</summary>
    public static (int Width, int Height, bool Planar)? PixelSize(DataViewType type) =>
        type is VectorDataViewType { IsKnownSize: true, Dimensions: [var a, var b, var c] } vector
            && vector.ItemType == NumberDataViewType.Single
            ? a == 3 ? (c, b, true) : c == 3 ? (b, a, false) : null
            : null;
}
