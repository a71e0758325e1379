using System.Collections.Concurrent;

namespace MLNet.Ssl.Images;

/// <summary>
/// The memory that one thread reads images into: the file, what it decodes to, and the pixels. Pooled, so that nothing
/// is allocated once the sizes have been seen.
/// </summary>
internal sealed class PixelBuffer
{
    // What a few huge images took is given back.
    private const int MostKept = 64 << 20;

    private static readonly ConcurrentBag<PixelBuffer> Pool = [];

    private readonly PlanarImage _shrunk = new();
    private readonly Resampler _resampler = new();
    private byte[] _file = [], _decoded = [], _pixels = [], _turned = [];

    public static PixelBuffer Rent() => Pool.TryTake(out var buffer) ? buffer : new();

    public void Return()
    {
        Trim();
        Pool.Add(this);
    }

    /// <summary>Gives back what is larger than is worth keeping; images in it are lost.</summary>
    public void Trim()
    {
        if (_file.Length > MostKept) _file = [];
        if (_decoded.Length > MostKept) _decoded = [];
        if (_pixels.Length > MostKept) _pixels = [];
        if (_turned.Length > MostKept) _turned = [];
    }

    /// <summary>Room for a file.</summary>
    public Memory<byte> File(int length) => Grown(ref _file, length);

    /// <summary>Room for what the decoder gives.</summary>
    public Memory<byte> Decoded(int length) => Grown(ref _decoded, length);

    /// <summary>Room for an image.</summary>
    public Memory<byte> Pixels(int length) => Grown(ref _pixels, length);

    /// <summary>Room for an image that is made of the one in <see cref="Pixels"/>.</summary>
    public Memory<byte> Turned(int length) => Grown(ref _turned, length);

    /// <summary>
    /// The image with its shorter side at most so long, the aspect kept (bicubic, antialiased); it may be the one that
    /// <see cref="Pixels"/> holds.
    /// </summary>
    public RgbImage Shrink(RgbImage image, int? maxShorterSide) =>
        maxShorterSide is { } side && Math.Min(image.Width, image.Height) > side
            ? Shrink(image.Pixels.Span, image.Width, image.Height, side)
            : image;

    /// <summary>The image of these pixels with its shorter side so long.</summary>
    public RgbImage Shrink(ReadOnlySpan<byte> rgb, int width, int height, int side)
    {
        var (newWidth, newHeight) = ImagePreprocessing.ShorterSideTo(side, width, height);
        CropBox all = new(0, 0, width, height), window = new(0, 0, newWidth, newHeight);
        _resampler.Resize(rgb, width, all, newWidth, newHeight, window, Interpolation.Bicubic, flip: false, _shrunk);
        // All of what may lie in the same place has been read by now.
        var pixels = Pixels(3 * newWidth * newHeight);
        _shrunk.CopyTo(pixels.Span);
        return new(pixels, newWidth, newHeight);
    }

    /// <summary>An image of the buffer in memory of its own.</summary>
    public RgbImage TakeOut(RgbImage image)
    {
        // One that fills its memory takes it along.
        if (Fills(_pixels)) _pixels = [];
        else if (Fills(_turned)) _turned = [];
        else return image with { Pixels = image.Pixels.ToArray() };
        return image;

        bool Fills(byte[] memory) => image.Pixels.Equals((ReadOnlyMemory<byte>)memory);
    }

    private static Memory<byte> Grown(ref byte[] memory, int length)
    {
        if (memory.Length < length) memory = GC.AllocateUninitializedArray<byte>(length);
        return memory.AsMemory(0, length);
    }
}
