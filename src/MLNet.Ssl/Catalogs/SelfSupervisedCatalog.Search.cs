using Microsoft.ML;
using Microsoft.ML.Data;
using MLNet.Ssl.DataView;

namespace MLNet.Ssl;

// What to do with embeddings besides training on them: search, and see what the encoder looks at.
public sealed partial class SelfSupervisedCatalog
{
    /// <summary>An index of embedded rows, to search for similar ones.</summary>
    /// <param name="data">Data with keys and embeddings, such as an <see cref="EmbeddingTransformer"/> gives; read
    /// once.</param>
    /// <param name="keyColumnName">Column of the keys: text, different in every row.</param>
    /// <param name="embeddingColumnName">Column of the embeddings, a known-size vector of Single.</param>
    /// <param name="cancellationToken">Stops at the next row with an <see cref="OperationCanceledException"/>.</param>
    /// <exception cref="ArgumentOutOfRangeException">A column is missing or of another type.</exception>
    /// <exception cref="InvalidOperationException">A row cannot be read or added; the message names it and, where there
    /// is one, its key.</exception>
    public EmbeddingIndex Index(IDataView data, string keyColumnName = "Path",
        string embeddingColumnName = "Embedding", CancellationToken cancellationToken = default)
    {
        ArgumentNullException.ThrowIfNull(data);
        var embeddings = data.Schema.Find("embedding", embeddingColumnName);
        var index = new EmbeddingIndex(FloatVectors.Check(embeddings, role: "embedding"));
        index.Add(data, keyColumnName, embeddingColumnName, cancellationToken);
        return index;
    }

    /// <summary>An index of image files under their paths, to search for similar ones.</summary>
    /// <param name="transformer">The transformer that embeds.</param>
    /// <param name="imagePaths">The files, each once.</param>
    /// <param name="onUnreadable">Receives every file that cannot be read and why, and the file is left out; null for
    /// what the transformer's <see cref="EmbeddingTransformer.OnUnreadableImage"/> says, an exception by
    /// default.</param>
    /// <param name="cancellationToken">Stops at the next file with an <see cref="OperationCanceledException"/>.</param>
    /// <exception cref="ArgumentException">A path is there twice.</exception>
    /// <exception cref="InvalidOperationException">A file cannot be read and is not to be left out; the message names
    /// it.</exception>
    public EmbeddingIndex Index(EmbeddingTransformer transformer, IEnumerable<string> imagePaths,
        Action<string, Exception>? onUnreadable = null, CancellationToken cancellationToken = default)
    {
        ArgumentNullException.ThrowIfNull(transformer);
        var index = new EmbeddingIndex(transformer.Encoder.EmbeddingDimension);
        index.Add(transformer, imagePaths, onUnreadable, cancellationToken);
        return index;
    }

    /// <summary>Where the encoder looks in an image file: a map for each attention head.</summary>
    /// <param name="transformer">A transformer whose encoder is a vision transformer.</param>
    /// <param name="imagePath">The file.</param>
    /// <param name="imageSize">Side in pixels of the square that the image is resized to, at least a patch and at most
    /// 2 048. Default 480, as in DINO's figures.</param>
    /// <exception cref="ArgumentException">The size is out of range.</exception>
    /// <exception cref="NotSupportedException">The encoder is no vision transformer: it has no attention.</exception>
    /// <exception cref="InvalidOperationException">The file cannot be read; the message names it.</exception>
    public AttentionMaps AttentionMaps(EmbeddingTransformer transformer, string imagePath, int imageSize = 480)
    {
        ArgumentNullException.ThrowIfNull(transformer);
        return Ssl.AttentionMaps.Of(
            transformer.ImageEncoder, RgbImages.Load(imagePath, transformer.ApplyExifOrientation), imageSize);
    }

    /// <summary>Where the encoder looks in an image: a map for each attention head.</summary>
    /// <param name="transformer">A transformer whose encoder is a vision transformer.</param>
    /// <param name="image">The image.</param>
    /// <param name="imageSize">Side in pixels of the square that the image is resized to, at least a patch and at most
    /// 2 048. Default 480, as in DINO's figures.</param>
    /// <exception cref="ArgumentException">The size is out of range.</exception>
    /// <exception cref="NotSupportedException">The encoder is no vision transformer: it has no attention.</exception>
    public AttentionMaps AttentionMaps(EmbeddingTransformer transformer, MLImage image, int imageSize = 480)
    {
        ArgumentNullException.ThrowIfNull(transformer);
        return Ssl.AttentionMaps.Of(transformer.ImageEncoder, image.ToRgbImage(), imageSize);
    }
}
