using System.Numerics.Tensors;
using MLNet.Ssl.Inference;
using MLNet.Ssl.Networks;

namespace MLNet.Ssl;

/// <summary>A fine-tuned or distilled network: image → class probabilities. Safe to use from
/// several threads at once.</summary>
public sealed class ImageClassifier : IDisposable
{
    private readonly ImageEncoder _network;

    internal ImageClassifier(ImageEncoder network, BackboneOptions backbone) =>
        (_network, Backbone) = (network, backbone);

    /// <summary>C.</summary>
    public int NumberOfClasses => _network.EmbeddingDimension;

    /// <summary>The architecture below the classifier.</summary>
    public BackboneOptions Backbone { get; }

    /// <summary>What is done to an image first.</summary>
    public ImagePreprocessing Preprocessing => _network.Preprocessing;

    /// <inheritdoc cref="Encoder.Threads"/>
    public int Threads
    {
        get => _network.Threads;
        set => _network.Threads = value;
    }

    internal ClassifierNetwork Network => (ClassifierNetwork)_network.Backbone;

    internal TorchSharp.torch.Device Device => _network.Device;

    /// <summary>Logits, before the softmax.</summary>
    /// <param name="images">Images of any size.</param>
    /// <param name="destination">Receives <c>images.Count × C</c> values.</param>
    /// <exception cref="ArgumentException"><paramref name="destination"/> is too short.</exception>
    /// <exception cref="ObjectDisposedException">The classifier was disposed of.</exception>
    public void Logits(IReadOnlyList<RgbImage> images, Span<float> destination) => _network.Embed(images, destination);

    /// <summary>Class probabilities, which sum to 1 for every image.</summary>
    /// <inheritdoc cref="Logits"/>
    public void Probabilities(IReadOnlyList<RgbImage> images, Span<float> destination)
    {
        Logits(images, destination);
        SoftMax(images.Count, destination);
    }

    /// <inheritdoc cref="ImageEncoder.Load"/>
    internal LoadedRows Load(IReadOnlyList<RgbImage> images) => _network.Load(images);

    /// <summary>Class probabilities of images that were made ready.</summary>
    internal void Probabilities(LoadedRows images, Span<float> destination)
    {
        _network.Embed(images, destination);
        SoftMax(images.Count, destination);
    }

    private void SoftMax(int images, Span<float> logits)
    {
        for (int i = 0; i < images; i++)
        {
            var row = logits.Slice(i * NumberOfClasses, NumberOfClasses);
            TensorPrimitives.SoftMax(row, row);
        }
    }

    /// <summary>Writes the network as an ONNX model as <see cref="Encoder.ExportOnnx(string)"/> does; its output
    /// "embedding" is the logits.</summary>
    /// <inheritdoc cref="Encoder.ExportOnnx(string)"/>
    public void ExportOnnx(string path) => _network.ExportOnnx(path);

    /// <summary>Writes the network as an ONNX model into a stream; its output "embedding" is the logits.</summary>
    /// <inheritdoc cref="Encoder.ExportOnnx(Stream)"/>
    public void ExportOnnx(Stream stream) => _network.ExportOnnx(stream);

    /// <summary>Releases the network.</summary>
    public void Dispose() => _network.Dispose();
}
