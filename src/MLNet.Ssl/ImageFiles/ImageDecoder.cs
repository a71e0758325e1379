using MLNet.Ssl.Files;
using MLNet.Ssl.Images;
using SkiaSharp;

namespace MLNet.Ssl.ImageFiles;

/// <summary>
/// The one place where image files are decoded, by the decoder that ML.NET has too. A few bytes may claim any number of
/// pixels, so size and length are compared with what is allowed and possible before memory is taken.
/// </summary>
internal static class ImageDecoder
{
    // Colours and alpha of 16 bits, and as much again for what is no pixel.
    private const int MostBytesPerPixel = 16, LeastBytesAllowed = 1 << 20;

    // What a file that turns out to end early may cost.
    private const long MostBytesUnchecked = 32 << 20;

    /// <summary>
    /// The file's bytes, if it begins as an image and is no longer than one of so many pixels can be.
    /// </summary>
    /// <exception cref="ArgumentException">It is no image.</exception>
    /// <exception cref="InvalidDataException">It is longer.</exception>
    public static ReadOnlyMemory<byte> ReadFile(string path, long maxPixels, PixelBuffer buffer) =>
        ReadFile(path, maxPixels, buffer, int.MaxValue, out _);

    /// <summary>No more than the first bytes of the file, likewise.</summary>
    /// <param name="path">The file.</param>
    /// <param name="maxPixels">Most pixels of an image.</param>
    /// <param name="buffer">Where they are read to.</param>
    /// <param name="most">How many are read.</param>
    /// <param name="length">How many there are.</param>
    public static ReadOnlyMemory<byte> ReadFile(
        string path, long maxPixels, PixelBuffer buffer, int most, out long length)
    {
        using var file = InputFile.OpenHandle(path);
        length = RandomAccess.GetLength(file);
        Span<byte> start = stackalloc byte[GitLfsPointer.Length];
        start = start[..RandomAccess.Read(file, start, 0)];
        GitLfsPointer.Refuse(start);
        if (ImageFormat.Of(start) is null) throw NoImage();
        if (length > Math.Min(Math.Max(MostBytesPerPixel * maxPixels, LeastBytesAllowed), Array.MaxLength))
            throw new InvalidDataException(
                $"it has {length} bytes, too many for {maxPixels} pixels "
                    + $"({nameof(RgbImages)}.{nameof(RgbImages.MaxPixels)}).");
        var bytes = buffer.File((int)Math.Min(length, most));
        int read = 0;
        while (read < bytes.Length && RandomAccess.Read(file, bytes.Span[read..], read) is > 0 and var more)
            read += more;
        return bytes[..read];
    }

    /// <summary>The size that decoding would give.</summary>
    /// <exception cref="ArgumentException">It is no image.</exception>
    /// <exception cref="InvalidDataException">The header is damaged.</exception>
    public static ImageHeader ReadHeader(ReadOnlyMemory<byte> bytes) => Read(bytes, (_, header) => header);

    /// <summary>What the beginning of a file says of it; null if it says too little.</summary>
    public static unsafe ImageHeader? TryReadHeader(ReadOnlyMemory<byte> start)
    {
        using var pinned = start.Pin();
        using var data = SKData.Create((nint)pinned.Pointer, start.Length);
        using var codec = SKCodec.Create(data);
        return codec is null ? null : HeaderOf(codec, ImageFormat.Of(start.Span)!);
    }

    /// <summary>The first frame's colours, multiplied by alpha, in the buffer's memory.</summary>
    /// <param name="bytes">The whole file, which may lie in the buffer too.</param>
    /// <param name="maxPixels">Most pixels that are decoded.</param>
    /// <param name="buffer">Where it is decoded.</param>
    /// <param name="upright">Whether it is turned as its EXIF orientation says.</param>
    /// <param name="shorterSide">
    /// Where that is given, a JPEG is decoded at 1/2, 1/4 or 1/8 of its size if twice that is left of its shorter side,
    /// which is enough to shrink it further as if from the whole (Pillow's <c>reducing_gap</c>).
    /// </param>
    /// <exception cref="ArgumentException">It is no image.</exception>
    /// <exception cref="InvalidDataException">It has more pixels than these, is damaged or ends early.</exception>
    public static RgbImage Decode(
        ReadOnlyMemory<byte> bytes, long maxPixels, PixelBuffer buffer, bool upright = false,
        int? shorterSide = null) =>
        Read(bytes, (codec, header) =>
        {
            if (header.Excess(maxPixels) is { } excess) throw new InvalidDataException(excess);
            if (header.EndsEarly || !HasLastRow(codec, header)) throw EndsEarly(header.Format, bytes.Length);
            var size = shorterSide is { } side && header.Format == ImageFormat.Jpeg
                ? Reduced(codec, 2L * side)
                : new(header.Width, header.Height);
            var info = new SKImageInfo(size.Width, size.Height, SKColorType.Bgra8888, SKAlphaType.Premul);
            var decoded = buffer.Decoded(info.BytesSize);
            // What a frame leaves out of its screen is transparent.
            if (header.Format == ImageFormat.Gif) decoded.Span.Clear();
            var result = Decode(codec, info, decoded);
            if (result == SKCodecResult.IncompleteInput) throw EndsEarly(header.Format, bytes.Length);
            if (result != SKCodecResult.Success) throw Damaged(header.Format, bytes.Length);
            var pixels = buffer.Pixels(3 * info.Width * info.Height);
            RgbImages.Pack(decoded.Span, pixels.Span, red: 2);
            var image = new RgbImage(pixels, info.Width, info.Height);
            return upright ? Orientation.Apply(image, header.Orientation, buffer) : image;
        });

