using System.Runtime.Intrinsics;
using Microsoft.ML.Data;
using MLNet.Ssl.Files;
using MLNet.Ssl.ImageFiles;
using MLNet.Ssl.Images;

namespace MLNet.Ssl;

/// <summary>ML.NET's images, image files and the library's own images, one from the other.</summary>
/// <remarks>
/// Files are decoded as ML.NET decodes them, but guarded: <see cref="MaxPixels"/>. ML.NET's own <c>LoadImages</c> and
/// <c>MLImage.CreateFromFile</c> are not: a file of 44 bytes makes them take gigabytes, and one that ends early is
/// shown as far as it goes. <see cref="Load(string)"/> finds such files before a pipeline does.
/// </remarks>
public static class RgbImages
{
    private const long MostPixels = 500_000_000;

    private static long _maxPixels = 100_000_000;

    /// <summary>
    /// Most pixels of an image that is read, width × height × frames: from a file, where the header tells it before
    /// memory is taken, or from an image column.
    /// </summary>
    /// <value>Default 100 000 000, range 1 to 500 000 000; of the whole process. An image takes 7 bytes a pixel while
    /// it is decoded.</value>
    /// <exception cref="ArgumentOutOfRangeException">The value is out of range.</exception>
    public static long MaxPixels
    {
        get => Volatile.Read(ref _maxPixels);
        set => Volatile.Write(ref _maxPixels, value is >= 1 and <= MostPixels ? value
            : throw new ArgumentOutOfRangeException(
            nameof(value), value, $"MaxPixels is {value}; it must be 1 to {MostPixels}."));
    }

    /// <summary>
    /// The image's colours, copied; alpha is dropped. ML.NET's decoder has multiplied the colours by it, so that what
    /// is transparent is black.
    /// </summary>
    /// <param name="image">An image in the format Rgba32 or Bgra32, as files decode to.</param>
    /// <exception cref="InvalidOperationException">The format is another one, or the image has more than
    /// <see cref="MaxPixels"/>.</exception>
    public static RgbImage ToRgbImage(this MLImage image)
    {
        ArgumentNullException.ThrowIfNull(image);
        return image.Refusal() is { } refusal ? throw new InvalidOperationException($"The image: {refusal}")
            : Pack(image.Pixels, image.Width, image.Height, red: image.PixelFormat == MLPixelFormat.Rgba32 ? 0 : 2);
    }

    /// <summary>The image as ML.NET's, opaque; the caller disposes of it. Its <c>Save</c> writes a file.</summary>
    /// <param name="image">The image.</param>
    public static MLImage ToMLImage(this RgbImage image) =>
        MLImage.CreateFromPixels(image.Width, image.Height, MLPixelFormat.Rgba32, image.ToRgba());

    /// <summary>Writes a file in the format of its extension, such as .png or .jpg.</summary>
    /// <param name="image">The image.</param>
    /// <param name="path">The file; one that is there is replaced.</param>
    public static void Save(this RgbImage image, string path)
    {
        using var written = image.ToMLImage();
        written.Save(path);
    }

    /// <summary>Reads format and size of an image file held in memory; its pixels are not decoded.</summary>
    /// <param name="bytes">The whole file: PNG, JPEG, GIF, WebP or BMP.</param>
    /// <returns>What <see cref="Decode(byte[])"/> would give, of any size: nothing is refused for it.</returns>
    /// <exception cref="ArgumentException">It is no image of these formats.</exception>
    /// <exception cref="InvalidDataException">The header is damaged or not whole.</exception>
    public static ImageHeader ReadHeader(byte[] bytes)
    {
        ArgumentNullException.ThrowIfNull(bytes);
        return ImageDecoder.ReadHeader(bytes);
    }

    /// <summary>Decodes an image file held in memory, as it is stored; of several frames the first.</summary>
    /// <param name="bytes">The whole file: PNG, JPEG, GIF, WebP or BMP.</param>
    /// <exception cref="ArgumentException">It is no image of these formats.</exception>
    /// <exception cref="InvalidDataException">It is damaged, ends early, or has more than
    /// <see cref="MaxPixels"/>.</exception>
    public static RgbImage Decode(byte[] bytes) => Decode(bytes, applyExifOrientation: false);

