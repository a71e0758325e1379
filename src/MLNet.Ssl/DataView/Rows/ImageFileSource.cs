using System.Collections.Concurrent;
using MLNet.Ssl.Data;
using MLNet.Ssl.ImageFiles;
using MLNet.Ssl.Images;

namespace MLNet.Ssl.DataView;

/// <summary>
/// Image files that are decoded each time they are wanted: paths are kept, or the files' bytes, and no pixels. Of every
/// file the beginning is looked at when it is added.
/// </summary>
/// <param name="column">Name of the column, for messages.</param>
/// <param name="reading">How images are read.</param>
/// <param name="unreadable">What becomes of images that cannot be read.</param>
internal sealed class ImageFileSource(string column, ImageReading reading, UnreadableImages unreadable)
    : IImageSource, IDisposable
{
    private readonly List<Entry> _entries = [];
    private readonly int[] _orientations = new int[9];
    private readonly ConcurrentDictionary<int, bool> _damaged = [];

    /// <param name="Image">Where the row's image is.</param>
    /// <param name="ShorterSide">Its shorter side, as it is kept.</param>
    /// <param name="Length">Bytes of its file.</param>
    private readonly record struct Entry(RowImage Image, int ShorterSide, long Length);

    public int Count => _entries.Count;

    public string Fingerprint => Checksum.Of(stream =>
    {
        using var writer = new BinaryWriter(stream);
        foreach (var entry in _entries) writer.Write(entry.Length);
        var buffer = new PixelBuffer();
        for (int i = 0; i < Count; i += Checksum.Stride(_entries.Sum(entry => entry.Length)))
            writer.Write(_entries[RowOf(i)].Image.Encoded!.Value.Read(buffer).Span);
    });

    /// <summary>Looks at files and adds those that are images.</summary>
    /// <param name="files">The files; some may be missing.</param>
    /// <param name="cancellation">Stops at the next file.</param>
    /// <returns>Which were added.</returns>
    /// <exception cref="InvalidOperationException">One is none, and is not to be left out.</exception>
    public bool[] Add(IReadOnlyList<RowImage> files, CancellationToken cancellation)
    {
        var found = new (ImageHeader Header, long Length, Exception? Failure)[files.Count];
        ParallelImages.For(files.Count, (i, buffer) =>
        {
            if (files[i].IsMissing) return;
            try
            {
                found[i].Header = files[i].Encoded!.Value.ReadHeader(buffer, out found[i].Length);
            }
            catch (Exception e)
            {
                found[i].Failure = e;
            }
        }, cancellation);
        var added = new bool[files.Count];
        for (int i = 0; i < files.Count; i++)
        {
            var (header, length, failure) = found[i];
            if (failure is not null) unreadable.Failed(Message(files[i], failure), failure);
            if (failure is not null || files[i].IsMissing) continue;
            _orientations[Math.Clamp(header.Orientation, 1, 8)]++;
            _entries.Add(new(
                files[i], Math.Min(Math.Min(header.Width, header.Height), reading.MaxShorterSide), length));
            added[i] = true;
        }
        return added;
    }

    /// <summary>Says that images of several orientations are taken as they are stored, if it is so.</summary>
    public void WarnOfOrientations()
    {
        int turned = _orientations.Skip(Orientation.Stored + 1).Sum();
        if (reading.ApplyExifOrientation || _orientations.Count(count => count > 0) < 2) return;
        unreadable.Warn($"{turned} of {Count} images of column '{column}' are stored turned or mirrored, by the "
            + "orientation in their EXIF data, and taken as they are stored, as torchvision does; "
            + $"{nameof(TrainingOptions.ApplyExifOrientation)} = true turns them.");
    }

    public int ShorterSide(int index) => _entries[index].ShorterSide;

    public int RowOf(int index)
    {
        while (_damaged.ContainsKey(index)) index = (index + 1) % Count;
        return index;
    }

    public RgbImage Read(int index, PixelBuffer buffer)
    {
        while (true)
        {
            int row = RowOf(index);
            try
            {
                var file = _entries[row].Image.Encoded!.Value;
                return buffer.Shrink(
                    file.Decode(buffer, reading.ApplyExifOrientation, reading.MaxShorterSide), reading.MaxShorterSide);
            }
            catch (Exception e)
            {
                Damaged(row, e);
            }
        }
    }

    /// <summary>Says how many images turned out to be unreadable.</summary>
    public void Dispose()
    {
        if (!_damaged.IsEmpty)
            unreadable.Warn($"{_damaged.Count} of {Count} images turned out to be damaged; others took their places.");
    }

    private void Damaged(int row, Exception e)
    {
        if (!unreadable.Skips || _damaged.TryAdd(row, true))
            unreadable.Failed(Message(_entries[row].Image, e), e, "the next one takes its place");
        if (_damaged.Count == Count)
            throw new InvalidOperationException($"None of the {Count} images of column '{column}' can be read.", e);
    }

    private string Message(RowImage file, Exception e) =>
        $"{file.Place(column)}: the image cannot be read: {e.Message}";
}
