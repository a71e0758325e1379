using System.Text.RegularExpressions;
using FsCheck.Xunit;
using static TorchSharp.torch;

namespace MLNet.Ssl.Tests;

public sealed class CopyDetectionTests
{
    [Fact]
    [Trait("Category", "Golden")]
    public void FeaturesAndPoolingAreTheOfficialOnes()
    {
        using var scope = NewDisposeScope();
        var file = Golden.Load("gem_whitening");
        var tokens = file.Input("tokens").ToTensor();
        file.Expected("copy_detection_feature").AssertClose(CopyDetection.Feature(tokens), 1e-5, "feature");
        var powers = file.ExpectedNames.Select(name => Regex.Match(name, @"^gem_p(\d+)$")).Where(m => m.Success)
            .ToList();
        Assert.NotEmpty(powers);
        foreach (var power in powers)
        {
            var pooled = GemPooling.Pool(tokens.narrow(1, 1, tokens.size(1) - 1), double.Parse(power.Groups[1].Value));
            file.Expected(power.Value).AssertClose(pooled, 1e-5, power.Value);
        }
    }

    [Fact]
    [Trait("Category", "Golden")]
    public void WhiteningIsTheOfficialOneUpToSigns()
    {
        using var scope = NewDisposeScope();
        var file = Golden.Load("gem_whitening");
        using var whitening = Whitening.Learn(file.Input("whiten_train").ToTensor());
        var (database, queries) = (whitening.Apply(file.Input("whiten_database").ToTensor()),
            whitening.Apply(file.Input("whiten_queries").ToTensor()));
        file.Expected("whitened_database_gram").AssertClose(database.matmul(database.transpose(0, 1)), 1e-4, "gram");
        file.Expected("whitened_query_database")
            .AssertClose(queries.matmul(database.transpose(0, 1)), 1e-4, "products");
        file.Expected("similarity").AssertClose(Ranking.Normalise(queries)
            .matmul(Ranking.Normalise(database).transpose(0, 1)), 1e-4, "similarity");
    }

    [Fact]
    [Trait("Category", "Golden")]
    public void MicroAveragePrecisionIsTheOfficialOne()
    {
        var file = Golden.Load("micro_ap");
        var scores = file.Input("prediction_score").Floats;
        CopyMatch[] truth =
            [.. file.Input("ground_truth_query_db").Longs.Chunk(2).Select(p => new CopyMatch((int)p[0], (int)p[1]))];
        CopyMatch[] predictions = [.. file.Input("prediction_query_db").Longs.Chunk(2)
            .Select((p, i) => new CopyMatch((int)p[0], (int)p[1], scores[i]))];
        var metrics = MicroAveragePrecision.Evaluate(truth, predictions);
        file.Expected("micro_ap").AssertValues([metrics.MicroAP], 1e-6, "micro_ap");
        file.Expected("recall_at_p90").AssertValues([metrics.RecallAtPrecision90 ?? -1], 1e-6, "recall_at_p90");
        file.Expected("threshold_at_p90")
            .AssertValues([metrics.ThresholdAtPrecision90 ?? -1], 1e-6, "threshold_at_p90");
        file.Expected("recall_at_rank1").AssertValues([metrics.RecallAtRank1], 1e-6, "recall_at_rank1");
        file.Expected("recall_at_rank10").AssertValues([metrics.RecallAtRank10], 1e-6, "recall_at_rank10");
        file.Expected("precisions").AssertValues(metrics.Precisions, 1e-6, "precisions");
        file.Expected("recalls").AssertValues(metrics.Recalls, 1e-6, "recalls");
    }

    [Fact]
    public void WhitenedCentredFeaturesHaveUnitCovariance()
    {
        using var scope = NewDisposeScope();
        var features = randn(300L, 5L, generator: new Generator(2)).matmul(randn(5L, 5L, generator: new Generator(3)));
        features -= features.mean([0]);
        using var whitening = Whitening.Learn(features);
        var white = whitening.Apply(features);
        Assert.True(white.transpose(0, 1).matmul(white).div(300).allclose(eye(5), rtol: 1e-3, atol: 1e-3));
        using var fewer = Whitening.Learn(features, components: 2);
        Assert.Equal((5, 2), (fewer.Dimension, fewer.Components));
        Assert.True(fewer.Apply(features).allclose(white.narrow(1, 0, 2), rtol: 1e-4, atol: 1e-5));
    }

