using Microsoft.ML.Transforms.Image;
using MLNet.Ssl.Data;

namespace MLNet.Ssl.DataView;

/// <summary>Images of a view with their classes (−1 for none): in memory, or as the files that they are.</summary>
internal sealed record ImageRows(IImageSource Images, IReadOnlyList<int> Labels, IDisposable? Held) : IDisposable
{
    // Files whose beginnings are looked at together.
    private const int FilesAtATime = 256;

    /// <summary>Reads a column of images.</summary>
    /// <param name="rows">The rows.</param>
    /// <param name="reading">How the images are read and kept.</param>
    /// <param name="unreadable">What becomes of images that cannot be read.</param>
    /// <returns>The images, which the caller disposes of when they are not needed any more.</returns>
    /// <exception cref="InvalidOperationException">There are no rows, an image cannot be read, or pixels are scaled to
    /// 0..1.</exception>
    public static ImageRows Read(RowReader rows, ImageReading reading, UnreadableImages unreadable)
    {
        rows = rows with { PlaceColumns = ImagePath.Columns(rows.View.Schema) };
        var read = ImageColumn.HoldsFiles(rows.Values) ? Files(rows, reading, unreadable)
            : Pixels(rows, reading, unreadable);
        int count = read.Images.Count;
        unreadable.Report(count);
        if (count > 0) return read;
        read.Dispose();
        throw unreadable.Count == 0 ? rows.NoRows() : new InvalidOperationException(
            $"None of the {unreadable.Count} images of column '{rows.Values.Name}' can be read: there is nothing to "
                + "learn from.");
    }

    public void Dispose() => Held?.Dispose();

    private static ImageRows Files(RowReader rows, ImageReading reading, UnreadableImages unreadable)
    {
        var source = new ImageFileSource(rows.Values.Name, reading, unreadable);
        try
        {
            var labels = rows.Read(row => ImageColumn.Reader(row, rows.Values, unreadable), FilesAtATime,
                files => source.Add(files, rows.Cancellation));
            source.WarnOfOrientations();
            return new(source, labels, source);
        }
        catch
        {
            source.Dispose();
            throw;
        }
    }

    private static ImageRows Pixels(RowReader rows, ImageReading reading, UnreadableImages unreadable)
    {
        OpenImageCache? overflow = null;
        var store = new ImageStore(reading.MaxShorterSide, reading.Memory,
            () => overflow = reading.OpenForOverflow(rows.Values.Name, unreadable));
        try
        {
            var labels = Pixels(rows, store, unreadable);
            return new(store, labels, overflow);
        }
        catch
        {
            overflow?.Dispose();
            throw;
        }
    }

    private static List<int> Pixels(RowReader rows, ImageStore store, UnreadableImages unreadable)
    {
        bool scaled = rows.Values.Type is not ImageDataViewType;
        var labels = rows.Read(row => ImageColumn.Reader(row, rows.Values, unreadable), row =>
        {
            if (row.IsMissing) return false;
            var image = row.Pixels;
            scaled &= !image.Pixels.Span.ContainsAnyExceptInRange((byte)0, (byte)1);
            store.Add(image.Pixels.Span, image.Width, image.Height);
            return true;
        });
        if (scaled && store.Count > 0)
        {
            throw new InvalidOperationException(
                $"All pixels of column '{rows.Values.Name}' lie between 0 and 1; expected 0 to 255, without offset and "
                    + "scale.");
        }
        return labels;
    }
}
