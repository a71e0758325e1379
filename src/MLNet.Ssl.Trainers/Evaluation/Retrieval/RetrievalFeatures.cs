using MLNet.Ssl.Evaluation;
using MLNet.Ssl.Images;
using MLNet.Ssl.Options;
using MLNet.Ssl.Tensors;
using static TorchSharp.torch;

namespace MLNet.Ssl;

/// <summary>
/// The features by which DINO retrieves images (Caron et al.,
/// <see href="https://arxiv.org/abs/2104.14294">arXiv 2104.14294</see>, section 4.2): the whole image, shrunk with its
/// aspect kept, at one scale or averaged over three.
/// </summary>
/// <example><code>
/// using var encoder = PretrainedEncoder.Load("dino_deitsmall16_pretrain.pth");
/// using var queries = RetrievalFeatures.Extract(encoder, [RgbImages.Load("query.jpg")], multiScale: true);
/// </code></example>
public static class RetrievalFeatures
{
    private static readonly double[] OneScale = [1], ThreeScales = [1, 1 / Math.Sqrt(2), 0.5];

    /// <summary>Features of one image after the other.</summary>
    /// <param name="encoder">The encoder, for images of any aspect: a vision transformer or a residual network.</param>
    /// <param name="images">The images. For queries by a part of an image pass that part (<see cref="RgbImage.Crop"/>),
    /// as the benchmark's own protocol does; DINO passes whole images.</param>
    /// <param name="imageSize">Images are shrunk (Lanczos, never enlarged) to fit this square. Default 224, which DINO
    /// takes for Oxford; 512 for Paris.</param>
    /// <param name="multiScale">Whether features are averaged over the scales 1, 2^−½ and ½ (bilinear), as DINO does
    /// for Paris.</param>
    /// <returns>Features (N,D) of length 1 on the CPU; the caller disposes of them.</returns>
    /// <exception cref="ArgumentException">There is no image, an option is out of range, or an image is too small for
    /// the network.</exception>
    public static Tensor Extract(ImageEncoder encoder, IReadOnlyList<RgbImage> images, int imageSize = 224,
        bool multiScale = false)
    {
        ArgumentNullException.ThrowIfNull(encoder);
        ArgumentNullException.ThrowIfNull(images);
        Check.InRange(imageSize, 1, 1 << 15);
        if (images.Count == 0) throw new ArgumentException("There is no image; expected at least one.", nameof(images));
        using var mode = no_grad();
        using var scope = NewDisposeScope();
        var features = new List<Tensor>(images.Count);
        for (int i = 0; i < images.Count; i++)
        {
            using var one = NewDisposeScope();
            var (width, height) = Fit(images[i].Width, images[i].Height, imageSize);
            CheckSize(encoder, i, width, height, multiScale);
            var x = NativeTensor.Send(ResizedImage.Batch([images[i]], width, height, Interpolation.Lanczos,
                encoder.Preprocessing.Normalization), encoder.Device);
            Tensor sum = (multiScale ? ThreeScales : OneScale).Select(s => encoder.Backbone.call(Scaled(x, s)))
                .Aggregate((a, b) => a.Add(b));
            features.Add(Ranking.Normalise(sum).MoveToOuterDisposeScope());
        }
        return cat(features, 0).cpu().MoveToOuterDisposeScope();
    }

    /// <summary>
    /// The largest size of this aspect in a square, rounded to the nearer aspect as Pillow's thumbnail does; never
    /// larger than the image.
    /// </summary>
    internal static (int Width, int Height) Fit(int width, int height, int square)
    {
        if (width <= square && height <= square) return (width, height);
        double aspect = (double)width / height;
        return aspect <= 1
            ? (Nearest(square * aspect, n => Math.Abs(aspect - (double)n / square)), square)
            : (square, Nearest(square / aspect, n => n == 0 ? 0 : Math.Abs(aspect - (double)square / n)));

        static int Nearest(double number, Func<int, double> distance) =>
            Math.Max(1, distance((int)Math.Ceiling(number)) < distance((int)Math.Floor(number))
                ? (int)Math.Ceiling(number) : (int)Math.Floor(number));
    }

    /// <summary>Bilinear, without antialiasing: (B,C,H,W) → (B,C,⌊H·scale⌋,⌊W·scale⌋).</summary>
    internal static Tensor Scaled(Tensor x, double scale) =>
        scale == 1 ? x
            : nn.functional.interpolate(x, scale_factor: [scale, scale], mode: InterpolationMode.Bilinear,
            align_corners: false);

    private static void CheckSize(ImageEncoder encoder, int image, int width, int height, bool multiScale)
    {
        int least = encoder.Backbone.Options?.SizeMultiple ?? 1, smallest = Math.Min(width, height);
        if ((multiScale ? smallest / 2 : smallest) < least)
        {
            throw new ArgumentException(
                $"Image {image} comes to {width}×{height} pixels{(multiScale ? ", and to half of that" : "")}; "
                + $"the network needs at least {least} on a side.");
        }
    }
}