    /// <summary>Decodes an image file held in memory; of several frames the first.</summary>
    /// <param name="bytes">The whole file: PNG, JPEG, GIF, WebP or BMP.</param>
    /// <param name="applyExifOrientation">Whether it is turned as the orientation in its EXIF data says; false for as
    /// it is stored, as ML.NET and torchvision read it.</param>
    /// <exception cref="ArgumentException">It is no image of these formats.</exception>
    /// <exception cref="InvalidDataException">It is damaged, ends early, or has more than
    /// <see cref="MaxPixels"/>.</exception>
    public static RgbImage Decode(byte[] bytes, bool applyExifOrientation)
    {
        ArgumentNullException.ThrowIfNull(bytes);
        GitLfsPointer.Refuse(bytes);
        return Owned(buffer => ImageDecoder.Decode(bytes, MaxPixels, buffer, applyExifOrientation));
    }

    /// <summary>Decodes an image file, as it is stored; of several frames the first.</summary>
    /// <param name="path">The file: PNG, JPEG, GIF, WebP or BMP.</param>
    /// <exception cref="InvalidOperationException">It cannot be read, is damaged, ends early, or has more than
    /// <see cref="MaxPixels"/>; the message names it.</exception>
    public static RgbImage Load(string path) => Load(path, applyExifOrientation: false);

    /// <summary>Decodes an image file; of several frames the first.</summary>
    /// <param name="path">The file: PNG, JPEG, GIF, WebP or BMP.</param>
    /// <param name="applyExifOrientation">Whether it is turned as the orientation in its EXIF data says; false for as
    /// it is stored.</param>
    /// <exception cref="InvalidOperationException">It cannot be read, is damaged, ends early, or has more than
    /// <see cref="MaxPixels"/>; the message names it.</exception>
    public static RgbImage Load(string path, bool applyExifOrientation)
    {
        try
        {
            return Owned(buffer => new EncodedImage(path, null).Decode(buffer, applyExifOrientation));
        }
        catch (Exception e)
        {
            throw new InvalidOperationException($"The image '{path}' cannot be read: {e.Message}", e);
        }
    }

    /// <summary>Why the image is not taken; null where it is.</summary>
    internal static string? Refusal(this MLImage image) =>
        image.PixelFormat is not (MLPixelFormat.Rgba32 or MLPixelFormat.Bgra32)
        ? $"the pixel format is {image.PixelFormat}; expected Rgba32 or Bgra32."
        : new ImageHeader("", image.Width, image.Height, 1).Excess(MaxPixels);

    /// <summary>Why there are too many pixels; null where there are not.</summary>
    internal static string? Excess(this ImageHeader header, long maxPixels) => header.Pixels <= maxPixels ? null
        : $"it has {header.Width}×{header.Height} pixels{(header.Frames == 1 ? "" : $" in {header.Frames} frames")}; "
            + $"at most {maxPixels} are read ({nameof(RgbImages)}.{nameof(MaxPixels)}).";

    /// <summary>The colours of four bytes a pixel, of which the first or third is red and the second green.</summary>
    internal static RgbImage Pack(ReadOnlySpan<byte> source, int width, int height, int red)
    {
        var pixels = new byte[3 * width * height];
        Pack(source, pixels, red);
        return new(pixels, width, height);
    }

    /// <inheritdoc cref="Pack(ReadOnlySpan{byte}, int, int, int)"/>
    internal static void Pack(ReadOnlySpan<byte> source, Span<byte> pixels, int red)
    {
        int from = 0, to = 0;
        var order = red == 0
            ? Vector128.Create((byte)0, 1, 2, 4, 5, 6, 8, 9, 10, 12, 13, 14, 255, 255, 255, 255)
            : Vector128.Create((byte)2, 1, 0, 6, 5, 4, 10, 9, 8, 14, 13, 12, 255, 255, 255, 255);
        // Four pixels at a time; what is written behind them is overwritten by the next.
        for (; to + Vector128<byte>.Count <= pixels.Length; from += Vector128<byte>.Count, to += 12)
            Vector128.Shuffle(Vector128.Create(source[from..]), order).CopyTo(pixels[to..]);
        for (; to < pixels.Length; from += 4, to += 3)
        {
            pixels[to] = source[from + red];
            pixels[to + 1] = source[from + 1];
            pixels[to + 2] = source[from + 2 - red];
        }
    }

    /// <summary>An image in memory of its own.</summary>
    private static RgbImage Owned(Func<PixelBuffer, RgbImage> decode)
    {
        var buffer = PixelBuffer.Rent();
        try
        {
            return buffer.TakeOut(decode(buffer));
        }
        finally
        {
            buffer.Return();
        }
    }
}
