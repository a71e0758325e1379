using System.Collections.Concurrent;
using System.IO.Hashing;
using System.Text;
using MLNet.Ssl.Files;
using MLNet.Ssl.Images;
using static System.FormattableString;

namespace MLNet.Ssl.Data;

/// <summary>An <see cref="ImageCache"/> that a run has opened; for many threads.</summary>
internal sealed class OpenImageCache : IDisposable
{
    private const long UsualSegment = 256 << 20;

    private static readonly TimeSpan RefreshEvery = TimeSpan.FromSeconds(2);

    private readonly string _folder;
    private readonly long _maxBytes;
    private readonly HeldFolder? _temporary;
    private readonly Action<string> _warn;
    private readonly Lock _gate = new();
    private readonly Dictionary<string, CacheSegment> _segments = [];
    private readonly ConcurrentDictionary<UInt128, Place> _places = [];
    private CacheSegment? _own;
    private DateTime _refreshed;
    private bool _isFull;
    private long _hits, _misses;

    private OpenImageCache(string folder, long maxBytes, HeldFolder? temporary, Action<string> warn)
    {
        (_folder, _maxBytes, _temporary, _warn) = (folder, maxBytes, temporary, warn);
        Refresh();
    }

    /// <summary>An entry, and another one of the same key that was written before it.</summary>
    private sealed record Place(CacheSegment Segment, CacheRecord Record, Place? Before);

    public string Folder => _folder;

    /// <summary>Entries read, and looked for in vain.</summary>
    public (long Read, long Missed) Counts => (Interlocked.Read(ref _hits), Interlocked.Read(ref _misses));

    /// <summary>Opens the folder, making it if it is missing.</summary>
    /// <param name="cache">The folder.</param>
    /// <param name="warn">Receives what goes wrong with it, once: a cache that fails is done without.</param>
    /// <exception cref="IOException">The folder cannot be made.</exception>
    public static OpenImageCache Open(ImageCache cache, Action<string> warn)
    {
        cache.Validate();
        try
        {
            return new(Directory.CreateDirectory(cache.Folder).FullName, cache.MaxBytes, null, warn);
        }
        catch (Exception e)
            when (e is IOException or UnauthorizedAccessException or NotSupportedException or ArgumentException)
        {
            throw new IOException($"ImageCache.Folder '{cache.Folder}' cannot be used: {e.Message}", e);
        }
    }

    /// <summary>A folder for this run alone, which is deleted with it, or if it is killed, by the next one.</summary>
    public static OpenImageCache OpenTemporary(Action<string> warn)
    {
        var folder = HeldFolder.Create("mlnet-ssl-images-");
        return new(folder.Path, long.MaxValue, folder, warn);
    }

    /// <summary>The key of a file as it is read by some settings.</summary>
    public static UInt128 KeyOf(string path, long length, long changed, string settings) =>
        XxHash128.HashToUInt128(Encoding.UTF8.GetBytes($"{Path.GetFullPath(path)}\n{length}\n{changed}\n{settings}"));

    /// <summary>The key of bytes as they are read by some settings.</summary>
    public static UInt128 KeyOf(ReadOnlySpan<byte> bytes, string settings)
    {
        var hash = new XxHash128();
        hash.Append(bytes);
        hash.Append(Encoding.UTF8.GetBytes(settings));
        return hash.GetCurrentHashAsUInt128();
    }

    /// <summary>Reads an image into the buffer; false if it is not there, or damaged.</summary>
    public bool TryReadImage(UInt128 key, PixelBuffer buffer, out RgbImage image)
    {
        image = default;
        if (Find(key, record => record.Width > 0, record => buffer.Pixels(record.Bytes)) is not var (record, pixels))
            return false;
        image = new(pixels, record.Width, record.Height);
        return true;
    }

    /// <summary>Reads what are no pixels into the buffer; false if they are not there, or damaged.</summary>
    public bool TryReadFile(UInt128 key, PixelBuffer buffer, out ReadOnlyMemory<byte> file)
    {
        var found = Find(key, record => record.Width == 0, record => buffer.File(record.Bytes));
        file = found?.Bytes ?? default;
        return found is not null;
    }

    /// <summary>Keeps an image; false if there is no room for it.</summary>
    public bool TryAddImage(UInt128 key, RgbImage image) => TryAdd(key, image.Width, image.Height, image.Pixels.Span);

    /// <summary>Keeps bytes that are no pixels; false if there is no room for them.</summary>
    public bool TryAddFile(UInt128 key, ReadOnlySpan<byte> file) => TryAdd(key, 0, 0, file);

    /// <summary>The error where what must be kept has no room.</summary>
    public InvalidOperationException NoRoom(long maxMemory) => new(
        Invariant($"The images take more memory than MaxImageMemory, {maxMemory:N0} bytes, and the image ")
            + $"cache '{_folder}' has no room for the rest, or cannot be written: raise {nameof(ImageCache)}."
            + $"{nameof(ImageCache.MaxBytes)}, give it another folder, or name the images by their paths.");

    public void Dispose()
    {
        lock (_gate)
        {
            foreach (var segment in _segments.Values) segment.Dispose();
            _segments.Clear();
            _places.Clear();
            _own = null;
        }
        try
        {
            _temporary?.Dispose();
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            _warn($"The temporary folder '{_folder}' cannot be deleted: {e.Message}");
        }
    }

