using MLNet.Ssl.Images;

namespace MLNet.Ssl.ImageFiles;

/// <summary>An image file, by its path or as its bytes, that is decoded when the image is wanted.</summary>
/// <param name="Path">The path; null where there are bytes.</param>
/// <param name="Bytes">The whole file.</param>
internal readonly record struct EncodedImage(string? Path, byte[]? Bytes)
{
    // What headers are looked for in first: most have all there that there is to know, and small files all of it.
    private const int Start = 1 << 16;

    /// <summary>
    /// Format, size and orientation, of a large file from its beginning. What is wrong further on shows when it is
    /// decoded.
    /// </summary>
    /// <param name="buffer">Memory to read in.</param>
    /// <param name="length">Bytes of the file.</param>
    /// <exception cref="Exception">It cannot be read, is no image or damaged, ends early, or has too many
    /// pixels.</exception>
    public ImageHeader ReadHeader(PixelBuffer buffer, out long length)
    {
        long maxPixels = RgbImages.MaxPixels;
        var header = Path is null ? Whole(Bytes, out length) : OfFile(Path, out length);
        return header.Excess(maxPixels) is { } excess ? throw new InvalidDataException(excess) : header;

        ImageHeader OfFile(string path, out long length)
        {
            var start = ImageDecoder.ReadFile(path, maxPixels, buffer, Start, out length);
            if (length > start.Length && ImageDecoder.TryReadHeader(start) is { } known) return known;
            return Whole(length == start.Length ? start : ImageDecoder.ReadFile(path, maxPixels, buffer), out _);
        }

        static ImageHeader Whole(ReadOnlyMemory<byte> bytes, out long length)
        {
            length = bytes.Length;
            var header = ImageDecoder.ReadHeader(bytes);
            return header.EndsEarly ? throw ImageDecoder.EndsEarly(header.Format, bytes.Length) : header;
        }
    }

    /// <summary>The image, in the buffer's memory.</summary>
    /// <param name="buffer">Where it is decoded.</param>
    /// <param name="upright">Whether it is turned as its EXIF orientation says.</param>
    /// <exception cref="Exception">As <see cref="ReadHeader"/>.</exception>
    public RgbImage Decode(PixelBuffer buffer, bool upright) =>
        ImageDecoder.Decode(Read(buffer), RgbImages.MaxPixels, buffer, upright);

    /// <summary>The whole file.</summary>
    public ReadOnlyMemory<byte> Read(PixelBuffer buffer) =>
        Path is null ? Bytes : ImageDecoder.ReadFile(Path, RgbImages.MaxPixels, buffer);
}
