using Microsoft.Extensions.AI;
using Microsoft.ML.Data;
using MLNet.Ssl.AI;

namespace MLNet.Ssl;

/// <summary>Encoders of images as embedding generators of Microsoft.Extensions.AI.</summary>
/// <remarks>
/// A generator decodes image files (PNG, JPEG, GIF, WebP or BMP, whatever their media type says) and embeds them in
/// batches. It is safe to use from several threads at once, and looks at the cancellation token before every image.
/// Disposing of it leaves the encoder as it is. <c>GetService</c> gives <see cref="EmbeddingGeneratorMetadata"/> and
/// the encoder. It takes middleware as others do, and is a generator of a vector property of
/// Microsoft.Extensions.VectorData; caches that several encoders share need a key of the encoder.
/// </remarks>
/// <example><code>
/// using var generator = encoder.AsEmbeddingGenerator();
/// var embedding = await generator.GenerateAsync(await DataContent.LoadFromAsync("photo.jpg"));
/// </code></example>
public static class EmbeddingGeneratorExtensions
{
    /// <summary>A generator of the encoder's embeddings, vectors of its width as the encoder gives them.</summary>
    /// <param name="encoder">The fitted or loaded encoder of images, which stays the caller's.</param>
    /// <param name="modelId">What the embeddings and metadata name as their model. Null means the method that trained
    /// the encoder and the width of an embedding, such as "DINO-384".</param>
    /// <exception cref="NotSupportedException">The encoder embeds rows of a table.</exception>
    public static IEmbeddingGenerator<DataContent, Embedding<float>> AsEmbeddingGenerator(
        this EmbeddingTransformer encoder, string? modelId = null)
    {
        ArgumentNullException.ThrowIfNull(encoder);
        return encoder.Encoder is ImageEncoder images
            ? new ImageEmbeddingGenerator(images, encoder, modelId)
            : throw new NotSupportedException(
                "The transformer embeds rows of a table; a generator of embeddings takes images.");
    }

    /// <inheritdoc cref="AsEmbeddingGenerator(EmbeddingTransformer, string?)"/>
    /// <param name="chain">A fitted chain that ends in an encoder of images. The encoder alone is asked: steps before
    /// it, such as <c>LoadImages</c>, are left out.</param>
    public static IEmbeddingGenerator<DataContent, Embedding<float>> AsEmbeddingGenerator(
        this TransformerChain<EmbeddingTransformer> chain, string? modelId = null)
    {
        ArgumentNullException.ThrowIfNull(chain);
        return chain.LastTransformer.AsEmbeddingGenerator(modelId);
    }

    /// <inheritdoc cref="AsEmbeddingGenerator(EmbeddingTransformer, string?)"/>
    public static IEmbeddingGenerator<DataContent, Embedding<float>> AsEmbeddingGenerator(
        this ImageEncoder encoder, string? modelId = null)
    {
        ArgumentNullException.ThrowIfNull(encoder);
        return new ImageEmbeddingGenerator(encoder, null, modelId);
    }
}
