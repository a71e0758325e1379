using MLNet.Ssl;

namespace EmbeddingService;

/// <summary>
/// An image file as it was uploaded, whose size is known before it is decoded: a small file may claim any number of
/// pixels.
/// </summary>
public sealed record UploadedImage(byte[] Bytes, ImageHeader Header)
{
    public long Pixels => Header.Pixels;

    /// <summary>Reads the header.</summary>
    /// <exception cref="InvalidDataException">It is no image, or the header is damaged.</exception>
    public static UploadedImage Recognise(byte[] bytes)
    {
        try
        {
            return new(bytes, RgbImages.ReadHeader(bytes));
        }
        catch (ArgumentException e)
        {
            throw new InvalidDataException(e.Message, e);
        }
    }

    /// <exception cref="InvalidDataException">The image is damaged or ends early.</exception>
    public RgbImage Decode() => RgbImages.Decode(Bytes);
}