    [Fact]
    public void WhiteningDoesNotBlowUpDirectionsWithoutVariance()
    {
        using var scope = NewDisposeScope();
        var features = randn(50L, 4L, generator: new Generator(4));
        features.select(1, 3).zero_();
        using var whitening = Whitening.Learn(features);
        var off = whitening.Apply(features.mean([0]).unsqueeze(0) + tensor(new float[] { 0, 0, 0, 1 }, [1, 4]));
        // 1e-5 of the largest eigenvalue is what the missing direction is divided by.
        double largest = linalg.eigvalsh(features.transpose(0, 1).matmul(features).div(50)).max().item<float>();
        Assert.Equal(1 / Math.Sqrt(1e-5 * largest), off.norm().item<float>(), 0.5);
    }

    [Fact]
    public void MeanAveragePrecisionCountsWhatIsFoundAmongTheNearest()
    {
        using var scope = NewDisposeScope();
        var database = eye(6);
        var query = tensor(new float[] { 6, 5, 4, 3, 2, 1, 1, 2, 3, 4, 5, 6 }, [2, 6]);
        Assert.Equal(1, CopyDetection.MeanAveragePrecision(query, database, [[0], [5, 4]]));
        // Query 0 finds row 1 at rank 1; query 1 looks for rows 0 and 5, of which one is beyond the nearest three.
        double expected = ((0.0 + 1 / 2.0) / 2 + 1 / 2.0) / 2;
        Assert.Equal(expected, CopyDetection.MeanAveragePrecision(query, database, [[1], [0, 5]], neighbors: 3), 1e-12);
        Assert.Contains("Query 1 has no positive", Assert.Throws<ArgumentException>(() =>
            CopyDetection.MeanAveragePrecision(query, database, [[1], []])).Message);
        Assert.Contains("Query 0", Assert.Throws<ArgumentException>(() =>
            CopyDetection.MeanAveragePrecision(query, database, [[6], [0]])).Message);
    }

    [Property(MaxTest = 100)]
    public void MicroAveragePrecisionIsTheAreaUnderTheCurveOfAllThresholds(int seed)
    {
        var random = new Random(seed);
        var pairs = Enumerable.Range(0, 4).SelectMany(q => Enumerable.Range(0, 6).Select(d => (q, d)))
            .OrderBy(_ => random.Next()).ToArray();
        CopyMatch[] truth = [.. pairs.Take(random.Next(1, 8)).Select(p => new CopyMatch(p.q, p.d))];
        // Few different scores, so that there are ties.
        CopyMatch[] predictions = [.. pairs.OrderBy(_ => random.Next()).Take(random.Next(0, 20))
            .Select(p => new CopyMatch(p.q, p.d, random.Next(6) / 5f))];
        bool Right(CopyMatch p) => truth.Any(t => t.Query == p.Query && t.Database == p.Database);

        double area = 0;
        foreach (var right in predictions.Where(Right))
        {
            // Of equally scored right ones each is as far as all that come no later than it
            // in some order: they count one by one.
            int above = predictions.Count(p => p.Score > right.Score || (p.Score == right.Score && !Right(p)));
            int rightAbove = predictions.Count(p => p.Score > right.Score && Right(p)),
                peers = predictions.Count(p => p.Score == right.Score && Right(p));
            for (int i = 1; i <= peers; i++) area += (rightAbove + i) / (double)(above + i) / peers / truth.Length;
        }
        var metrics = MicroAveragePrecision.Evaluate(truth, predictions);
        Assert.Equal(area, metrics.MicroAP, 1e-9);

        var scaled = MicroAveragePrecision.Evaluate(truth,
            [.. predictions.Select(p => p with { Score = 3 * p.Score - 7 }).Reverse()]);
        Assert.Equal(metrics.MicroAP, scaled.MicroAP, 1e-12);
        Assert.Equal((metrics.RecallAtRank1, metrics.RecallAtRank10, metrics.RecallAtPrecision90),
            (scaled.RecallAtRank1, scaled.RecallAtRank10, scaled.RecallAtPrecision90));
    }

