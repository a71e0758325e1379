using Microsoft.ML;
using Microsoft.ML.Data;

namespace MLNet.Ssl;

/// <summary>
/// What an <see cref="EmbeddingTransformer"/> does, for a fitted chain that ends in one. The encoder alone is asked:
/// the steps before it, such as <c>LoadImages</c>, are left out.
/// </summary>
public static class EmbeddingChainExtensions
{
    /// <summary>Trains the chain's encoder further on labels.</summary>
    /// <inheritdoc cref="SelfSupervisedCatalog.FineTune"/>
    /// <param name="catalog">The catalog.</param>
    public static ImageClassificationEstimator FineTune(
        this SelfSupervisedCatalog catalog, string predictedLabelColumnName, string inputColumnName,
        string labelColumnName, TransformerChain<EmbeddingTransformer> encoder, FineTuneOptions? options = null,
        string scoreColumnName = "Score")
    {
        ArgumentNullException.ThrowIfNull(catalog);
        return catalog.FineTune(
            predictedLabelColumnName, inputColumnName, labelColumnName, Last(encoder), options, scoreColumnName);
    }

    /// <summary>Makes an index of image files under their paths, embedded by the chain's encoder.</summary>
    /// <inheritdoc cref="SelfSupervisedCatalog.Index(EmbeddingTransformer, IEnumerable{string},
    /// Action{string, Exception}, CancellationToken)"/>
    /// <param name="catalog">The catalog.</param>
    /// <param name="chain">The chain whose encoder embeds.</param>
    public static EmbeddingIndex Index(
        this SelfSupervisedCatalog catalog, TransformerChain<EmbeddingTransformer> chain,
        IEnumerable<string> imagePaths,
        Action<string, Exception>? onUnreadable = null, CancellationToken cancellationToken = default)
    {
        ArgumentNullException.ThrowIfNull(catalog);
        return catalog.Index(Last(chain), imagePaths, onUnreadable, cancellationToken);
    }

    /// <summary>Adds image files under their paths, embedded by the chain's encoder.</summary>
    /// <inheritdoc cref="EmbeddingIndexExtensions.Add(EmbeddingIndex, EmbeddingTransformer, IEnumerable{string},
    /// Action{string, Exception}, CancellationToken)"/>
    /// <param name="chain">The chain whose encoder embeds.</param>
    public static void Add(
        this EmbeddingIndex index, TransformerChain<EmbeddingTransformer> chain, IEnumerable<string> imagePaths,
        Action<string, Exception>? onUnreadable = null, CancellationToken cancellationToken = default) =>
        index.Add(Last(chain), imagePaths, onUnreadable, cancellationToken);

    /// <summary>Finds the rows most similar to an image file.</summary>
    /// <inheritdoc cref="EmbeddingIndexExtensions.Search(EmbeddingIndex, EmbeddingTransformer, string, int)"/>
    /// <param name="chain">The chain whose encoder embedded the index's rows.</param>
    public static Neighbor[] Search(
        this EmbeddingIndex index, TransformerChain<EmbeddingTransformer> chain, string imagePath, int count = 10) =>
        index.Search(Last(chain), imagePath, count);

    /// <summary>Finds the rows most similar to an image.</summary>
    /// <inheritdoc cref="EmbeddingIndexExtensions.Search(EmbeddingIndex, EmbeddingTransformer, MLImage, int)"/>
    /// <param name="chain">The chain whose encoder embedded the index's rows.</param>
    public static Neighbor[] Search(
        this EmbeddingIndex index, TransformerChain<EmbeddingTransformer> chain, MLImage image, int count = 10) =>
        index.Search(Last(chain), image, count);

    /// <summary>Shows where the chain's encoder looks in an image file.</summary>
    /// <inheritdoc cref="SelfSupervisedCatalog.AttentionMaps(EmbeddingTransformer, string, int)"/>
    /// <param name="catalog">The catalog.</param>
    /// <param name="chain">A chain whose encoder is a vision transformer.</param>
    public static AttentionMaps AttentionMaps(
        this SelfSupervisedCatalog catalog, TransformerChain<EmbeddingTransformer> chain, string imagePath,
        int imageSize = 480)
    {
        ArgumentNullException.ThrowIfNull(catalog);
        return catalog.AttentionMaps(Last(chain), imagePath, imageSize);
    }

    /// <summary>Shows where the chain's encoder looks in an image.</summary>
    /// <inheritdoc cref="SelfSupervisedCatalog.AttentionMaps(EmbeddingTransformer, MLImage, int)"/>
    /// <param name="catalog">The catalog.</param>
    /// <param name="chain">A chain whose encoder is a vision transformer.</param>
    public static AttentionMaps AttentionMaps(
        this SelfSupervisedCatalog catalog, TransformerChain<EmbeddingTransformer> chain, MLImage image,
        int imageSize = 480)
    {
        ArgumentNullException.ThrowIfNull(catalog);
        return catalog.AttentionMaps(Last(chain), image, imageSize);
    }

    /// <summary>Writes the chain's encoder as an ONNX model.</summary>
    /// <inheritdoc cref="EmbeddingTransformer.ExportOnnx(string)"/>
    /// <param name="chain">The chain.</param>
    public static void ExportOnnx(this TransformerChain<EmbeddingTransformer> chain, string path) =>
        Last(chain).ExportOnnx(path);

    /// <summary>Writes the chain's encoder as an ONNX model into a stream.</summary>
    /// <inheritdoc cref="EmbeddingTransformer.ExportOnnx(Stream)"/>
    /// <param name="chain">The chain.</param>
    public static void ExportOnnx(this TransformerChain<EmbeddingTransformer> chain, Stream stream) =>
        Last(chain).ExportOnnx(stream);

    /// <summary>Writes the weights of the chain's encoder under their official names.</summary>
    /// <inheritdoc cref="EmbeddingTransformer.SaveSafeTensors(string)"/>
    /// <param name="chain">The chain.</param>
    public static void SaveSafeTensors(this TransformerChain<EmbeddingTransformer> chain, string path) =>
        Last(chain).SaveSafeTensors(path);

    /// <summary>Writes the weights of the chain's encoder into a stream, under their official names.</summary>
    /// <inheritdoc cref="EmbeddingTransformer.SaveSafeTensors(Stream)"/>
    /// <param name="chain">The chain.</param>
    public static void SaveSafeTensors(this TransformerChain<EmbeddingTransformer> chain, Stream stream) =>
        Last(chain).SaveSafeTensors(stream);

    /// <summary>What a chain ends in.</summary>
    internal static T Last<T>(TransformerChain<T> chain) where T : class, ITransformer
    {
        ArgumentNullException.ThrowIfNull(chain);
        return chain.LastTransformer;
    }
}
