using MLNet.Ssl.Data;
using MLNet.Ssl.Options;
using static System.FormattableString;

namespace MLNet.Ssl.DataView;

/// <summary>How images of a view are read and kept.</summary>
/// <param name="MaxShorterSide">Larger ones are shrunk to this.</param>
/// <param name="ApplyExifOrientation">Whether files are turned as their EXIF data says.</param>
/// <param name="Cache">Where decoded files are kept; null for nowhere.</param>
/// <param name="MaxMemory">Bytes of pixels, or of files' bytes, that are kept in memory; null for half of it.</param>
internal sealed record ImageReading(
    int MaxShorterSide, bool ApplyExifOrientation = false, ImageCache? Cache = null, long? MaxMemory = null)
{
    // Photographs are kept at the size that the encoder's own preprocessing starts from, and of 224 where the size is
    // chosen later.
    private const int Usual = 256;

    /// <param name="imageSize">Size that the network sees; null where it is chosen later.</param>
    public static ImageReading For(int? imageSize) =>
        new(Math.Max(Usual, (int)Math.Ceiling((imageSize ?? 0) * Usual / 224.0)));

    /// <summary>Bytes that are kept in memory.</summary>
    public long Memory => MaxMemory ?? GC.GetGCMemoryInfo().TotalAvailableMemoryBytes / 2;

    /// <summary>Names what a cached image depends on beside its file.</summary>
    public string Settings => $"{MaxShorterSide} {ApplyExifOrientation}";

    /// <summary>Opens the cache for what memory has no room for, if it is not open already, and says so.</summary>
    public OpenImageCache OpenForOverflow(string column, UnreadableImages log, OpenImageCache? opened = null)
    {
        var cache = opened
            ?? (Cache is null ? OpenImageCache.OpenTemporary(log.Warn) : OpenImageCache.Open(Cache, log.Warn));
        log.Warn(Invariant($"Column '{column}' has more than {Memory:N0} bytes of images ")
            + $"({nameof(TrainingOptions.MaxImageMemory)}): the rest is kept in the folder '{cache.Folder}'.");
        return cache;
    }

    /// <param name="options">What a run was told.</param>
    /// <param name="imageSize">Size that the network sees; null where it is chosen later.</param>
    /// <exception cref="ArgumentOutOfRangeException">An option is out of its range.</exception>
    public static ImageReading Of(TrainingOptions options, int? imageSize)
    {
        if (options.MaxShorterSide is { } side) Check.AtLeast(side, 1, nameof(options.MaxShorterSide));
        Check.Defined(options.OnUnreadableImage, nameof(options.OnUnreadableImage));
        if (options.MaxImageMemory is { } memory) Check.AtLeast(memory, 1, nameof(options.MaxImageMemory));
        options.ImageCache?.Validate();
        return new(options.MaxShorterSide ?? For(imageSize).MaxShorterSide, options.ApplyExifOrientation,
            options.ImageCache, options.MaxImageMemory);
    }
}
