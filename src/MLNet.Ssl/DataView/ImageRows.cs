using Microsoft.ML;
using Microsoft.ML.Transforms.Image;

namespace MLNet.Ssl;

/// <summary>Images of a view, read once into memory, with their labels where a column of them is given.</summary>
internal sealed record ImageRows(ImageStore Images, IReadOnlyList<int> Labels)
{
    /// <summary>Reads the rows.</summary>
    /// <param name="input">The view.</param>
    /// <param name="images">Column of the images.</param>
    /// <param name="imageSize">Size that the network sees; photographs are kept a little larger.</param>
    /// <param name="labels">Column of the labels, a key; null for none.</param>
    /// <param name="keepUnlabeled">Keeps rows whose label is missing, with label −1, instead of leaving them out.</param>
    /// <param name="most">Reads no more rows than these.</param>
    /// <param name="unreadable">What becomes of images that cannot be read.</param>
    /// <param name="cancellation">Stops the reading at the next row.</param>
    /// <exception cref="InvalidOperationException">There are no rows, an image cannot be read, or pixels are scaled to 0..1.</exception>
    public static ImageRows Read(IDataView input, DataViewSchema.Column images, int? imageSize, UnreadableImages unreadable,
        DataViewSchema.Column? labels = null, bool keepUnlabeled = true, int most = int.MaxValue, CancellationToken cancellation = default)
    {
        // Photographs are kept at the size that the encoder's own preprocessing starts from, and of 224 where the size is chosen later.
        var store = new ImageStore(maxShorterSide: Math.Max(256, (int)Math.Ceiling((imageSize ?? 0) * 256 / 224.0)));
        var classes = new List<int>();
        bool scaled = images.Type is not ImageDataViewType;
        using var cursor = input.GetRowCursor(Columns());
        var read = ImageColumn.Reader(cursor, images, unreadable);
        var label = labels is { } key ? LabelColumn.Reader(cursor, key) : () => 0;
        while (store.Count < most && cursor.MoveNext(cancellation))
        {
            // Keys count from 1.
            int known = (int)label() - 1;
            if (known < 0 && !keepUnlabeled) continue;
            var image = read();
            if (UnreadableImages.IsMissing(image)) continue;
            scaled &= !image.Pixels.Span.ContainsAnyExceptInRange((byte)0, (byte)1);
            store.Add(image.Pixels.Span, image.Width, image.Height);
            classes.Add(known);
        }
        unreadable.Report(store.Count);
        if (store.Count == 0 && unreadable.Count > 0)
            throw new InvalidOperationException($"None of the {unreadable.Count} images of column '{images.Name}' can be read: there is nothing to learn from.");
        if (store.Count == 0)
            throw new InvalidOperationException($"Column '{images.Name}' has no rows{(keepUnlabeled ? "" : " with a label")}: there is nothing to learn from.");
        if (scaled)
            throw new InvalidOperationException($"All pixels of column '{images.Name}' lie between 0 and 1; expected 0 to 255, without offset and scale.");
        return new(store, classes);

        // Paths are there for the messages.
        IEnumerable<DataViewSchema.Column> Columns() =>
            new[] { images, labels ?? images }.Concat(ImagePath.Columns(input.Schema)).DistinctBy(column => column.Index);
    }
}
