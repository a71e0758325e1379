using static TorchSharp.torch;

namespace MLNet.Ssl.Tests;

public sealed class WeightedKnnTests
{
    [Fact]
    [Trait("Category", "Golden")]
    public void ScoresAndPredictionsAreThoseOfTheOfficialCode()
    {
        var file = Golden.Load("knn_classifier");
        var (train, test) = (file.Input("train_features"), file.Input("test_features"));
        var truth = file.Input("test_labels").Longs;
        int classes = file.Params.GetProperty("num_classes").GetInt32();
        using var features = tensor(train.Floats, train.Shape);
        using var labels = tensor(file.Input("train_labels").Longs);
        using var queries = tensor(test.Floats, test.Shape);
        int cases = 0;
        foreach (int k in file.Params.GetProperty("ks").EnumerateArray().Select(k => k.GetInt32()))
        {
            using var knn = new WeightedKnn(features, labels, classes, k, file.Params.GetProperty("T").GetSingle());
            using var scores = knn.Score(queries);
            using var probabilities = knn.Probabilities(queries);
            var actual = scores.data<float>().ToArray();
            var expected = file.Expected($"k{k}.scores").Data;
            Assert.Equal(expected.Length, actual.Length);
            Assert.All(expected.Zip(actual), p =>
                Assert.InRange(Math.Abs(p.First - p.Second), 0, 1e-4 * Math.Abs(p.First)));

            var predictions = scores.argmax(1).data<long>().ToArray();
            Assert.Equal(file.Expected($"k{k}.predictions").Longs, predictions);
            Assert.Equal(predictions, probabilities.argmax(1).data<long>().ToArray());
            Assert.Equal(file.Expected($"k{k}.top1_percent").Data[0], Percent(truth.Zip(predictions, (t, p) => t == p)),
                tolerance: 1e-3);

            int top = Math.Min(5, Math.Min(k, classes));
            var best = scores.topk(top, dim: 1).Item2.data<long>().ToArray().Chunk(top);
            Assert.Equal(file.Expected($"k{k}.top5_percent").Data[0], Percent(truth.Zip(best, (t, b) => b.Contains(t))),
                tolerance: 1e-3);

            using var answers = tensor(truth);
            var accuracy = Assert.Single(knn.Accuracy(queries, answers, [k]));
            Assert.Equal(file.Expected($"k{k}.top1_percent").Data[0], 100 * accuracy.Accuracy, tolerance: 1e-3);
            Assert.Equal(file.Expected($"k{k}.top5_percent").Data[0], 100 * accuracy.TopKAccuracy, tolerance: 1e-3);

            for (int row = 0; row < truth.Length; row++)
            {
                double sum = expected.Skip(row * classes).Take(classes).Sum();
                for (int c = 0; c < classes; c++)
                    Assert.Equal(expected[row * classes + c] / sum, probabilities[row, c].item<float>(), 1e-4);
            }
            cases++;
        }
        Assert.NotEqual(0, cases);

        static double Percent(IEnumerable<bool> hits) => 100 * hits.Average(hit => hit ? 1.0 : 0);
    }

    [Fact]
    public void MoreNeighborsThanSamplesMeansAllSamples()
    {
        using var features = tensor(new float[] { 1, 0, 0, 1, -1, 0 }, [3, 2]);
        using var labels = tensor(new long[] { 0, 1, 1 });
        using var queries = tensor(new float[] { 5, 0 }, [1, 2]);
        using var knn = new WeightedKnn(features, labels, 2, numberOfNeighbors: 50, temperature: 0.5f);
        using var scores = knn.Score(queries);
        Assert.Equal(Math.Exp(1 / 0.5), scores[0, 0].item<float>(), 4);
        Assert.Equal(Math.Exp(0) + Math.Exp(-1 / 0.5), scores[0, 1].item<float>(), 4);
    }

