using MLNet.Ssl.Files;
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
    public static byte[] ReadFile(string path, long maxPixels)
    {
        using (var file = File.OpenRead(path))
        {
            GitLfsPointer.Refuse(file);
            var start = new byte[ImageFormat.LongestStart];
            int length = file.ReadAtLeast(start, start.Length, throwOnEndOfStream: false);
            if (ImageFormat.Of(start.AsSpan(0, length)) is null) throw NoImage();
            if (file.Length > Math.Max(MostBytesPerPixel * maxPixels, LeastBytesAllowed))
                throw new InvalidDataException(
                    $"it has {file.Length} bytes, too many for {maxPixels} pixels "
                        + $"({nameof(RgbImages)}.{nameof(RgbImages.MaxPixels)}).");
        }
        return File.ReadAllBytes(path);
    }

    /// <summary>The size that decoding would give.</summary>
    /// <exception cref="ArgumentException">It is no image.</exception>
    /// <exception cref="InvalidDataException">The header is damaged.</exception>
    public static ImageHeader ReadHeader(byte[] bytes) => Read(bytes, (_, header) => header);

    /// <summary>The first frame's colours, multiplied by alpha.</summary>
    /// <exception cref="ArgumentException">It is no image.</exception>
    /// <exception cref="InvalidDataException">It has more pixels than these, is damaged or ends early.</exception>
    public static RgbImage Decode(byte[] bytes, long maxPixels) => Read(bytes, (codec, header) =>
    {
        if (header.Excess(maxPixels) is { } excess) throw new InvalidDataException(excess);
        if (header.EndsEarly || !HasLastRow(codec, header)) throw EndsEarly(header.Format, bytes);
        using var bitmap = new SKBitmap();
        if (!bitmap.TryAllocPixels(new(header.Width, header.Height, SKColorType.Bgra8888, SKAlphaType.Premul)))
            throw new InsufficientMemoryException(
                $"There is no memory for an image of {header.Width}×{header.Height} pixels.");
        var result = codec.GetPixels(bitmap.Info, bitmap.GetPixels());
        if (result == SKCodecResult.IncompleteInput) throw EndsEarly(header.Format, bytes);
        if (result != SKCodecResult.Success) throw Damaged(header.Format, bytes);
        return RgbImages.Pack(bitmap.GetPixelSpan(), header.Width, header.Height, red: 2);
    });

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

    private static unsafe T Read<T>(byte[] bytes, Func<SKCodec, ImageHeader, T> use)
    {
        string format = ImageFormat.Of(bytes) ?? throw NoImage();
        fixed (byte* start = bytes)
        {
            using var data = SKData.Create((nint)start, bytes.Length);
            using var codec = SKCodec.Create(data) ?? throw Damaged(format, bytes);
            var header = new ImageHeader(format, codec.Info.Width, codec.Info.Height, Math.Max(1, codec.FrameCount));
            return use(codec, header with { EndsEarly = ImageFormat.EndsEarly(bytes, header) });
        }
    }

    private static ArgumentException NoImage() =>
        new($"it is no image: it begins neither as {string.Join(", ", ImageFormat.Names[..^1])} nor as "
            + $"{ImageFormat.Names[^1]}.");

    private static InvalidDataException EndsEarly(string format, byte[] bytes) =>
        new($"the {format} file ends early, after {bytes.Length} bytes");

    private static InvalidDataException Damaged(string format, byte[] bytes) =>
        new($"the {format} file is damaged, or it ends early, after {bytes.Length} bytes");
}
