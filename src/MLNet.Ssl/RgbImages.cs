using Microsoft.ML.Data;

namespace MLNet.Ssl;

/// <summary>ML.NET's images and the library's own, one from the other.</summary>
public static class RgbImages
{
    /// <summary>The image's colours, copied; alpha is dropped. ML.NET's decoder has multiplied the colours by it, so that what is transparent is black.</summary>
    /// <param name="image">An image in the format Rgba32 or Bgra32, as files decode to.</param>
    /// <exception cref="InvalidOperationException">The format is another one.</exception>
    public static RgbImage ToRgbImage(this MLImage image)
    {
        ArgumentNullException.ThrowIfNull(image);
        return image.ToRgbImage("The image");
    }

    /// <summary>The image as ML.NET's, opaque; the caller disposes of it. Its <c>Save</c> writes a file.</summary>
    /// <param name="image">The image.</param>
    public static MLImage ToMLImage(this RgbImage image)
    {
        var source = image.Pixels.Span;
        var pixels = new byte[source.Length / 3 * 4];
        for (int from = 0, to = 0; to < pixels.Length; from += 3, to += 4)
        {
            source.Slice(from, 3).CopyTo(pixels.AsSpan(to));
            pixels[to + 3] = byte.MaxValue;
        }
        return MLImage.CreateFromPixels(image.Width, image.Height, MLPixelFormat.Rgba32, pixels);
    }

    /// <summary>Writes a file in the format of its extension, such as .png or .jpg.</summary>
    /// <param name="image">The image.</param>
    /// <param name="path">The file; one that is there is replaced.</param>
    public static void Save(this RgbImage image, string path)
    {
        using var written = image.ToMLImage();
        written.Save(path);
    }

    /// <summary>Decodes an image file held in memory.</summary>
    /// <param name="bytes">The whole file.</param>
    /// <exception cref="ArgumentException">It is no image.</exception>
    /// <exception cref="InvalidDataException">It is damaged, or a PNG or JPEG that ends early.</exception>
    public static RgbImage Decode(byte[] bytes)
    {
        ArgumentNullException.ThrowIfNull(bytes);
        GitLfsPointer.Refuse(bytes);
        CompleteImage.Require(bytes);
        using var stream = new MemoryStream(bytes, writable: false);
        using var image = MLImage.CreateFromStream(stream) ?? throw new InvalidDataException("it is no image");
        return image.ToRgbImage("The image");
    }

    /// <summary>Decodes an image file.</summary>
    /// <exception cref="InvalidOperationException">It cannot be read; the message names it.</exception>
    internal static RgbImage Load(string path)
    {
        try
        {
            return Decode(File.ReadAllBytes(path));
        }
        catch (Exception e)
        {
            throw new InvalidOperationException($"The image '{path}' cannot be read: {e.Message}", e);
        }
    }

    internal static RgbImage ToRgbImage(this MLImage image, string place)
    {
        var (red, blue) = image.PixelFormat switch
        {
            MLPixelFormat.Rgba32 => (0, 2),
            MLPixelFormat.Bgra32 => (2, 0),
            _ => throw new InvalidOperationException($"{place}: the pixel format is {image.PixelFormat}; expected Rgba32 or Bgra32."),
        };
        var source = image.Pixels;
        var pixels = new byte[image.Width * image.Height * 3];
        for (int from = 0, to = 0; to < pixels.Length; from += 4, to += 3)
        {
            pixels[to] = source[from + red];
            pixels[to + 1] = source[from + 1];
            pixels[to + 2] = source[from + blue];
        }
        return new(pixels, image.Width, image.Height);
    }
}