    [Fact]
    public void EqualScoresGoToTheLowerClass()
    {
        using var features = tensor(new float[] { 1, 0, 1, 0 }, [2, 2]);
        using var labels = tensor(new long[] { 2, 1 });
        using var knn = new WeightedKnn(features, labels, 3, 2);
        using var probabilities = knn.Probabilities(features);
        Assert.Equal([0, 0.5f, 0.5f, 0, 0.5f, 0.5f], probabilities.data<float>().ToArray());
        Assert.Equal([1L, 1L], probabilities.argmax(1).data<long>().ToArray());
    }

    [Fact]
    public void ProbabilitiesStayFiniteAtTemperaturesWhereScoresOverflow()
    {
        using var features = tensor(new float[] { 1, 0, 0, 1 }, [2, 2]);
        using var labels = tensor(new long[] { 0, 1 });
        using var knn = new WeightedKnn(features, labels, 2, 2, temperature: 1e-3f);
        using var probabilities = knn.Probabilities(features);
        Assert.Equal([1f, 0, 0, 1], probabilities.data<float>().ToArray());
    }

    [Fact]
    public void AccuraciesOfSeveralNumbersOfNeighborsAreThoseOfScikitLearn()
    {
        // scikit-learn 1.2.1 on the same rows: KNeighborsClassifier(k, algorithm="brute", metric="cosine",
        // weights=lambda d: exp((1 - d) / 0.07)) with X = centres[i % 7] + hash32(350·6, 41), centres = hash32(7·6,
        // 31, 0.5); score(test), and whether the label is among the first min(5, k) of
        // argsort(-predict_proba(test), kind="stable").
        using var scope = NewDisposeScope();
        var (train, test) = (Blobs.Draw(7, 31, 0.5, 350, 41), Blobs.Draw(7, 31, 0.5, 140, 42));
        using var knn = new WeightedKnn(train.Features, train.Labels, 7);
        var results = knn.Accuracy(test.Features, test.Labels, [50, 1, 10, 5, 5000]);
        Assert.Equal([50, 1, 10, 5, 5000], results.Select(r => r.NumberOfNeighbors));
        Assert.Equal([51, 47, 50, 47, 51], results.Select(r => (int)Math.Round(140 * r.Accuracy)));
        Assert.Equal([122, 47, 122, 124, 123], results.Select(r => (int)Math.Round(140 * r.TopKAccuracy)));
        Assert.Equal([5, 1, 5, 5, 5], results.Select(r => r.TopKPredictionCount));
        Assert.All(results, r => Assert.Equal((0.07, "l2"), (Math.Round(r.Temperature, 6), r.Normalization)));
        Assert.Equal([10, 20, 100, 200], knn.Accuracy(test.Features, test.Labels).Select(r => r.NumberOfNeighbors));
    }

    [Theory]
    [InlineData(7, new[] { 7 })]
    [InlineData(15, new[] { 10 })]
    [InlineData(100, new[] { 10, 20, 100 })]
    public void UsualNumbersOfNeighborsAreThoseThatThereAreRowsFor(int rows, int[] expected)
    {
        using var scope = NewDisposeScope();
        var (train, test) = (Blobs.Draw(7, 31, 0.5, rows, 41), Blobs.Draw(7, 31, 0.5, 20, 42));
        using var knn = new WeightedKnn(train.Features, train.Labels, 7);
        Assert.Equal(expected, knn.Accuracy(test.Features, test.Labels).Select(r => r.NumberOfNeighbors));
    }

    [Theory]
    [InlineData(1, 5000, 3, 40)]
    [InlineData(600, 2047, 200, 1)]
    [InlineData(257, 2049, 2049, 4)]
    [InlineData(300, 6000, 20, 16)]
    public void TheSearchFindsWhatSortingAllProductsFinds(int queries, int bank, int k, int width)
    {
        using var scope = NewDisposeScope();
        using var random = new Generator(9, CPU);
        var (q, b) = (randn(queries, width, generator: random), randn(bank, width, generator: random));
        var (similarity, row) = NeighborSearch.Find(q, b, k);
        var all = q.matmul(b.transpose(0, 1));
        Assert.True(similarity.allclose(all.topk(k, dim: 1).Item1, rtol: 1e-5, atol: 1e-6));
        Assert.True(all.gather(1, row).allclose(similarity, rtol: 1e-5, atol: 1e-6));
        Assert.All(row.data<long>().ToArray().Chunk(k), rows => Assert.Equal(k, rows.Distinct().Count()));
    }

