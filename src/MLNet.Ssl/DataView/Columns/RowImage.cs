using MLNet.Ssl.ImageFiles;
using MLNet.Ssl.Images;

namespace MLNet.Ssl.DataView;

/// <summary>What a row says of its image: the pixels, or the file that is decoded when they are wanted.</summary>
/// <param name="Pixels">The image; empty where there is none, or none yet.</param>
/// <param name="Encoded">The file; null where there are pixels, or nothing.</param>
/// <param name="Row">The row's number, for messages.</param>
/// <param name="Name">What else messages say of it, such as its path; null for nothing.</param>
internal readonly record struct RowImage(
    RgbImage Pixels, EncodedImage? Encoded = null, long Row = -1, string? Name = null)
{
    /// <summary>Whether the image could not be read and is left out.</summary>
    public bool IsMissing => Pixels.Width == 0 && Encoded is null;

    /// <summary>Memory that it holds, in bytes.</summary>
    public long Size => Pixels.Pixels.Length + (Encoded?.Bytes?.Length ?? 0);

    /// <summary>Where a message says that it is.</summary>
    public string Place(string column) => ImageColumn.Place(column, Row, Encoded?.Path ?? Name);

    /// <summary>
    /// The image as the network sees it but for the normalisation, decoded first where it is to be; empty where that
    /// fails and it is left out.
    /// </summary>
    public RowImage Prepare(
        ImagePreprocessing preprocessing, string column, bool upright, UnreadableImages unreadable, PixelBuffer buffer)
    {
        if (IsMissing) return this;
        try
        {
            return new(preprocessing.Resized(Encoded is { } file ? file.Decode(buffer, upright) : Pixels));
        }
        catch (Exception e)
        {
            return new(unreadable.Failed($"{Place(column)}: the image cannot be read: {e.Message}", e));
        }
    }
}
