using Microsoft.ML.Transforms.Image;

namespace MLNet.Ssl.DataView;

/// <summary>Images of a view, read once into memory, with their classes (−1 for none).</summary>
internal sealed record ImageRows(ImageStore Images, IReadOnlyList<int> Labels)
{
    /// <summary>Reads a column of images.</summary>
    /// <param name="rows">The rows.</param>
    /// <param name="imageSize">Size that the network sees; photographs are kept a little larger. Null where it is
    /// chosen later.</param>
    /// <param name="unreadable">What becomes of images that cannot be read.</param>
    /// <exception cref="InvalidOperationException">There are no rows, an image cannot be read, or pixels are scaled to
    /// 0..1.</exception>
    public static ImageRows Read(RowReader rows, int? imageSize, UnreadableImages unreadable)
    {
        // Photographs are kept at the size that the encoder's own preprocessing starts from, and of 224 where the size
        // is chosen later.
        var store = new ImageStore(maxShorterSide: Math.Max(256, (int)Math.Ceiling((imageSize ?? 0) * 256 / 224.0)));
        var column = rows.Values;
        bool scaled = column.Type is not ImageDataViewType;
        rows = rows with { PlaceColumns = ImagePath.Columns(rows.View.Schema) };
        var labels = rows.Read(row => ImageColumn.Reader(row, column, unreadable), image =>
        {
            if (UnreadableImages.IsMissing(image)) return false;
            scaled &= !image.Pixels.Span.ContainsAnyExceptInRange((byte)0, (byte)1);
            store.Add(image.Pixels.Span, image.Width, image.Height);
            return true;
        });
        unreadable.Report(store.Count);
        if (store.Count == 0 && unreadable.Count > 0)
        {
            throw new InvalidOperationException(
                $"None of the {unreadable.Count} images of column '{column.Name}' can be read: there is nothing to "
                    + "learn from.");
        }
        if (store.Count == 0) throw rows.NoRows();
        if (scaled)
        {
            throw new InvalidOperationException(
                $"All pixels of column '{column.Name}' lie between 0 and 1; expected 0 to 255, without offset and "
                    + "scale.");
        }
        return new(store, labels);
    }
}
