using MLNet.Ssl.Inference;
using MLNet.Ssl.Networks;
using MLNet.Ssl.Onnx;
using MLNet.Ssl.Tensors;
using static TorchSharp.torch;

namespace MLNet.Ssl;

/// <summary>An encoder of images.</summary>
public sealed class ImageEncoder : Encoder
{
    /// <summary>Takes over <paramref name="backbone"/>, which must be on <paramref name="device"/>, and puts
    /// it into evaluation mode.</summary>
    /// <param name="backbone">A network of images (B, 3, H, W).</param>
    /// <param name="preprocessing">What is done to an image first.</param>
    /// <param name="device">Where to compute; the processor by default.</param>
    public ImageEncoder(Backbone backbone, ImagePreprocessing preprocessing, Device? device = null)
        : base(backbone, device, leastPart: 8, mostPart: 64)
    {
        ArgumentNullException.ThrowIfNull(preprocessing);
        Preprocessing = preprocessing;
    }

    /// <summary>What is done to an image before the backbone sees it.</summary>
    public ImagePreprocessing Preprocessing { get; }

    /// <summary>The head it was pretrained with, where that is SimCLR's; owned by the encoder.</summary>
    internal ProjectionHead? ProjectionHead { get; init; }

    private protected override void Free()
    {
        base.Free();
        ProjectionHead?.Dispose();
    }

    private protected override ModelProto ToOnnx() => OnnxModel.OfImages(Backbone, Preprocessing);

    /// <summary>Embeds a batch of images.</summary>
    /// <param name="images">Images of any size.</param>
    /// <param name="destination">Receives <c>images.Count × D</c> values, an image after the other.</param>
    /// <exception cref="ArgumentException"><paramref name="destination"/> is too short.</exception>
    /// <exception cref="ObjectDisposedException">The encoder was disposed of.</exception>
    public void Embed(IReadOnlyList<RgbImage> images, Span<float> destination)
    {
        ArgumentNullException.ThrowIfNull(images);
        Embed(images.Count, (first, count) =>
        {
            RgbImage[] part = [.. images.Skip(first).Take(count)];
            return Accelerated
                ? Preprocessing.Normalization.Apply(NativeTensor.Send(Preprocessing.Bytes(part), Device))
                : Preprocessing.Batch(part);
        }, destination);
    }

    /// <summary>Makes images ready that <see cref="ImagePreprocessing.Resized"/> gave: what is left is the
    /// normalisation.</summary>
    internal LoadedRows Load(IReadOnlyList<RgbImage> images)
    {
        var preprocessing = Preprocessing with { Resize = null, CropSize = null };
        return Accelerated && images.Count > 0
            ? LoadedRows.On(Device, preprocessing.Bytes(images), preprocessing.Normalization.Apply)
            : LoadedRows.Here(images.Count, (first, count) =>
                preprocessing.Batch([.. images.Skip(first).Take(count)]));
    }
}
