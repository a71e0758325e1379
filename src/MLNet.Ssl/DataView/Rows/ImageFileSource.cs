using System.Collections.Concurrent;
using MLNet.Ssl.Data;
using MLNet.Ssl.ImageFiles;
using MLNet.Ssl.Images;
using static System.FormattableString;

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
    private readonly PixelBuffer _kept = new();
    private OpenImageCache? _cache = reading.Cache is null ? null : OpenImageCache.Open(reading.Cache, unreadable.Warn);
    private bool _overflows;
    private long _memory;

    /// <param name="Image">Where the row's image is.</param>
    /// <param name="ShorterSide">Its shorter side, as it is kept.</param>
    /// <param name="Length">Bytes of its file.</param>
    /// <param name="Key">What its pixels are found by in the cache.</param>
    /// <param name="Stored">What its bytes are found by in the cache, where memory had no room for them.</param>
    private readonly record struct Entry(
        RowImage Image, int ShorterSide, long Length, UInt128 Key, UInt128? Stored = null);

    public int Count => _entries.Count;

    public string Fingerprint => Checksum.Of(stream =>
    {
        using var writer = new BinaryWriter(stream);
        foreach (var entry in _entries) writer.Write(entry.Length);
        var buffer = new PixelBuffer();
        for (int i = 0; i < Count; i += Checksum.Stride(_entries.Sum(entry => entry.Length)))
            writer.Write(FileOf(_entries[RowOf(i)], buffer).Span);
    });

    /// <summary>Looks at files and adds those that are images.</summary>
    /// <param name="files">The files; some may be missing.</param>
    /// <param name="cancellation">Stops at the next file.</param>
    /// <returns>Which were added.</returns>
    /// <exception cref="InvalidOperationException">One is none, and is not to be left out.</exception>
    public bool[] Add(IReadOnlyList<RowImage> files, CancellationToken cancellation)
    {
        var found = new (ImageHeader Header, long Length, UInt128 Key, Exception? Failure)[files.Count];
        ParallelImages.For(files.Count, (i, buffer) =>
        {
            if (files[i].IsMissing) return;
            try
            {
                var file = files[i].Encoded!.Value;
                found[i].Header = file.ReadHeader(buffer, out found[i].Length);
                if (_cache is not null) found[i].Key = KeyOf(file, found[i].Length);
            }
            catch (Exception e)
            {
                found[i].Failure = e;
            }
        }, cancellation);
        var added = new bool[files.Count];
        for (int i = 0; i < files.Count; i++)
        {
            var (header, length, key, failure) = found[i];
            if (failure is not null) unreadable.Failed(Message(files[i], failure), failure);
            if (failure is not null || files[i].IsMissing) continue;
            _orientations[Math.Clamp(header.Orientation, 1, 8)]++;
            int side = Math.Min(Math.Min(header.Width, header.Height), reading.MaxShorterSide);
            _entries.Add(InMemoryOrStored(new(files[i], side, length, key)));
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
                return Read(_entries[row], buffer);
            }
            catch (Exception e)
            {
                Damaged(row, e);
            }
        }
    }

    /// <summary>Says how many images turned out to be unreadable, and lets go of the cache.</summary>
    public void Dispose()
    {
        if (reading.Cache is not null && _cache is { Counts: var (read, missed) } && read + missed > 0)
            unreadable.Tell(Invariant(
                $"Image cache '{_cache.Folder}': {read:N0} images were read from it, {missed:N0} were decoded."));
        _cache?.Dispose();
        if (!_damaged.IsEmpty)
            unreadable.Warn($"{_damaged.Count} of {Count} images turned out to be damaged; others took their places.");
    }

    private RgbImage Read(Entry entry, PixelBuffer buffer)
    {
        if (reading.Cache is not null && _cache!.TryReadImage(entry.Key, buffer, out var cached)) return cached;
        int side = reading.MaxShorterSide;
        var image = buffer.Shrink(
            ImageDecoder.Decode(
                FileOf(entry, buffer), RgbImages.MaxPixels, buffer, reading.ApplyExifOrientation, side), side);
        if (reading.Cache is not null) _cache!.TryAddImage(entry.Key, image);
        return image;
    }

    private ReadOnlyMemory<byte> FileOf(Entry entry, PixelBuffer buffer)
    {
        if (entry.Stored is not { } key) return entry.Image.Encoded!.Value.Read(buffer);
        return _cache!.TryReadFile(key, buffer, out var file) ? file
            : throw new InvalidDataException(
                $"its bytes are gone, or damaged, in the image cache '{_cache.Folder}', where they were kept for want "
                + "of memory");
    }

    private UInt128 KeyOf(EncodedImage file, long length) => file.Path is { } path
        ? OpenImageCache.KeyOf(path, length, File.GetLastWriteTimeUtc(path).Ticks, reading.Settings)
        : OpenImageCache.KeyOf(file.Bytes, reading.Settings);

    private Entry InMemoryOrStored(Entry entry)
    {
        if (entry.Image.Encoded is not { Bytes: { } bytes }) return entry;
        if (!_overflows && _memory + bytes.Length <= reading.Memory)
        {
            _memory += bytes.Length;
            return entry;
        }
        if (!_overflows) _cache = reading.OpenForOverflow(column, unreadable, _cache);
        _overflows = true;
        var key = OpenImageCache.KeyOf(bytes, "file");
        var cache = _cache!;
        if (!cache.TryReadFile(key, _kept, out _) && !cache.TryAddFile(key, bytes)) throw cache.NoRoom(reading.Memory);
        return entry with { Image = entry.Image with { Encoded = default(EncodedImage) }, Stored = key };
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
