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
    private readonly PixelBuffer _shrunk = new();
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
            image.Pixels.Span.CopyTo(Reserve(image.Width, image.Height));
        }
        else rgb.CopyTo(Reserve(width, height));
    }

    string IImageSource.Fingerprint => Checksum.Of(this);

    int IImageSource.ShorterSide(int index) => Math.Min(_entries[index].Width, _entries[index].Height);

    RgbImage IImageSource.Read(int index, PixelBuffer buffer) => this[index];

    int IImageSource.RowOf(int index) => index;

    private Span<byte> Reserve(int width, int height)
    {
        int length = 3 * width * height;
        if (_blocks.Count == 0 || _blocks[^1].Length - _used < length)
        {
            int size = (int)Math.Clamp(Bytes, SmallestBlock, LargestBlock);
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
