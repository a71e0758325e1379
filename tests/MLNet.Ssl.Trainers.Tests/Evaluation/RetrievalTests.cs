using FsCheck.Xunit;
using static TorchSharp.torch;

namespace MLNet.Ssl.Tests;

public sealed class RetrievalTests
{
    /// <summary>The published definition, item by item, with nothing clever.</summary>
    private static double Naive(IReadOnlyList<bool?> ranking)
    {
        var judged = ranking.Where(item => item is not null).Select(item => item!.Value).ToList();
        double before = 1, area = 0, hits = 0;
        for (int i = 0; i < judged.Count; i++)
        {
            if (i > 0) before = hits / i;
            if (!judged[i]) continue;
            hits++;
            area += (before + hits / (i + 1)) / 2;
        }
        return area / hits;
    }

    [Property(MaxTest = 60)]
    public void MetricsAreThoseOfANaiveLoop(int seed)
    {
        using var scope = NewDisposeScope();
        var random = new Random(seed);
        int queries = random.Next(1, 5), rows = random.Next(3, 30), width = random.Next(1, 5);
        var (query, database) = (randn(queries, width, generator: new Generator((ulong)(uint)seed)),
            randn(rows, width, generator: new Generator((ulong)(uint)seed + 1)));
        // 0 negative, 1 easy, 2 hard, 3 junk; row 0 is easy and row 1 hard, so that no query is without.
        int[][] relation = [.. Enumerable.Range(0, queries)
            .Select(_ => Enumerable.Range(0, rows).Select(i => i < 2 ? i + 1 : random.Next(4)).ToArray())];
        int[] Of(int q, int code) => [.. Enumerable.Range(0, rows).Where(i => relation[q][i] == code)];
        RetrievalGroundTruth[] truth =
            [.. Enumerable.Range(0, queries).Select(q => new RetrievalGroundTruth(Of(q, 1), Of(q, 2), Of(q, 3)))];

        var similarity = Ranking.Normalise(query).matmul(Ranking.Normalise(database).transpose(0, 1));
        foreach (var protocol in Enum.GetValues<RetrievalProtocol>())
        {
            var metrics = RetrievalEvaluator.Evaluate(query, database, truth, protocol);
            for (int q = 0; q < queries; q++)
            {
                bool? Judge(int row) => (relation[q][row], protocol) switch
                {
                    (0, _) => false,
                    (1, RetrievalProtocol.Easy or RetrievalProtocol.Medium) => true,
                    (2, RetrievalProtocol.Hard or RetrievalProtocol.Medium) => true,
                    _ => null,
                };
                var order = Enumerable.Range(0, rows).OrderByDescending(row => similarity[q, row].item<float>())
                    .Select(Judge).ToList();
                Assert.Equal(Naive(order), metrics.AveragePrecisions[q], 1e-9);
                var judged = order.Where(item => item is not null).ToList();
                int depth = Math.Min(judged.FindLastIndex(item => item == true) + 1, 5);
                Assert.Equal(judged.Take(depth).Count(item => item == true) / (double)depth, metrics.PrecisionsAt[5][q],
                    1e-9);
            }
        }
    }

    [Fact]
    public void APerfectRankingHasAveragePrecisionOneWhateverIsIgnored()
    {
        using var scope = NewDisposeScope();
        var database = tensor(new float[] { 1, 0, 0.9f, 0.1f, 0.8f, 0.2f, 0, 1 }, [4, 2]);
        var query = tensor(new float[] { 2, 0 }, [1, 2]);
        var metrics = RetrievalEvaluator.Evaluate(query, database, [new([0], [2], [1])]);
        Assert.Equal(1, metrics.MeanAveragePrecision);
        Assert.All(metrics.MeanPrecisionAt.Values, p => Assert.Equal(1, p));
        // Without the junk the easy one leads as well; the hard one comes first when the easy one is ignored.
        Assert.Equal(1, RetrievalEvaluator.Evaluate(query, database, [new([0], [2], [1])], RetrievalProtocol.Hard)
            .MeanAveragePrecision);
        Assert.Equal((1 + (1 / 2.0 + 2 / 3.0) / 2) / 2,
            RetrievalEvaluator.Evaluate(query, database, [new([0], [2], [])]).MeanAveragePrecision, 1e-12);
    }

