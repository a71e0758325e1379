using System.Collections.Concurrent;
using MLNet.Ssl.Images;

namespace MLNet.Ssl.Augmentation;

/// <summary>
/// The memory one thread makes views in; pooled, so that nothing is allocated once the sizes have been seen.
/// </summary>
internal sealed class ViewWorkspace
{
    private static readonly ConcurrentBag<ViewWorkspace> Pool = [];

    private readonly PlanarImage _image = new();
    private readonly Resampler _resampler = new();
    private readonly GaussianBlur _blur = new();

    public static ViewWorkspace Rent() => Pool.TryTake(out var workspace) ? workspace : new();

    public void Return()
    {
        Source.Trim();
        Pool.Add(this);
    }

    /// <summary>Where the image lies that views are made of.</summary>
    public PixelBuffer Source { get; } = new();

    /// <summary>
    /// Makes the planned view of <paramref name="source"/>, still in 8 bits; the result lives until the next call.
    /// </summary>
    public PlanarImage Render(RgbImage source, ViewRecipe recipe, ViewPlan plan)
    {
        _resampler.Resize(source, plan.Crop, recipe.Size, recipe.Size, recipe.Interpolation, plan.Flip, _image);
        if (plan.Grayscale && recipe.GrayscaleFirst) ColorOps.Grayscale(_image);
        plan.Jitter?.Apply(_image);
        if (plan.Grayscale && !recipe.GrayscaleFirst) ColorOps.Grayscale(_image);
        if (plan.BlurSigma is { } sigma) _blur.Apply(_image, sigma);
        if (plan.Solarize) ColorOps.Solarize(_image);
        return _image;
    }
}
