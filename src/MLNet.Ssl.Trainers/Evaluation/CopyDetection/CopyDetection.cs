using MLNet.Ssl.Evaluation;
using MLNet.Ssl.Images;
using MLNet.Ssl.Networks;
using MLNet.Ssl.Options;
using MLNet.Ssl.Tensors;
using static TorchSharp.torch;

namespace MLNet.Ssl;

/// <summary>
/// Detection of manipulated copies as DINO measures it on Copydays (Caron et al.,
/// <see href="https://arxiv.org/abs/2104.14294">arXiv 2104.14294</see>, section 4.2): class token ⊕ generalised mean of
/// the patch tokens (Radenović et al., <see href="https://arxiv.org/abs/1711.02512">arXiv 1711.02512</see>), whitened
/// (<see cref="Whitening"/>), compared by cosine similarity; mAP over the nearest 20.
/// </summary>
/// <example><code>
/// using var others = CopyDetection.Features(encoder, otherImages);
/// using var whitening = Whitening.Learn(others);
/// using var queries = whitening.Apply(CopyDetection.Features(encoder, suspects));
/// using var database = whitening.Apply(CopyDetection.Features(encoder, originals));
/// Console.WriteLine($"mAP {CopyDetection.MeanAveragePrecision(queries, database, copiesOf):0.000}");
/// </code></example>
public static class CopyDetection
{
    private const int BatchSize = 16;
    private const double Power = 4;

    /// <summary>The features of images, not yet whitened.</summary>
    /// <param name="encoder">An encoder whose backbone is a vision transformer of width D.</param>
    /// <param name="images">Images of any size; each is resized exactly to the size, whatever its aspect
    /// (bicubic).</param>
    /// <param name="imageSize">Width and height in pixels, at least a patch. Default 320.</param>
    /// <returns>Features (N,2·D) on the CPU; the caller disposes of them.</returns>
    /// <exception cref="ArgumentException">There is no image, or the size is below a patch.</exception>
    /// <exception cref="NotSupportedException">The backbone is no vision transformer and has no patch
    /// tokens.</exception>
    public static Tensor Features(ImageEncoder encoder, IReadOnlyList<RgbImage> images, int imageSize = 320)
    {
        ArgumentNullException.ThrowIfNull(encoder);
        ArgumentNullException.ThrowIfNull(images);
        if (images.Count == 0) throw new ArgumentException("There is no image; expected at least one.", nameof(images));
        var transformer = Transformer(encoder, "copy-detection features");
        Check.InRange(imageSize, transformer.PatchSize, 1 << 15);

        using var mode = no_grad();
        using var scope = NewDisposeScope();
        var features = new List<Tensor>();
        foreach (var chunk in images.Chunk(BatchSize))
        {
            using var step = NewDisposeScope();
            var x = NativeTensor.Send(ResizedImage.Batch(chunk, imageSize, imageSize, Interpolation.Bicubic,
                encoder.Preprocessing.Normalization), encoder.Device);
            features.Add(Feature(transformer.IntermediateLayers(x, 1)[0], transformer.PrefixTokens)
                .MoveToOuterDisposeScope());
        }
        return cat(features, 0).cpu().MoveToOuterDisposeScope();
    }

    /// <summary>Class token ⊕ generalised mean (p = 4) of the patch tokens.</summary>
    /// <param name="tokens">Tokens (B,t+P,D) after the final norm, class token first:
    /// <see cref="ITokenBackbone.IntermediateLayers"/> with n = 1.</param>
    /// <param name="prefixTokens">Tokens t before those of the patches (<see cref="ITokenBackbone.PrefixTokens"/>).
    /// Default 1.</param>
    /// <returns>(B,2·D).</returns>
    /// <exception cref="ArgumentException">The tokens are not (B,t+P,D) with at least one patch.</exception>
    public static Tensor Feature(Tensor tokens, int prefixTokens = 1)
    {
        ArgumentNullException.ThrowIfNull(tokens);
        Check.AtLeast(prefixTokens, 1);
        if (tokens.shape is not [_, var count, _] || count <= prefixTokens)
        {
            throw new ArgumentException($"The tokens have the shape ({string.Join(", ", tokens.shape)}); "
                + "expected (images, "
                + $"{prefixTokens} + patches, width).", nameof(tokens));
        }
        using var scope = NewDisposeScope();
        var patches = tokens.narrow(1, prefixTokens, tokens.size(1) - prefixTokens);
        return cat([tokens.select(1, 0), GemPooling.Pool(patches, Power)], 1).MoveToOuterDisposeScope();
    }

    /// <summary>
    /// Mean over all queries of the trapezoidal average precision within the nearest rows; positives beyond them add
    /// nothing.
    /// </summary>
    /// <param name="queries">Features (Q,D); they need not be normalised.</param>
    /// <param name="database">Features (N,D) of originals and distractors.</param>
    /// <param name="positives">For each query the rows of the database that it is a copy of, at least one.</param>
    /// <param name="neighbors">How many of the nearest rows are looked at. Default 20.</param>
    /// <returns>mAP, from 0 to 1.</returns>
    /// <exception cref="ArgumentException">Shapes that do not fit, features that are not finite, a query without
    /// positives, or a row outside of the database.
    /// </exception>
    public static double MeanAveragePrecision(Tensor queries, Tensor database,
        IReadOnlyList<IReadOnlyList<int>> positives, int neighbors = 20)
    {
        ArgumentNullException.ThrowIfNull(positives);
        Ranking.CheckFeatures(queries, database);
        Check.AtLeast(neighbors, 1);
        if (positives.Count != queries.shape[0])
            throw new ArgumentException(
                $"There are positives for {positives.Count} queries; expected {queries.shape[0]}.", nameof(positives));
        for (int query = 0; query < positives.Count; query++)
        {
            if (positives[query].Count == 0)
                throw new ArgumentException($"Query {query} has no positive; every query must be a copy.",
                nameof(positives));
            RetrievalGroundTruth.Of(positives[query]).Validate(query, (int)database.shape[0]);
        }

        double sum = 0;
        foreach (var (query, nearest) in Ranking.Nearest(queries, [database], neighbors).Index())
        {
            int[] ranks = [.. nearest.Index().Where(n => positives[query].Contains(n.Item.Row)).Select(n => n.Index)];
            sum += AveragePrecision.Trapezoid(ranks, positives[query].Count);
        }
        return sum / positives.Count;
    }

    internal static ITokenBackbone Transformer(ImageEncoder encoder, string purpose) =>
        encoder.Backbone as ITokenBackbone
        ?? throw new NotSupportedException(
        $"There are no {purpose} of a {encoder.Backbone.GetType().Name}: they need a vision transformer.");
}