    private (CacheRecord Record, Memory<byte> Bytes)? Find(
        UInt128 key, Func<CacheRecord, bool> isKind, Func<CacheRecord, Memory<byte>> room)
    {
        for (bool refreshed = false; ; refreshed = true)
        {
            while (_places.TryGetValue(key, out var place))
            {
                if (isKind(place.Record))
                {
                    var bytes = room(place.Record);
                    if (place.Segment.TryRead(place.Record, bytes.Span))
                    {
                        Interlocked.Increment(ref _hits);
                        return (place.Record, bytes);
                    }
                }
                // It is damaged: another one may be whole, or it is written anew.
                if (place.Before is { } before) _places.TryUpdate(key, before, place);
                else _places.TryRemove(KeyValuePair.Create(key, place));
            }
            // Other processes may have added it meanwhile.
            if (refreshed || DateTime.UtcNow - _refreshed < RefreshEvery) break;
            Refresh();
        }
        Interlocked.Increment(ref _misses);
        return null;
    }

    /// <inheritdoc cref="TryAddImage"/>
    public bool TryAdd(UInt128 key, int width, int height, ReadOnlySpan<byte> bytes)
    {
        if (_isFull || bytes.IsEmpty) return false;
        try
        {
            while (Own(bytes.Length) is { } segment)
            {
                if (segment.TryWrite(key, width, height, bytes) is not { } record) continue;
                Put(segment, record);
                return true;
            }
            return false;
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            if (!Interlocked.Exchange(ref _isFull, true))
                _warn($"The image cache '{_folder}' cannot be written, and takes no more images: {e.Message}");
            return false;
        }
    }

    private void Put(CacheSegment segment, CacheRecord record) => _places.AddOrUpdate(record.Key,
        _ => new(segment, record, null), (_, before) => new(segment, record, before));

    /// <summary>A segment of this process's with room for so many bytes; null if there can be none.</summary>
    private CacheSegment? Own(int bytes)
    {
        if (_own is { } own && own.HasRoomFor(bytes)) return own;
        lock (_gate)
        {
            if (_own is { } other && other.HasRoomFor(bytes)) return other;
            if (_isFull) return null;
            using var held = HoldFolder();
            Refresh();
            // What a process that has ended left unfilled.
            _own = _segments.Values.FirstOrDefault(s => !s.IsOwn && s.HasRoomFor(bytes) && s.TryOwn());
            if (_own is not null)
            {
                foreach (var record in _own.ReadNew()) Put(_own, record);
                _own.OpenForWriting();
                if (_own.HasRoomFor(bytes)) return _own;
            }
            long capacity = Math.Max(
                Math.Min(UsualSegment, _maxBytes / 8), bytes + CacheRecord.Length * 128L);
            if (!MakeRoom(capacity))
            {
                _isFull = true;
                _warn(Invariant($"The image cache '{_folder}' is full ({_maxBytes:N0} bytes, all in use): ")
                    + "other images are decoded each time.");
                return null;
            }
            _own = CacheSegment.Create(_folder, capacity);
            _segments[_own.Name] = _own;
            return _own;
        }
    }

    /// <summary>Deletes what was not used for longest until there is room; false if too much is in use.</summary>
    private bool MakeRoom(long capacity)
    {
        long left = _maxBytes - capacity - _segments.Values.Sum(segment => segment.Capacity);
        foreach (var segment in _segments.Values.Where(s => !s.IsUsed).OrderBy(s => s.LastUse).ToArray())
        {
            if (left >= 0) break;
            if (!segment.TryDelete()) continue;
            _segments.Remove(segment.Name);
            left += segment.Capacity;
        }
        return left >= 0;
    }

    /// <summary>Only one process at a time makes room.</summary>
    private FileStream HoldFolder()
    {
        for (int tries = 1; ; tries++)
        {
            try
            {
                return new(Path.Combine(_folder, "cache.lock"), FileMode.OpenOrCreate, FileAccess.ReadWrite,
                    FileShare.None);
            }
            catch (IOException) when (tries < 100)
            {
                Thread.Sleep(50);
            }
        }
    }

    /// <summary>Learns what other processes have added and deleted.</summary>
    private void Refresh()
    {
        lock (_gate)
        {
            var there = new HashSet<string>();
            // Somebody may have deleted the folder: what is in use stays open.
            string[] indices = Directory.Exists(_folder)
                ? Directory.GetFiles(_folder, "*" + CacheSegment.IndexExtension)
                : [];
            foreach (string path in indices)
            {
                string name = Path.GetFileNameWithoutExtension(path);
                there.Add(name);
                if (!_segments.TryGetValue(name, out var segment))
                {
                    if (CacheSegment.Open(path) is not { } found) continue;
                    _segments[name] = segment = found;
                }
                if (segment.IsOwn) continue;
                foreach (var record in segment.ReadNew()) Put(segment, record);
            }
            // Those in use here stay open, deleted or not.
            foreach (var gone in _segments.Values.Where(s => !there.Contains(s.Name) && !s.IsUsed).ToArray())
                _segments.Remove(gone.Name);
            _refreshed = DateTime.UtcNow;
        }
    }
}