    [Fact]
    public void EqualSimilaritiesKeepTheDatabasesOrder()
    {
        Assert.Equal([1, 0, 2, 3, 4], Ranking.Descending([0f, 0.5f, -0f, -1f, -1f]));
    }

    [Fact]
    public void WrongInputIsNamed()
    {
        using var scope = NewDisposeScope();
        var (query, database) = (ones(2, 3), ones(4, 3));
        RetrievalGroundTruth good = RetrievalGroundTruth.Of([0]), none = RetrievalGroundTruth.Of([]);
        Assert.Contains("1 queries; expected 2", Message(() => RetrievalEvaluator.Evaluate(query, database, [good])));
        Assert.Contains("Query 1: Easy names row 4",
            Message(() => RetrievalEvaluator.Evaluate(query, database, [good, RetrievalGroundTruth.Of([4])])));
        Assert.Contains("Query 0: Junk names row 0, which is listed before",
            Message(() => RetrievalEvaluator.Evaluate(query, database, [good with { Junk = [0] }, good])));
        Assert.Contains("No query has a positive",
            Message(() => RetrievalEvaluator.Evaluate(query, database, [none, none])));
        Assert.Contains("precisionAt is 0",
            Message(() => RetrievalEvaluator.Evaluate(query, database, [good, good], precisionAt: [0])));
        Assert.Contains("3 wide, the database 2",
            Message(() => RetrievalEvaluator.Evaluate(query, ones(4, 2), [good, good])));
        Assert.Contains("NaN", Message(() => RetrievalEvaluator.Evaluate(query * float.NaN, database, [good, good])));
        Assert.Contains("rank", Message(() => AveragePrecision.Trapezoid([2, 2], 3)),
            StringComparison.OrdinalIgnoreCase);
        Assert.Contains("positives is 1", Message(() => AveragePrecision.Trapezoid([0, 1], 1)));

        static string Message(Action action) => Assert.ThrowsAny<ArgumentException>(action).Message;
    }

    [Theory]
    // What Pillow 9.4 makes of rule images by thumbnail(LANCZOS): the size, and the SHA-256 of the bytes.
    [InlineData(37, 23, 1, 16, 16, 10, "9a9acbbdc3312781c0c3b410ca2d9f2d4c1e1d95b0c17f6fa777ec08ef734fac")]
    [InlineData(23, 37, 2, 16, 10, 16, "d70abe14a37e7a85329f6303700083908066c025cb7134720fc047f9cbecadb3")]
    [InlineData(64, 48, 3, 30, 30, 23, "cf5f7d5cd0e29a9fe201e9816abb87d4acadfa12f4975db4b0e544ab2307dde0")]
    [InlineData(50, 50, 4, 33, 33, 33, "9374093fbf9ed1aea9d2982931b64f9044a1b4183c8825330d79d6a12e478b6f")]
    [InlineData(101, 7, 5, 40, 40, 3, "e0e91e59fe4fc2a202caa9714e8174f6a459182571b915e088ef206c3bed07ee")]
    [InlineData(20, 20, 6, 32, 20, 20, "8c7d75b019c20aac3535400ae44e67542f76b485e968b8883c40bc15ec6d6547")]
    public void ImagesAreShrunkAsPillowShrinksThem(int width, int height, uint seed, int square, int newWidth,
        int newHeight, string sha256)
    {
        var image =
            new RgbImage(Array.ConvertAll(GoldenRules.ImageU8(height, width, seed), v => (byte)v), width, height);
        Assert.Equal((newWidth, newHeight), RetrievalFeatures.Fit(width, height, square));
        var shrunk = ResizedImage.Of(image, newWidth, newHeight, (newWidth, newHeight), Interpolation.Lanczos);
        Assert.Equal(sha256,
            Convert.ToHexStringLower(System.Security.Cryptography.SHA256.HashData(shrunk.Pixels.Span)));
    }

