using MLNet.Ssl.Options;

namespace MLNet.Ssl.DataView;

/// <summary>How images of a view are read and kept.</summary>
/// <param name="MaxShorterSide">Larger ones are shrunk to this.</param>
/// <param name="ApplyExifOrientation">Whether files are turned as their EXIF data says.</param>
internal sealed record ImageReading(int MaxShorterSide, bool ApplyExifOrientation = false)
{
    // Photographs are kept at the size that the encoder's own preprocessing starts from, and of 224 where the size is
    // chosen later.
    private const int Usual = 256;

    /// <param name="imageSize">Size that the network sees; null where it is chosen later.</param>
    public static ImageReading For(int? imageSize) =>
        new(Math.Max(Usual, (int)Math.Ceiling((imageSize ?? 0) * Usual / 224.0)));

    /// <param name="options">What a run was told.</param>
    /// <param name="imageSize">Size that the network sees; null where it is chosen later.</param>
    /// <exception cref="ArgumentOutOfRangeException">An option is out of its range.</exception>
    public static ImageReading Of(TrainingOptions options, int? imageSize)
    {
        if (options.MaxShorterSide is { } side) Check.AtLeast(side, 1, nameof(options.MaxShorterSide));
        Check.Defined(options.OnUnreadableImage, nameof(options.OnUnreadableImage));
        var reading = For(imageSize);
        return new(options.MaxShorterSide ?? reading.MaxShorterSide, options.ApplyExifOrientation);
    }
}
