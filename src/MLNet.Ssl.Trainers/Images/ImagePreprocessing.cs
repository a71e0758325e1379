using MLNet.Ssl.Images;
using MLNet.Ssl.Options;
using MLNet.Ssl.Tensors;
using static TorchSharp.torch;

namespace MLNet.Ssl;

/// <summary>
/// The deterministic transform of evaluation and embedding: resize the shorter side, crop the centre, normalise; with
/// the roundings of torchvision's Resize and CenterCrop.
/// </summary>
public sealed record ImagePreprocessing
{
    /// <summary>
    /// Pixels of the shorter side after the resize, which keeps the aspect and shrinks or enlarges; null for no resize.
    /// </summary>
    /// <value>The default is null.</value>
    public int? Resize { get; init; }

    /// <summary>
    /// Width and height of the central crop in pixels, at most <see cref="Resize"/>; null for no crop.
    /// </summary>
    /// <value>The default is null.</value>
    public int? CropSize { get; init; }

    /// <summary>Filter of the resize.</summary>
    /// <value>The default is <see cref="Interpolation.Bicubic"/>.</value>
    public Interpolation Interpolation { get; init; } = Interpolation.Bicubic;

    /// <summary>Standardisation of the result.</summary>
    /// <value>The default is <see cref="Normalization.ImageNet"/>.</value>
    public Normalization Normalization { get; init; } = Normalization.ImageNet;

    /// <summary>
    /// The usual transform for an encoder of square images: resize to 256/224 of <paramref name="imageSize"/> and crop
    /// the centre (224: 256 → 224); up to 32 pixels the whole image is kept, so that a CIFAR image passes unchanged.
    /// </summary>
    /// <param name="imageSize">Width and height of the encoder's input in pixels, 1 to 4096.</param>
    /// <exception cref="ArgumentOutOfRangeException"><paramref name="imageSize"/> is out of range.</exception>
    public static ImagePreprocessing For(int imageSize)
    {
        Check.InRange(imageSize, 1, 4096);
        return new()
        {
            Resize = imageSize <= 32 ? imageSize
            : (int)Math.Round(imageSize * 256 / 224.0),
            CropSize = imageSize
        };
    }

    /// <summary>Checks every option.</summary>
    /// <exception cref="ArgumentOutOfRangeException">An option is out of range; the message names it, its value and
    /// what is allowed.</exception>
    public void Validate()
    {
        if (Resize is { } resize) Check.InRange(resize, 1, 1 << 15, nameof(Resize));
        if (CropSize is { } crop) Check.InRange(crop, 1, Resize ?? 1 << 15, nameof(CropSize));
        Check.InRange(
            (int)Interpolation, (int)Interpolation.Bilinear, (int)Interpolation.Lanczos, nameof(Interpolation));
        ArgumentNullException.ThrowIfNull(Normalization);
        Normalization.Validate();
    }

    /// <summary>
    /// Size of the result for an image of <paramref name="width"/> × <paramref name="height"/> pixels.
    /// </summary>
    /// <param name="width">Width in pixels.</param>
    /// <param name="height">Height in pixels.</param>
    public (int Width, int Height) OutputSize(int width, int height) =>
        CropSize is { } crop ? (crop, crop) : ResizedSize(width, height);

    /// <summary>Transforms one image. Thread-safe.</summary>
    /// <param name="image">The image.</param>
    /// <param name="chw">Receives 3·height·width values of <see cref="OutputSize"/>: planes of red, green and
    /// blue.</param>
    /// <exception cref="ArgumentException">The image is inconsistent or smaller than the crop, or
    /// <paramref name="chw"/> has another length.</exception>
    public void Apply(RgbImage image, Span<float> chw)
    {
        var (width, height, window) = Fit(image);
        int length = 3 * window.Width * window.Height;
        if (chw.Length != length)
            throw new ArgumentException(
                $"A result of 3×{window.Height}×{window.Width} has {length} values, got room for {chw.Length}.");

        var workspace = ImageWorkspace.Rent();
        Normalization.Apply(workspace.Resize(image, width, height, window, Interpolation), chw);
        workspace.Return();
    }

