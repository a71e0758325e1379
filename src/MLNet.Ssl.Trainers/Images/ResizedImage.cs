using MLNet.Ssl.Tensors;
using static TorchSharp.torch;

namespace MLNet.Ssl.Images;

/// <summary>Images at an exact size, whatever their aspect, as the evaluation protocols of DINO want them.</summary>
internal static class ResizedImage
{
    /// <summary>
    /// The pixels of <paramref name="image"/> at width × height, of which the top left kept × kept are kept.
    /// </summary>
    public static RgbImage Of(RgbImage image, int width, int height, (int Width, int Height) kept,
        Interpolation interpolation)
    {
        RgbImage.CheckSize(image.Pixels.Length, image.Width, image.Height);
        var pixels = new byte[3 * kept.Width * kept.Height];
        var workspace = ImageWorkspace.Rent();
        workspace.Resize(image, width, height, new(0, 0, kept.Width, kept.Height), interpolation).CopyTo(pixels);
        workspace.Return();
        return new(pixels, kept.Width, kept.Height);
    }

    /// <summary>Normalised images (N,3,height,width), float, on the CPU.</summary>
    public static Tensor Batch(IReadOnlyList<RgbImage> images, int width, int height, Interpolation interpolation,
        Normalization normalization)
    {
        foreach (var image in images) RgbImage.CheckSize(image.Pixels.Length, image.Width, image.Height);
        var batch = empty(images.Count, 3, height, width, ScalarType.Float32, CPU);
        using var rows = new TensorRows(batch);
        Parallel.For(0, images.Count, i =>
        {
            var workspace = ImageWorkspace.Rent();
            normalization.Apply(workspace.Resize(images[i], width, height, new(0, 0, width, height), interpolation),
                rows[i]);
            workspace.Return();
        });
        return batch;
    }
}