    [Fact]
    public void PairsGivenTwiceAndScoresThatAreNoNumbersAreRefused()
    {
        CopyMatch pair = new(3, 5, 1);
        Assert.Contains("(query 3, database 5) is given twice",
            Assert.Throws<ArgumentException>(() => MicroAveragePrecision.Evaluate([pair], [pair, pair])).Message);
        Assert.Contains("twice",
            Assert.Throws<ArgumentException>(() => MicroAveragePrecision.Evaluate([pair, pair], [pair])).Message);
        Assert.Contains("NaN", Assert.Throws<ArgumentException>(() =>
            MicroAveragePrecision.Evaluate([pair], [pair with { Score = float.NaN }])).Message);
        Assert.Throws<ArgumentException>(() => MicroAveragePrecision.Evaluate([], [pair]));
        Assert.Equal((0, null), (MicroAveragePrecision.Evaluate([pair], []).MicroAP,
            MicroAveragePrecision.Evaluate([pair], []).RecallAtPrecision90));
    }

    [Fact]
    public void AManipulatedCopyIsFoundAmongOthers()
    {
        using var scope = NewDisposeScope();
        using var encoder = Encoders.Transformer();
        RgbImage[] originals = [.. Enumerable.Range(0, 40).Select(i => Draw(i, 32, 0, 1))],
            copies = [.. Enumerable.Range(0, 12).Select(i => Draw(i, 27, 25, 0.8))];
        var (database, queries) =
            (CopyDetection.Features(encoder, originals, 32), CopyDetection.Features(encoder, copies, 32));
        Assert.Equal([40, 2 * encoder.EmbeddingDimension], database.shape);
        using var whitening = Whitening.Learn(
            CopyDetection.Features(encoder, [.. Enumerable.Range(100, 150).Select(i => Draw(i, 32, 0, 1))], 32));
        int[][] positives = [.. Enumerable.Range(0, 12).Select(i => new[] { i })];
        double plain = CopyDetection.MeanAveragePrecision(queries, database, positives);
        double whitened =
            CopyDetection.MeanAveragePrecision(whitening.Apply(queries), whitening.Apply(database), positives);
        // Chance is below 0.1.
        Assert.InRange(whitened, Math.Max(0.8, plain), 1);
    }

    /// <summary>Three random discs on a random ground: the same picture at any size, brightness and contrast.</summary>
    private static RgbImage Draw(int seed, int side, int brightness, double contrast)
    {
        var random = new Random(seed);
        var discs = Enumerable.Range(0, 3)
            .Select(_ => (X: random.NextDouble(), Y: random.NextDouble(), R: 0.1 + 0.3 * random.NextDouble(),
            Colour: new[] { random.Next(256), random.Next(256), random.Next(256) })).ToArray();
        var ground = new[] { random.Next(256), random.Next(256), random.Next(256) };
        var pixels = new byte[3 * side * side];
        for (int i = 0; i < pixels.Length; i++)
        {
            double x = (i / 3 % side + 0.5) / side, y = (i / 3 / side + 0.5) / side;
            var colour = discs.Where(d => (x - d.X) * (x - d.X) + (y - d.Y) * (y - d.Y) < d.R * d.R)
                .Select(d => d.Colour).FirstOrDefault(ground);
            pixels[i] = (byte)Math.Clamp(contrast * colour[i % 3] + brightness, 0, 255);
        }
        return new(pixels, side, side);
    }

    [Fact]
    public void WrongInputIsRefused()
    {
        using var scope = NewDisposeScope();
        using var network = Encoders.ResNet();
        using var encoder = Encoders.Transformer();
        Assert.Contains("ResNet", Assert.Throws<NotSupportedException>(() =>
            CopyDetection.Features(network, [Images.Random(8, 8, 1)])).Message);
        Assert.Contains("imageSize is 3", Assert.Throws<ArgumentOutOfRangeException>(() =>
            CopyDetection.Features(encoder, [Images.Random(8, 8, 1)], 3)).Message);
        Assert.Throws<ArgumentException>(() => CopyDetection.Features(encoder, []));
        Assert.Contains("(2, 1, 4)",
            Assert.Throws<ArgumentException>(() => CopyDetection.Feature(ones(2, 1, 4))).Message);
        Assert.Contains("power is 0",
            Assert.Throws<ArgumentOutOfRangeException>(() => GemPooling.Pool(ones(1, 2, 3), 0)).Message);
        Assert.Contains("zero", Assert.Throws<ArgumentException>(() => Whitening.Learn(zeros(4, 2))).Message);
        Assert.Contains("components is 3",
            Assert.Throws<ArgumentOutOfRangeException>(() => Whitening.Learn(ones(4, 2), 3)).Message);
        using var whitening = Whitening.Learn(ones(4, 2));
        Assert.Contains("(1, 3)", Assert.Throws<ArgumentException>(() => whitening.Apply(ones(1, 3))).Message);
    }
}
