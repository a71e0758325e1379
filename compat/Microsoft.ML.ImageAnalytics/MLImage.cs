namespace Microsoft.ML.Data;

/// <summary>The byte order of a pixel.</summary>
public enum MLPixelFormat
{
    /// <summary>Not known.</summary>
    Unknown,

    /// <summary>Blue, green, red, alpha; one byte each.</summary>
    Bgra32,

    /// <summary>Red, green, blue, alpha; one byte each.</summary>
    Rgba32,
}

/// <summary>
/// An image in memory: rows from the top, 4 bytes a pixel, no padding, alpha not premultiplied. Files decode to <see cref="MLPixelFormat.Bgra32"/>.
/// </summary>
public sealed class MLImage : IDisposable
{
    private readonly MLPixelFormat _format;
    private byte[] _pixels;

    internal MLImage(int width, int height, MLPixelFormat format, byte[] pixels)
    {
        Width = width;
        Height = height;
        _format = format;
        _pixels = pixels;
    }

    /// <summary>Width in pixels.</summary>
    public int Width { get; }

    /// <summary>Height in pixels.</summary>
    public int Height { get; }

    /// <summary>Always 32.</summary>
    public int BitsPerPixel => 32;

    /// <summary>The byte order of <see cref="Pixels"/>.</summary>
    public MLPixelFormat PixelFormat => _format;

    /// <summary>A free text that travels with the image.</summary>
    public string Tag { get; set; }

    /// <summary>The pixels, row by row from the top left.</summary>
    public ReadOnlySpan<byte> Pixels => Live;

    /// <summary>A copy without alpha: blue, green, red.</summary>
    public byte[] GetBGRPixels
    {
        get
        {
            var source = Live;
            var (first, last) = _format == MLPixelFormat.Bgra32 ? (0, 2) : (2, 0);
            var copy = new byte[source.Length / 4 * 3];
            for (int from = 0, to = 0; to < copy.Length; from += 4, to += 3)
            {
                copy[to] = source[from + first];
                copy[to + 1] = source[from + 1];
                copy[to + 2] = source[from + last];
            }

            return copy;
        }
    }

    private byte[] Live => _pixels ?? throw new ObjectDisposedException(nameof(MLImage));

    /// <summary>Decodes a JPEG, PNG, GIF (first frame), WebP or BMP file.</summary>
    public static MLImage CreateFromFile(string imagePath)
    {
        ArgumentException.ThrowIfNullOrEmpty(imagePath);
        return Vips.Decode(File.ReadAllBytes(imagePath), imagePath);
    }

    /// <summary>Decodes a stream, from where it stands to its end.</summary>
    public static MLImage CreateFromStream(Stream imageStream)
    {
        ArgumentNullException.ThrowIfNull(imageStream);
        using var bytes = new MemoryStream();
        imageStream.CopyTo(bytes);
        return Vips.Decode(bytes.GetBuffer().AsSpan(0, (int)bytes.Length), (imageStream as FileStream)?.Name ?? "image stream");
    }

    /// <summary>Copies pixels: width x height x 4 bytes, rows from the top.</summary>
    public static MLImage CreateFromPixels(int width, int height, MLPixelFormat pixelFormat, ReadOnlySpan<byte> imagePixelData)
    {
        ArgumentOutOfRangeException.ThrowIfNegativeOrZero(width);
        ArgumentOutOfRangeException.ThrowIfNegativeOrZero(height);
        if (pixelFormat is not (MLPixelFormat.Bgra32 or MLPixelFormat.Rgba32))
            throw new ArgumentException($"{pixelFormat}: expected Bgra32 or Rgba32", nameof(pixelFormat));
        if (imagePixelData.Length != (long)width * height * 4)
            throw new ArgumentException($"{imagePixelData.Length} bytes: expected {width} x {height} x 4", nameof(imagePixelData));
        return new MLImage(width, height, pixelFormat, imagePixelData.ToArray());
    }

    /// <summary>Writes a file in the format of its extension (.png, .jpg, .webp).</summary>
    public void Save(string imagePath)
    {
        ArgumentException.ThrowIfNullOrEmpty(imagePath);
        File.WriteAllBytes(imagePath, Vips.Encode(this, imagePath));
    }

    /// <summary>Lets go of the pixels.</summary>
    public void Dispose() => _pixels = null;
}
