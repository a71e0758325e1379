using System.Collections.Concurrent;

namespace MLNet.Ssl.Images;

/// <summary>
/// The memory one thread resizes images in; pooled, so that nothing is allocated once the sizes have been seen.
/// </summary>
internal sealed class ImageWorkspace
{
    private static readonly ConcurrentBag<ImageWorkspace> Pool = [];

    private readonly PlanarImage _image = new();
    private readonly Resampler _resampler = new();

    public static ImageWorkspace Rent() => Pool.TryTake(out var workspace) ? workspace : new();

    public void Return() => Pool.Add(this);

    /// <summary>
    /// Resizes the whole of <paramref name="source"/> to width × height and keeps <paramref name="window"/> of it; the
    /// result lives until the next call.
    /// </summary>
    public PlanarImage Resize(RgbImage source, int width, int height, CropBox window, Interpolation interpolation)
    {
        CropBox all = new(0, 0, source.Width, source.Height);
        _resampler.Resize(source.Pixels.Span, source.Width, all, width, height, window, interpolation, flip: false,
            _image);
        return _image;
    }
}
