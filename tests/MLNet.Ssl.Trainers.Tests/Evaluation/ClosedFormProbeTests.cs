using static TorchSharp.torch;

namespace MLNet.Ssl.Tests;

public sealed class ClosedFormProbeTests
{
    [Fact]
    [Trait("Category", "Golden")]
    public void WeightsLogitsAndAccuracyAreThoseOfIMix()
    {
        using var scope = NewDisposeScope();
        var file = Golden.Load("imix_pinv_eval");
        int classes = file.Params.GetProperty("num_classes").GetInt32();
        using var probe =
            ClosedFormProbe.Train(file.Input("train_x").ToTensor(), file.Input("train_y").ToTensor(), classes);
        var (x, y) = (file.Input("test_x").ToTensor(), file.Input("test_y").ToTensor());
        file.Expected("weight").AssertClose(probe.Weight, 1e-4, "weight");
        file.Expected("test_logits").AssertClose(probe.Score(x), 1e-4, "logits");
        Assert.Equal(file.Expected("test_loss").Data[0], nn.functional.cross_entropy(probe.Score(x), y).item<float>(),
            1e-4);
        var accuracy = probe.Accuracy(x, y);
        Assert.Equal(file.Expected("test_top1_percent").Data[0], 100 * accuracy.Accuracy, 1e-4);
        Assert.Equal(Math.Min(5, classes), accuracy.TopKPredictionCount);
    }

    [Fact]
    public void ItIsTheLeastSquaresSolution()
    {
        // numpy on the same rows: W = lstsq(X, eye(4)[y])[0], (argmax(Xt @ W, 1) == yt).mean() and W[:, 0].
        using var scope = NewDisposeScope();
        var (train, test) = (Blobs.Draw(4, 11, 0.7, 400, 21), Blobs.Draw(4, 11, 0.7, 200, 22));
        using var probe = ClosedFormProbe.Train(train.Features, train.Labels, 4);
        Assert.Equal(0.635, probe.Accuracy(test.Features, test.Labels).Accuracy, 9);
        double[] first = [0.0979911, 0.11156646, 0.07568643, -0.20396597, 0.1522237, -0.19873944];
        Assert.All(first.Zip(probe.Weight.select(0, 0).data<double>().ToArray()), p =>
            Assert.Equal(p.First, p.Second, 1e-6));
    }

    [Fact]
    public void DependentFeaturesAreSolvedByTheLeastNorm()
    {
        // A copied column shares the weight; a constant zero column gets none.
        using var scope = NewDisposeScope();
        var (x, y) = Blobs.Draw(4, 11, 0.7, 400, 21);
        using var plain = ClosedFormProbe.Train(x, y, 4);
        using var copied = ClosedFormProbe.Train(cat([x, x.narrow(1, 0, 1), zeros(400, 1)], 1), y, 4);
        var (a, b) = (plain.Weight, copied.Weight);
        Assert.True(b.select(1, 0).allclose(a.select(1, 0).mul(0.5), atol: 1e-9));
        Assert.True(b.select(1, 6).allclose(b.select(1, 0), atol: 1e-9));
        Assert.True(b.select(1, 7).allclose(zeros(4, dtype: float64), atol: 1e-12));
    }

    [Fact]
    public void BadRowsAreRefused()
    {
        using var scope = NewDisposeScope();
        var (x, y) = Blobs.Draw(4, 11, 0.7, 40, 21);
        Assert.Equal("labels", Assert.Throws<ArgumentException>(() => ClosedFormProbe.Train(x, y, 3)).ParamName);
        Assert.Contains("NaN", Assert.Throws<ArgumentException>(() => ClosedFormProbe.Train(x.div(0), y, 4)).Message);
        Assert.Contains("(0, 6)",
            Assert.Throws<ArgumentException>(() => ClosedFormProbe.Train(zeros(0, 6), y, 4)).Message);
        Assert.Equal("numberOfClasses",
            Assert.ThrowsAny<ArgumentException>(() => ClosedFormProbe.Train(x, y, 1)).ParamName);
        using var probe = ClosedFormProbe.Train(x, y, 4);
        Assert.Contains("(features, 6)", Assert.Throws<ArgumentException>(() => probe.Score(zeros(2, 5))).Message);
        Assert.Equal("labels", Assert.Throws<ArgumentException>(() => probe.Accuracy(x, y.add(1))).ParamName);
    }
}
