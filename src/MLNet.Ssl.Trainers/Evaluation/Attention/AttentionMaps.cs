using System.Runtime.InteropServices;
using MLNet.Ssl.Images;
using MLNet.Ssl.Options;
using static TorchSharp.torch;

namespace MLNet.Ssl;

/// <summary>
/// Where the class token of a vision transformer looks in one image: the attention of the last block, one map a head
/// (Caron et al., <see href="https://arxiv.org/abs/2104.14294">arXiv 2104.14294</see>, figures 1 and 3).
/// </summary>
/// <example><code>
/// var maps = AttentionMaps.Of(encoder, RgbImages.Load("photo.jpg"));
/// maps.Save("attention", "photo");    // photo.png with all heads, and photo-head0.png …
/// </code></example>
public sealed class AttentionMaps
{
    private readonly float[] _weights;

    internal AttentionMaps(RgbImage image, float[] weights, int heads, int patchSize) =>
        (Image, _weights, Heads, PatchSize) = (image, weights, heads, patchSize);

    /// <summary>What the network saw: the image at the size asked for, cut to whole patches.</summary>
    public RgbImage Image { get; }

    /// <summary>Number of heads.</summary>
    public int Heads { get; }

    /// <summary>Side of a patch in pixels.</summary>
    public int PatchSize { get; }

    /// <summary>Rows of patches.</summary>
    public int Rows => Image.Height / PatchSize;

    /// <summary>Columns of patches.</summary>
    public int Columns => Image.Width / PatchSize;

    /// <summary>Computes the maps of an image.</summary>
    /// <param name="encoder">An encoder whose backbone is a vision transformer.</param>
    /// <param name="image">An image of any size; it is resized exactly to a square, whatever its aspect
    /// (bilinear).</param>
    /// <param name="imageSize">Side of the square in pixels, at least a patch and at most 2 048; what does not fill a
    /// patch is cut off. Default 480. Time and memory grow with its fourth power.</param>
    /// <exception cref="ArgumentException">The size is out of range, or the image inconsistent.</exception>
    /// <exception cref="NotSupportedException">The backbone is no vision transformer: it has no attention.</exception>
    public static AttentionMaps Of(ImageEncoder encoder, RgbImage image, int imageSize = 480)
    {
        ArgumentNullException.ThrowIfNull(encoder);
        var transformer = CopyDetection.Transformer(encoder, "attention maps");
        int patch = transformer.PatchSize;
        Check.InRange(imageSize, patch, 2048);
        int side = imageSize / patch * patch;
        var seen = ResizedImage.Of(image, imageSize, imageSize, (side, side), Interpolation.Bilinear);

        using var mode = inference_mode();
        using var scope = NewDisposeScope();
        var x = ResizedImage.Batch([seen], side, side, Interpolation.Bilinear, encoder.Preprocessing.Normalization)
            .to(encoder.Device);
        var attention = transformer.ClassTokenAttention(x).to(float32).cpu().contiguous();
        return new(seen, MemoryMarshal.Cast<byte, float>(attention.bytes).ToArray(), (int)attention.size(1), patch);
    }

    /// <summary>
    /// A head's attention to each patch, rows × columns; the sum is 1 less what the class token keeps to itself.
    /// </summary>
    /// <param name="head">Number of the head, from 0.</param>
    /// <exception cref="ArgumentOutOfRangeException">There is no such head.</exception>
    public ReadOnlySpan<float> Weights(int head)
    {
        Check.InRange(head, 0, Heads - 1);
        return _weights.AsSpan(head * Rows * Columns, Rows * Columns);
    }

    /// <summary>A head's attention to each pixel: that of its patch.</summary>
    /// <param name="head">Number of the head, from 0.</param>
    /// <returns>Height × width values.</returns>
    /// <exception cref="ArgumentOutOfRangeException">There is no such head.</exception>
    public float[] PixelWeights(int head) => ToPixels(Weights(head));

    /// <summary>
    /// The patches that hold most of a head's attention: from the least attended on, those are left out that together
    /// hold 1 − mass.
    /// </summary>
    /// <param name="head">Number of the head, from 0.</param>
    /// <param name="mass">Share θ of the attention to keep, 0 to 1. Default 0.6, as in the paper's figures.</param>
    /// <returns>Rows × columns values, true where the patch is kept.</returns>
    /// <exception cref="ArgumentOutOfRangeException">There is no such head, or the mass is out of range.</exception>
    public bool[] Mask(int head, double mass = 0.6)
    {
        Check.InRange(mass, 0, 1);
        var weights = Weights(head).ToArray();
        var order = Enumerable.Range(0, weights.Length).OrderBy(i => weights[i]).ToArray();
        double sum = weights.Sum(weight => (double)weight), passed = 0;
        var mask = new bool[weights.Length];
        foreach (int i in order)
        {
            passed += weights[i];
            mask[i] = passed / sum > 1 - mass;
        }
        return mask;
    }

    /// <summary>
    /// Intersection over union of the best head's mask with a known segmentation: the paper's measure on PASCAL VOC.
    /// </summary>
    /// <param name="segmentation">Height × width values of <see cref="Image"/>, true on the object.</param>
    /// <param name="mass">Share θ of the attention to keep. Default 0.6.</param>
    /// <returns>The largest over the heads, from 0 to 1.</returns>
    /// <exception cref="ArgumentException">The segmentation is not of the image's size, or empty.</exception>
    public double BestJaccard(ReadOnlySpan<bool> segmentation, double mass = 0.6)
    {
        if (segmentation.Length != Image.Width * Image.Height)
            throw new ArgumentException(
                $"The segmentation has {segmentation.Length} pixels; expected {Image.Width}×{Image.Height}.",
                nameof(segmentation));
        if (!segmentation.Contains(true))
            throw new ArgumentException("The segmentation has no pixel on the object.", nameof(segmentation));
        double best = 0;
        for (int head = 0; head < Heads; head++)
        {
            var mask = ToPixels<bool>(Mask(head, mass));
            int both = 0, either = 0;
            for (int i = 0; i < mask.Length; i++)
            {
                if (mask[i] && segmentation[i]) both++;
                if (mask[i] || segmentation[i]) either++;
            }
            best = Math.Max(best, (double)both / either);
        }
        return best;
    }

    private T[] ToPixels<T>(ReadOnlySpan<T> patches)
    {
        var pixels = new T[Image.Width * Image.Height];
        for (int y = 0, at = 0; y < Image.Height; y++)
            for (int x = 0; x < Image.Width; x++, at++)
                pixels[at] = patches[y / PatchSize * Columns + x / PatchSize];
        return pixels;
    }
}
