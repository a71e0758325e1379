using static TorchSharp.torch;
using static TorchSharp.torchvision;

namespace MLNet.Ssl.Benchmarks.Plain;

/// <summary>A recipe of views by TorchVision's transforms, one image at a time, pixels
/// in [0, 1]. For one thread.</summary>
internal sealed class PlainViews
{
    // A tenth of 32 pixels, the next odd number.
    private const long BlurKernel = 3;

    private readonly ViewRecipe _recipe;
    private readonly ITransform _transform;
    private readonly ITransform _normalize;

    public PlainViews(ViewRecipe recipe)
    {
        _recipe = recipe;
        List<ITransform> steps = [transforms.RandomHorizontalFlip(recipe.FlipProbability)];
        if (recipe.Jitter is { } jitter)
        {
            var colors = transforms.ColorJitter((float)jitter.Brightness, (float)jitter.Contrast,
                (float)jitter.Saturation, (float)jitter.Hue);
            steps.Add(transforms.RandomApply([colors], recipe.JitterProbability));
        }
        if (recipe.GrayscaleProbability > 0) steps.Add(transforms.RandomGrayscale(recipe.GrayscaleProbability));
        if (recipe.BlurProbability > 0)
        {
            var blur = transforms.GaussianBlur(BlurKernel, (float)recipe.BlurSigma.Min, (float)recipe.BlurSigma.Max);
            steps.Add(transforms.RandomApply([blur], recipe.BlurProbability));
        }
        if (recipe.SolarizeProbability > 0) steps.Add(transforms.RandomSolarize(0.5, recipe.SolarizeProbability));
        _transform = transforms.Compose([.. steps]);
        var (mean, deviation) = (recipe.Normalization.Mean, recipe.Normalization.Std);
        _normalize =
            transforms.Normalize([mean.Red, mean.Green, mean.Blue], [deviation.Red, deviation.Green, deviation.Blue]);
    }

    /// <summary>(B, 3, Size, Size) of images (3, H, W).</summary>
    public Tensor Render(IEnumerable<Tensor> images)
    {
        var views = stack(images.Select(image => _transform.call(Crop(image))));
        return _recipe.Normalization == Normalization.None ? views : _normalize.call(views);
    }

    /// <summary>TorchVision's own crop for TorchSharp takes the nearest pixel and no aspect; this one is
    /// torchvision's for PyTorch.</summary>
    private Tensor Crop(Tensor image)
    {
        long height = image.size(1), width = image.size(2);
        var (logMin, logMax) = (Math.Log(_recipe.AspectRatio.Min), Math.Log(_recipe.AspectRatio.Max));
        var (top, left, rows, columns) = (0L, 0L, height, width);
        for (int attempt = 0; attempt < 10; attempt++)
        {
            double area = height * width * Uniform(_recipe.Scale.Min, _recipe.Scale.Max),
                aspect = Math.Exp(Uniform(logMin, logMax));
            long w = (long)Math.Round(Math.Sqrt(area * aspect)), h = (long)Math.Round(Math.Sqrt(area / aspect));
            if (w < 1 || w > width || h < 1 || h > height) continue;
            (top, left, rows, columns) =
                (Random.Shared.NextInt64(height - h + 1), Random.Shared.NextInt64(width - w + 1), h, w);
            break;
        }
        var crop = image.narrow(1, top, rows).narrow(2, left, columns).unsqueeze(0);
        return nn.functional.interpolate(crop, [_recipe.Size, _recipe.Size], mode: InterpolationMode.Bicubic,
            align_corners: false, antialias: true)
            .clamp(0, 1).squeeze(0);
    }

    private static double Uniform(double min, double max) => min + (max - min) * Random.Shared.NextDouble();
}
