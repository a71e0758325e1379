using static TorchSharp.torch;

namespace MLNet.Ssl.Tests;

/// <summary>The evaluators on real photos, with a network of random weights: colours and coarse
/// shapes are what it sees.</summary>
public sealed class RetrievalPhotoTests
{
    private static ImageEncoder RandomTransformer() => new(
        new VisionTransformerOptions
        {
            ImageSize = 64,
            PatchSize = 8,
            EmbeddingDimension = 96,
            Depth = 2,
            Heads = 3
        }.Create(new Generator(5)),
        ImagePreprocessing.For(64));

    private static (RgbImage[] Images, string[] Kinds) Photos()
    {
        string[] paths = [.. Directory.GetFiles(RealData.Path("photos"), "*.jpg", SearchOption.AllDirectories)
            .Order(StringComparer.Ordinal)];
        return ([.. paths.Select(RgbImages.Load)],
            [.. paths.Select(path => Path.GetFileName(Path.GetDirectoryName(path)!))]);
    }

    [Fact]
    public void FlowersOfAKindAreNearerThanChance()
    {
        var (images, kinds) = Photos();
        using var scope = NewDisposeScope();
        using var encoder = RandomTransformer();
        using var features = RetrievalFeatures.Extract(encoder, images, imageSize: 96, multiScale: true);
        // Every photo searches for the others of its kind; itself is junk.
        RetrievalGroundTruth[] truth = [.. kinds.Select((kind, i) =>
            RetrievalGroundTruth.Of([.. Enumerable.Range(0, kinds.Length).Where(j => j != i && kinds[j] == kind)], i))];
        var found = RetrievalEvaluator.Evaluate(features, features, truth);
        var chance = RetrievalEvaluator.Evaluate(randn(features.shape, generator: new Generator(1)), features, truth);
        Assert.Equal(images.Length, found.AveragePrecisions.Count(ap => !double.IsNaN(ap)));
        Assert.True(found.MeanAveragePrecision > chance.MeanAveragePrecision + 0.05,
            $"{found.MeanAveragePrecision:0.000} against {chance.MeanAveragePrecision:0.000}");
        Assert.True(found.MeanPrecisionAt[5] > chance.MeanPrecisionAt[5]);
    }

    [Fact]
    public void CroppedAndShrunkCopiesOfPhotosAreDetected()
    {
        var (images, _) = Photos();
        using var scope = NewDisposeScope();
        using var encoder = RandomTransformer();
        // Learnt on half of the photos, measured on the other.
        RgbImage[] originals = [.. images.Where((_, i) => i % 2 == 0)],
            others = [.. images.Where((_, i) => i % 2 == 1)];
        RgbImage[] copies = [.. originals.Select(Manipulated)];
        using var whitening = Whitening.Learn(CopyDetection.Features(encoder, others, 96));
        var (queries, database) = (whitening.Apply(CopyDetection.Features(encoder, copies, 96)),
            whitening.Apply(CopyDetection.Features(encoder, originals, 96)));
        int[][] positives = [.. Enumerable.Range(0, originals.Length).Select(i => new[] { i })];
        double map = CopyDetection.MeanAveragePrecision(queries, database, positives);
        Assert.InRange(map, 0.7, 1);

        // The same as one pool of predictions.
        var index = new EmbeddingIndex((int)database.shape[1]);
        for (int i = 0; i < originals.Length; i++) index.Add($"{i}", database[i].data<float>().ToArray());
        var nearest = index.SearchMany(queries.data<float>().ToArray(), 5);
        var micro = MicroAveragePrecision.Evaluate([.. positives.Select((p, i) => new CopyMatch(i, p[0]))],
            [.. nearest.SelectMany((list, i) => list.Select(n => new CopyMatch(i, n.Row, n.Similarity)))]);
        Assert.InRange(micro.RecallAtRank1, 0.6, 1);
        Assert.InRange(micro.MicroAP, 0.4, 1);
    }

    /// <summary>A tenth cut off on each side, and a quarter darker.</summary>
    private static RgbImage Manipulated(RgbImage image)
    {
        var crop = image.Crop(image.Width / 10, image.Height / 10, image.Width * 8 / 10, image.Height * 8 / 10);
        return crop with { Pixels = crop.Pixels.ToArray().Select(v => (byte)(v * 3 / 4)).ToArray() };
    }
}
