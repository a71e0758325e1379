using Microsoft.ML.Data;
using static MLNet.Ssl.EmbeddingChainExtensions;

namespace MLNet.Ssl;

/// <summary>
/// What an <see cref="ImageClassificationTransformer"/> does, for a fitted chain that ends in one. The classifier alone
/// is asked: the steps before it, such as <c>LoadImages</c>, are left out.
/// </summary>
public static class ImageClassificationChainExtensions
{
    /// <summary>Trains a student by what the chain's classifier says of images.</summary>
    /// <inheritdoc cref="SelfSupervisedCatalog.Distill"/>
    /// <param name="catalog">The catalog.</param>
    public static ImageClassificationEstimator Distill(
        this SelfSupervisedCatalog catalog, string predictedLabelColumnName, string inputColumnName,
        string? labelColumnName, TransformerChain<ImageClassificationTransformer> teacher,
        DistillOptions? options = null, string scoreColumnName = "Score")
    {
        ArgumentNullException.ThrowIfNull(catalog);
        return catalog.Distill(
            predictedLabelColumnName, inputColumnName, labelColumnName, Last(teacher), options, scoreColumnName);
    }

    /// <summary>Writes the chain's classifier as an ONNX model.</summary>
    /// <inheritdoc cref="ImageClassificationTransformer.ExportOnnx(string)"/>
    /// <param name="chain">The chain.</param>
    public static void ExportOnnx(this TransformerChain<ImageClassificationTransformer> chain, string path) =>
        Last(chain).ExportOnnx(path);

    /// <summary>Writes the chain's classifier as an ONNX model into a stream.</summary>
    /// <inheritdoc cref="ImageClassificationTransformer.ExportOnnx(Stream)"/>
    /// <param name="chain">The chain.</param>
    public static void ExportOnnx(this TransformerChain<ImageClassificationTransformer> chain, Stream stream) =>
        Last(chain).ExportOnnx(stream);
}
