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
        if (header.EndsEarly) throw EndsEarly(header.Format, bytes);
        using var bitmap = new SKBitmap();
        if (!bitmap.TryAllocPixels(new(header.Width, header.Height, SKColorType.Bgra8888, SKAlphaType.Premul)))
            throw new InsufficientMemoryException(
                $"There is no memory for an image of {header.Width}×{header.Height} pixels.");
        var result = codec.GetPixels(bitmap.Info, bitmap.GetPixels());
        if (result == SKCodecResult.IncompleteInput) throw EndsEarly(header.Format, bytes);
        if (result != SKCodecResult.Success) throw Damaged(header.Format, bytes);
        return RgbImages.Pack(bitmap.GetPixelSpan(), header.Width, header.Height, red: 2);
    });

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
