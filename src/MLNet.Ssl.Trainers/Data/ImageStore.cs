using MLNet.Ssl.Data;
using MLNet.Ssl.Images;
using MLNet.Ssl.Options;

namespace MLNet.Ssl;

/// <summary>
/// A set of images in memory, 8 bits a channel, one after the other in large blocks. Reading is thread-safe once adding
/// has ended.
/// </summary>
public sealed class ImageStore : IImageSource
{
    private const int SmallestBlock = 1 << 20;
    private const int LargestBlock = 1 << 26;

    private readonly List<byte[]> _blocks = [];
    private readonly List<Entry> _entries = [];
    private readonly int? _maxShorterSide;
    private readonly PixelBuffer _shrunk = new(), _kept = new();
    private readonly long _maxBytes = long.MaxValue;
    private readonly Func<OpenImageCache>? _overflow;
    private readonly List<UInt128> _spilled = [];
    private OpenImageCache? _cache;
    private int _used;

    /// <summary>Creates an empty store.</summary>
    /// <param name="maxShorterSide">
    /// Images whose shorter side has more pixels are shrunk to it on <see cref="Add"/> (bicubic, antialiased, aspect
    /// kept); smaller ones are never enlarged. Null keeps every image as it is. A little above the largest view, say
    /// 256 for views of 224, saves memory and time.
    /// </param>
    /// <exception cref="ArgumentOutOfRangeException"><paramref name="maxShorterSide"/> is below 1.</exception>
    public ImageStore(int? maxShorterSide = null)
    {
        if (maxShorterSide is { } side) Check.InRange(side, 1, int.MaxValue, nameof(maxShorterSide));
        _maxShorterSide = maxShorterSide;
    }

    /// <summary>Creates an empty store of which a part may lie on disk.</summary>
    /// <param name="maxShorterSide">As above.</param>
    /// <param name="maxBytes">Bytes of memory that it takes for pixels.</param>
    /// <param name="overflow">Gives the cache that the rest goes to; it stays the caller's.</param>
    internal ImageStore(int maxShorterSide, long maxBytes, Func<OpenImageCache> overflow) : this(maxShorterSide) =>
        (_maxBytes, _overflow) = (maxBytes, overflow);

    /// <summary>Number of images.</summary>
    public int Count => _entries.Count;

    /// <summary>Bytes of memory reserved for pixels.</summary>
    public long Bytes { get; private set; }

    /// <summary>The image added as number <paramref name="index"/>, a view of the store's memory.</summary>
    /// <exception cref="ArgumentOutOfRangeException"><paramref name="index"/> is not in [0, Count).</exception>
    public RgbImage this[int index]
    {
        get
        {
            var entry = _entries[index];
            if (entry.Block < 0) return this.Copy(index);
            return new(_blocks[entry.Block].AsMemory(entry.Offset, 3 * entry.Width * entry.Height), entry.Width,
                entry.Height);
        }
    }

    /// <summary>Copies an image into the store. Not thread-safe.</summary>
    /// <param name="rgb">Width·height·3 bytes: rows top to bottom without padding, red, green, blue.</param>
    /// <param name="width">Width in pixels, at least 1.</param>
    /// <param name="height">Height in pixels, at least 1.</param>
    /// <exception cref="ArgumentException">The size is empty or does not fit the number of bytes.</exception>
    public void Add(ReadOnlySpan<byte> rgb, int width, int height)
    {
        RgbImage.CheckSize(rgb.Length, width, height);
        if (_maxShorterSide is { } side && Math.Min(width, height) > side)
        {
            var image = _shrunk.Shrink(rgb, width, height, side);
            Put(image.Pixels.Span, image.Width, image.Height);
        }
        else Put(rgb, width, height);
    }

    string IImageSource.Fingerprint => Checksum.Of(this, _entries.Sum(entry => 3L * entry.Width * entry.Height));

    int IImageSource.ShorterSide(int index) => Math.Min(_entries[index].Width, _entries[index].Height);

    RgbImage IImageSource.Read(int index, PixelBuffer buffer)
    {
        var entry = _entries[index];
        if (entry.Block >= 0) return this[index];
        return _cache!.TryReadImage(_spilled[entry.Offset], buffer, out var image) ? image
            : throw new InvalidOperationException(
                $"Image {index} is gone, or damaged, in the image cache '{_cache.Folder}', where it was kept for want "
                + "of memory.");
    }

    int IImageSource.RowOf(int index) => index;

    private void Put(ReadOnlySpan<byte> rgb, int width, int height)
    {
        bool needsBlock = _blocks.Count == 0 || _blocks[^1].Length - _used < rgb.Length;
        if (_overflow is not null && needsBlock && Bytes + Math.Max(BlockSize, rgb.Length) > _maxBytes)
            Spill(rgb, width, height);
        else rgb.CopyTo(Reserve(width, height));
    }

    private int BlockSize => (int)Math.Clamp(Bytes, Math.Min(SmallestBlock, _maxBytes), LargestBlock);

    private void Spill(ReadOnlySpan<byte> rgb, int width, int height)
    {
        _cache ??= _overflow!();
        var key = OpenImageCache.KeyOf(rgb, $"{width}x{height}");
        if (!_cache.TryReadImage(key, _kept, out _)
            && !_cache.TryAdd(key, width, height, rgb)) throw _cache.NoRoom(_maxBytes);
        _entries.Add(new(-1, _spilled.Count, width, height));
        _spilled.Add(key);
    }

    private Span<byte> Reserve(int width, int height)
    {
        int length = 3 * width * height;
        if (_blocks.Count == 0 || _blocks[^1].Length - _used < length)
        {
            int size = BlockSize;
            _blocks.Add(GC.AllocateUninitializedArray<byte>(Math.Max(size, length)));
            Bytes += _blocks[^1].Length;
            _used = 0;
        }
        _entries.Add(new(_blocks.Count - 1, _used, width, height));
        _used += length;
        return _blocks[^1].AsSpan(_used - length, length);
    }

    private readonly record struct Entry(int Block, int Offset, int Width, int Height);
}