    [Fact]
    public void ChunksDoNotShowInTheScores()
    {
        // A bank of 2^17 is taken in 64 tiles.
        using var random = new Generator(5);
        using var features = randn(1L << 17, 8L, generator: random);
        using var labels = randint(0L, 7L, new long[] { 1 << 17 }, dtype: ScalarType.Int64, generator: random);
        using var queries = randn(300L, 8L, generator: random);
        using var knn = new WeightedKnn(features, labels, 7, 10);
        using var together = knn.Score(queries);
        foreach (int row in new[] { 0, 149, 150, 255, 256, 299 })
        {
            using var alone = knn.Score(queries.narrow(0, row, 1));
            Assert.True(alone.allclose(together.narrow(0, row, 1), rtol: 1e-4));
        }
    }

    [Fact]
    public void TheBankIsACopy()
    {
        using var features = tensor(new float[] { 1, 0, 0, 1 }, [2, 2]);
        using var labels = tensor(new long[] { 0, 1 });
        using var knn = new WeightedKnn(features, labels, 2, 1);
        using var before = knn.Score(features);
        using var query = features.clone();
        features.fill_(3);
        labels.fill_(0);
        using var after = knn.Score(query);
        Assert.Equal(before.data<float>().ToArray(), after.data<float>().ToArray());
    }

    [Theory]
    [InlineData(0, 0.07f, 2, "numberOfNeighbors")]
    [InlineData(-1, 0.07f, 2, "numberOfNeighbors")]
    [InlineData(20, 0f, 2, "temperature")]
    [InlineData(20, -1f, 2, "temperature")]
    [InlineData(20, float.NaN, 2, "temperature")]
    [InlineData(20, 0.07f, 0, "numberOfClasses")]
    [InlineData(20, 0.07f, 1, "labels")]
    public void OptionsOutOfRangeAreRefusedByName(int k, float temperature, int classes, string name)
    {
        using var features = tensor(new float[] { 1, 0, 0, 1 }, [2, 2]);
        using var labels = tensor(new long[] { 0, 1 });
        Assert.Equal(name, Assert.ThrowsAny<ArgumentException>(() =>
            new WeightedKnn(features, labels, classes, k, temperature)).ParamName);
    }

    [Fact]
    public void FeaturesThatAreEmptyNotFiniteOrOfAnotherWidthAreRefused()
    {
        using var labels = tensor(new long[] { 0, 1 });
        using var none = zeros(0, 2);
        using var noLabels = zeros(0, dtype: ScalarType.Int64);
        using var good = tensor(new float[] { 1, 0, 0, 1 }, [2, 2]);
        using var three = zeros(2, 3);
        using var notANumber = tensor(new[] { 1, float.NaN, 0, 1 }, [2, 2]);
        Assert.Contains("(0, 2)", Assert.Throws<ArgumentException>(() => new WeightedKnn(none, noLabels, 2)).Message);
        Assert.Contains("NaN", Assert.Throws<ArgumentException>(() => new WeightedKnn(notANumber, labels, 2)).Message);
        Assert.Equal("labels", Assert.Throws<ArgumentException>(() => new WeightedKnn(good, noLabels, 2)).ParamName);
        using var knn = new WeightedKnn(good, labels, 2);
        Assert.Equal("labels", Assert.Throws<ArgumentException>(() => knn.Accuracy(good, labels.add(1))).ParamName);
        Assert.Equal("ks", Assert.ThrowsAny<ArgumentException>(() => knn.Accuracy(good, labels, [5, 0])).ParamName);
        Assert.Equal("ks", Assert.ThrowsAny<ArgumentException>(() => knn.Accuracy(good, labels, [])).ParamName);
        Assert.Contains("(2, 3)", Assert.Throws<ArgumentException>(() => knn.Accuracy(three, labels)).Message);
        Assert.Contains("(2, 3)", Assert.Throws<ArgumentException>(() => knn.Score(three)).Message);
    }
}