    /// <summary>The image resized and cropped, still in 8 bits, in memory of its own. Thread-safe.</summary>
    /// <exception cref="ArgumentException">The image is inconsistent or smaller than the crop.</exception>
    internal RgbImage Resized(RgbImage image)
    {
        var (width, height, window) = Fit(image);
        var pixels = new byte[3 * window.Width * window.Height];
        var workspace = ImageWorkspace.Rent();
        workspace.Resize(image, width, height, window, Interpolation).CopyTo(pixels);
        workspace.Return();
        return new(pixels, window.Width, window.Height);
    }

    /// <summary>Transforms a batch on all processors.</summary>
    /// <param name="images">At least one image; without a crop all must come out in the same size.</param>
    /// <returns>A new float32 CPU tensor (images, 3, height, width); the caller owns it.</returns>
    /// <exception cref="ArgumentException">There is no image, or an image does not fit.</exception>
    public Tensor Batch(IReadOnlyList<RgbImage> images)
    {
        var batch = Empty(images, ScalarType.Float32);
        using var rows = new TensorRows(batch);
        Parallel.For(0, images.Count, i => Apply(images[i], rows[i]));
        return batch;
    }

    /// <summary>The batch before it is normalised, for <see cref="Ssl.Normalization.Apply(Tensor)"/> on another
    /// device.</summary>
    /// <returns>A new uint8 CPU tensor (images, 3, height, width); the caller owns it.</returns>
    /// <inheritdoc cref="Batch"/>
    internal Tensor Bytes(IReadOnlyList<RgbImage> images)
    {
        var batch = Empty(images, ScalarType.Byte);
        using var rows = new TensorRows(batch);
        Parallel.For(0, images.Count, i =>
        {
            var (width, height, window) = Fit(images[i]);
            var workspace = ImageWorkspace.Rent();
            workspace.Resize(images[i], width, height, window, Interpolation).CopyPlanesTo(rows.Bytes(i));
            workspace.Return();
        });
        return batch;
    }

    /// <summary>
    /// The size with the shorter side at <paramref name="side"/> pixels, the longer one cut to a whole number.
    /// </summary>
    internal static (int Width, int Height) ShorterSideTo(int side, int width, int height) =>
        width <= height ? (side, (int)((long)side * height / width)) : ((int)((long)side * width / height), side);

    /// <summary>The first pixel that a central crop keeps.</summary>
    internal static int CropStart(int size, int crop) => (int)Math.Round((size - crop) / 2.0);

    /// <summary>Room for a batch of images, which must come out in one size.</summary>
    private Tensor Empty(IReadOnlyList<RgbImage> images, ScalarType type)
    {
        ArgumentNullException.ThrowIfNull(images);
        Validate();
        if (images.Count == 0) throw new ArgumentException("There is no image; expected at least one.", nameof(images));
        var (_, _, first) = Fit(images[0]);
        for (int i = 1; i < images.Count; i++)
        {
            var (_, _, window) = Fit(images[i]);
            if ((window.Width, window.Height) != (first.Width, first.Height))
                throw new ArgumentException(
                    $"Image {i} comes out as {window.Width}×{window.Height}, image 0 as {first.Width}×{first.Height}; "
                    + $"set {nameof(CropSize)}.");
        }
        return empty(images.Count, 3, first.Height, first.Width, type, CPU);
    }

    private (int Width, int Height) ResizedSize(int width, int height) =>
        Resize is { } side ? ShorterSideTo(side, width, height) : (width, height);

    /// <summary>The size to resize to and what is kept of it.</summary>
    private (int Width, int Height, CropBox Window) Fit(RgbImage image)
    {
        RgbImage.CheckSize(image.Pixels.Length, image.Width, image.Height);
        var (width, height) = ResizedSize(image.Width, image.Height);
        var (keptWidth, keptHeight) = OutputSize(image.Width, image.Height);
        if (keptWidth > width || keptHeight > height)
            throw new ArgumentException(
                $"An image of {width}×{height} pixels is smaller than {nameof(CropSize)} {CropSize}; "
                + $"set {nameof(Resize)}.");
        return (width, height, new(CropStart(width, keptWidth), CropStart(height, keptHeight), keptWidth, keptHeight));
    }
}
