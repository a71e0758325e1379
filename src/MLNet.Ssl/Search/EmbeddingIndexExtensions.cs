using Microsoft.ML;
using Microsoft.ML.Data;
using MLNet.Ssl.DataView;
using MLNet.Ssl.Inference;
using MLNet.Ssl.Search;

namespace MLNet.Ssl;

/// <summary>Rows, images and files of ML.NET for an <see cref="EmbeddingIndex"/>.</summary>
public static class EmbeddingIndexExtensions
{
    private const int ImagesAtATime = 64;

    private const string TextAdvice = "ml.Transforms.Conversion.ConvertType makes text of a number.";

    /// <summary>Adds the rows of a view.</summary>
    /// <param name="index">The index.</param>
    /// <param name="data">Data with keys and embeddings, read once.</param>
    /// <param name="keyColumnName">Column of the keys: text, different in every row.</param>
    /// <param name="embeddingColumnName">Column of the embeddings, a vector of Single of the index's width.</param>
    /// <param name="cancellationToken">Stops at the next row with an <see cref="OperationCanceledException"/>; rows
    /// before it have been added.</param>
    /// <exception cref="ArgumentOutOfRangeException">A column is missing or of another type.</exception>
    /// <exception cref="InvalidOperationException">A row cannot be read or added; the message names it and, where there
    /// is one, its key.</exception>
    public static void Add(this EmbeddingIndex index, IDataView data, string keyColumnName = "Path",
        string embeddingColumnName = "Embedding",
        CancellationToken cancellationToken = default)
    {
        ArgumentNullException.ThrowIfNull(index);
        ArgumentNullException.ThrowIfNull(data);
        var keys = data.Schema.Find("key", keyColumnName);
        if (keys.Type is not TextDataViewType)
            throw SchemaShapes.Mismatch("key", keys.Name, "text", keys.Type, TextAdvice);
        var embeddings = data.Schema.Find("embedding", embeddingColumnName);
        FloatVectors.Check(embeddings, index.Dimension, "embedding");

        using var cursor = data.GetRowCursor([keys, embeddings]);
        var readKey = cursor.GetGetter<ReadOnlyMemory<char>>(keys);
        var readEmbedding = FloatVectors.Reader(cursor, embeddings);
        ReadOnlyMemory<char> key = default;
        while (cursor.MoveNext(cancellationToken))
        {
            readKey(ref key);
            try
            {
                index.Add(key.ToString(), readEmbedding());
            }
            catch (Exception e)
            {
                throw new InvalidOperationException($"Row {cursor.Position}, '{key}', cannot be added: {e.Message}", e);
            }
        }
    }

    /// <summary>Embeds image files and adds them under their paths.</summary>
    /// <param name="index">The index.</param>
    /// <param name="transformer">The transformer that embeds.</param>
    /// <param name="imagePaths">The files.</param>
    /// <param name="onUnreadable">Receives every file that cannot be read and why, and the file is left out; null for
    /// what the transformer's <see cref="EmbeddingTransformer.OnUnreadableImage"/> says, an exception by
    /// default.</param>
    /// <param name="cancellationToken">Stops at the next file with an <see cref="OperationCanceledException"/>; files
    /// before it may have been added.</param>
    /// <exception cref="ArgumentException">The embedding has another width than the index, or a path is there already;
    /// files before it have been added.</exception>
    /// <exception cref="InvalidOperationException">A file cannot be read and is not to be left out; the message names
    /// it.</exception>
    public static void Add(this EmbeddingIndex index, EmbeddingTransformer transformer, IEnumerable<string> imagePaths,
        Action<string, Exception>? onUnreadable = null, CancellationToken cancellationToken = default)
    {
        ArgumentNullException.ThrowIfNull(imagePaths);
        CheckWidth(index, transformer);
        var unreadable = transformer.Unreadable();
        int before = index.Count;
        foreach (var files in imagePaths.Until(cancellationToken).Chunk(ImagesAtATime)
            .SelectAhead(paths => LoadedFiles.Read(transformer, paths, cancellationToken)))
            using (files)
            {
                foreach (var (path, failure) in files.Failures)
                {
                    if (onUnreadable is not null) onUnreadable(path, failure);
                    else unreadable.Failed($"The image '{path}' cannot be read: {failure.Message}", failure);
                }
                var embeddings = new float[files.Paths.Length * index.Dimension];
                transformer.ImageEncoder.Embed(files.Images, embeddings);
                for (int i = 0; i < files.Paths.Length; i++)
                    index.Add(files.Paths[i], embeddings.AsSpan(i * index.Dimension, index.Dimension));
            }
        unreadable.Report(index.Count - before);
    }

    /// <summary>The rows most similar to an image file.</summary>
    /// <param name="index">The index.</param>
    /// <param name="transformer">The transformer that embedded the index's rows.</param>
    /// <param name="imagePath">The file; it need not be in the index.</param>
    /// <param name="count">How many rows, at least 1; fewer come where there are not so many.</param>
    /// <returns>The most similar row first.</returns>
    /// <exception cref="ArgumentException">The embedding has another width than the index, or <paramref name="count"/>
    /// is below 1.</exception>
    /// <exception cref="InvalidOperationException">The file cannot be read; the message names it.</exception>
    public static Neighbor[] Search(
        this EmbeddingIndex index, EmbeddingTransformer transformer, string imagePath, int count = 10)
    {
        CheckWidth(index, transformer);
        return index.Search(transformer.Embed([RgbImages.Load(imagePath, transformer.ApplyExifOrientation)]), count);
    }

    /// <summary>The rows most similar to an image.</summary>
    /// <param name="index">The index.</param>
    /// <param name="transformer">The transformer that embedded the index's rows.</param>
    /// <param name="image">The image.</param>
    /// <param name="count">How many rows, at least 1; fewer come where there are not so many.</param>
    /// <returns>The most similar row first.</returns>
    /// <exception cref="ArgumentException">The embedding has another width than the index, or <paramref name="count"/>
    /// is below 1.</exception>
    public static Neighbor[] Search(
        this EmbeddingIndex index, EmbeddingTransformer transformer, MLImage image, int count = 10)
    {
        CheckWidth(index, transformer);
        return index.Search(transformer.Embed([image.ToRgbImage()]), count);
    }

    private static IEnumerable<string> Until(this IEnumerable<string> paths, CancellationToken token)
    {
        foreach (string path in paths)
        {
            token.ThrowIfCancellationRequested();
            yield return path;
        }
    }

    private static void CheckWidth(EmbeddingIndex index, EmbeddingTransformer transformer)
    {
        ArgumentNullException.ThrowIfNull(index);
        ArgumentNullException.ThrowIfNull(transformer);
        if (transformer.Encoder.EmbeddingDimension != index.Dimension)
        {
            throw new ArgumentException(
                $"The transformer's embeddings have {transformer.Encoder.EmbeddingDimension} values, the index's "
                + $"{index.Dimension}; "
                + "search with the encoder that the index was made with.", nameof(transformer));
        }
    }

    private static float[] Embed(this EmbeddingTransformer transformer, IReadOnlyList<RgbImage> images)
    {
        var embeddings = new float[images.Count * transformer.Encoder.EmbeddingDimension];
        transformer.ImageEncoder.Embed(images, embeddings);
        return embeddings;
    }
}