    [Theory]
    // What PyTorch 1.13 gives for (k² mod 17) of the rising k,
    // interpolate(scale_factor, bilinear, align_corners=false).
    [InlineData(7, 5, 0.5, 3, 2, new[] { 2.75f, 10.25f, 5.5f, 6.25f, 12.75f, 6.75f })]
    [InlineData(5, 9, 0.3, 1, 2, new[] { 11.5f, 11.25f })]
    [InlineData(13, 6, 0.7071067811865475, 9, 4,
        new[] { 1.136039f, 5.120058f, 10.040368f, 11.729185f, 7.776912f, 12.448485f, 7.368795f, 3.808046f })]
    public void ScalesAreThoseOfPyTorch(int height, int width, double scale, int newHeight, int newWidth,
        float[] expected)
    {
        using var scope = NewDisposeScope();
        float[] values = [.. Enumerable.Range(0, height * width).Select(k => (float)(k * k % 17))];
        var scaled = RetrievalFeatures.Scaled(tensor(values, [1, 1, height, width]), scale);
        Assert.Equal([1, 1, newHeight, newWidth], scaled.shape);
        Assert.All(expected.Zip(scaled.data<float>().ToArray()), p => Assert.Equal(p.First, p.Second, 1e-4f));
    }

    [Fact]
    public void MultiScaleFeaturesAreTheNormalisedMeanOverThreeScales()
    {
        using var scope = NewDisposeScope();
        using var encoder = Encoders.Transformer();
        var image = Images.Random(40, 24, 7);
        var one = RetrievalFeatures.Extract(encoder, [image], imageSize: 32);
        var many =
            RetrievalFeatures.Extract(encoder, [Images.Random(33, 50, 8), image], imageSize: 32, multiScale: true);
        Assert.Equal([1, encoder.EmbeddingDimension], one.shape);
        Assert.Equal([2, encoder.EmbeddingDimension], many.shape);
        Assert.True(many.norm(1).allclose(ones(2), rtol: 1e-5));

        var x = ResizedImage.Batch([image], 32, 19, Interpolation.Lanczos, Normalization.ImageNet);
        using var mode = no_grad();
        var single = encoder.Backbone.call(x);
        Assert.True(Ranking.Normalise(single).allclose(one, rtol: 1e-4, atol: 1e-6));
        var sum = single + encoder.Backbone.call(RetrievalFeatures.Scaled(x, 1 / Math.Sqrt(2)))
            + encoder.Backbone.call(RetrievalFeatures.Scaled(x, 0.5));
        Assert.True((sum / sum.norm()).allclose(many.narrow(0, 1, 1), rtol: 1e-4, atol: 1e-6));
        Assert.False(one.allclose(many.narrow(0, 1, 1), rtol: 1e-3, atol: 1e-4));
    }

    [Fact]
    public void ImagesTooSmallForTheNetworkAreNamed()
    {
        using var encoder = Encoders.Transformer();
        Assert.Contains("Image 1 comes to 12×4", Assert.Throws<ArgumentException>(
            () => RetrievalFeatures.Extract(encoder, [Images.Random(20, 20, 1), Images.Random(12, 4, 2)],
                multiScale: true)).Message);
        Assert.Throws<ArgumentException>(() => RetrievalFeatures.Extract(encoder, []));
        Assert.Throws<ArgumentOutOfRangeException>(() =>
            RetrievalFeatures.Extract(encoder, [Images.Random(9, 9, 1)], imageSize: 0));
    }

    [Fact]
    public void ACropIsTheRectangleOfTheImage()
    {
        var image = Images.Random(7, 5, 3);
        var crop = image.Crop(2, 1, 3, 4);
        Assert.Equal((3, 4), (crop.Width, crop.Height));
        for (int y = 0; y < 4; y++)
            Assert.Equal(image.Pixels.Slice(3 * ((y + 1) * 7 + 2), 9).ToArray(), crop.Pixels.Slice(9 * y, 9).ToArray());
        Assert.Contains("6×1 pixels at (2, 0)", Assert.Throws<ArgumentException>(() => image.Crop(2, 0, 6, 1)).Message);
        Assert.Throws<ArgumentException>(() => image.Crop(-1, 0, 1, 1));
        Assert.Throws<ArgumentException>(() => image.Crop(0, int.MaxValue, 1, 1));
    }
}