    private static unsafe SKCodecResult Decode(SKCodec codec, SKImageInfo info, Memory<byte> pixels)
    {
        using var pinned = pixels.Pin();
        return codec.GetPixels(info, (nint)pinned.Pointer);
    }

    /// <summary>The smallest size that the decoder gives at once with so much left of the shorter side.</summary>
    private static SKSizeI Reduced(SKCodec codec, long leastSide)
    {
        foreach (float scale in (ReadOnlySpan<float>)[0.125f, 0.25f, 0.5f])
        {
            var size = codec.GetScaledDimensions(scale);
            if (Math.Min(size.Width, size.Height) >= leastSide) return size;
        }
        return codec.Info.Size;
    }

    /// <summary>
    /// Reads a large image to its last row and keeps no other, so that one that ends early is refused before memory is
    /// taken for it.
    /// </summary>
    /// <remarks>
    /// JPEG, GIF and WebP have no need of it: their structure tells (<see cref="ImageFormat.EndsEarly"/>). Progressive
    /// JPEGs, GIFs and WebP could not be read that way either: their decoders hold the whole image.
    /// </remarks>
    private static unsafe bool HasLastRow(SKCodec codec, ImageHeader header)
    {
        var info = new SKImageInfo(header.Width, header.Height, SKColorType.Bgra8888, SKAlphaType.Premul);
        if (info.BytesSize64 <= MostBytesUnchecked) return true;
        var row = new byte[info.RowBytes];
        fixed (byte* pixels = row)
        {
            if (header.Format == ImageFormat.Png)
            {
                var last = SKRectI.Create(0, header.Height - 1, header.Width, 1);
                return codec.StartIncrementalDecode(
                    info, (nint)pixels, row.Length, new SKCodecOptions(last)) != SKCodecResult.Success
                    || codec.IncrementalDecode() == SKCodecResult.Success;
            }
            if (header.Format != ImageFormat.Bmp || codec.StartScanlineDecode(info) != SKCodecResult.Success)
                return true;
            for (int y = 0; y < header.Height; y++)
                if (codec.GetScanlines((nint)pixels, 1, row.Length) != 1) return false;
            return true;
        }
    }

    private static unsafe T Read<T>(ReadOnlyMemory<byte> bytes, Func<SKCodec, ImageHeader, T> use)
    {
        string format = ImageFormat.Of(bytes.Span) ?? throw NoImage();
        using var pinned = bytes.Pin();
        using var data = SKData.Create((nint)pinned.Pointer, bytes.Length);
        using var codec = SKCodec.Create(data) ?? throw Damaged(format, bytes.Length);
        var header = HeaderOf(codec, format);
        return use(codec, header with { EndsEarly = ImageFormat.EndsEarly(bytes.Span, header) });
    }

    private static ImageHeader HeaderOf(SKCodec codec, string format) =>
        new(format, codec.Info.Width, codec.Info.Height, Math.Max(1, codec.FrameCount))
        {
            Orientation = (int)codec.EncodedOrigin,
        };

    private static ArgumentException NoImage() =>
        new($"it is no image: it begins neither as {string.Join(", ", ImageFormat.Names[..^1])} nor as "
            + $"{ImageFormat.Names[^1]}.");

    public static InvalidDataException EndsEarly(string format, int length) =>
        new($"the {format} file ends early, after {length} bytes");

    private static InvalidDataException Damaged(string format, int length) =>
        new($"the {format} file is damaged, or it ends early, after {length} bytes");
}
