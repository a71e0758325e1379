using System.Globalization;
using System.IO.Compression;
using static TorchSharp.torch;

namespace MLNet.Ssl.Tests;

/// <summary>Evaluators on data that was not made for them, against what scikit-learn
/// reaches on the same rows.</summary>
public sealed class ProbeRealDataTests
{
    private const int Training = 3000, Testing = 1000;

    [Fact]
    public void CovTypeRowsAreToldApartAsWellAsByScikitLearn()
    {
        using var scope = NewDisposeScope();
        var (features, labels) = CovType();
        var (x, y) = (features.narrow(0, 0, Training), labels.narrow(0, 0, Training));
        var (testX, testY) = (features.narrow(0, Training, Testing), labels.narrow(0, Training, Testing));

        var options = new LinearProbeOptions { Epochs = 40, LearningRates = [0.03, 0.3, 3] };
        using var probe = LinearProbe.Train(x, y, 7, options, testX, testY);
        using var closed = ClosedFormProbe.Train(x, y, 7);
        using var knn = new WeightedKnn(x, y, 7);
        Assert.InRange(probe.Chosen.Accuracy, Linear - 0.02, 1);
        Assert.Equal(LeastSquares, closed.Accuracy(testX, testY).Accuracy, 0.003);
        Assert.Equal(Nearest, knn.Accuracy(testX, testY, [20])[0].Accuracy, 0.003);
    }

    // scikit-learn 1.2.1 on the same rows: LogisticRegression(penalty=None, max_iter=5000),
    // KNeighborsClassifier(20, algorithm="brute", metric="cosine", weights=lambda d: exp((1 - d) / 0.07));
    // numpy's lstsq(X, eye(7)[y], rcond=1e-6).
    private const double Linear = 0.674, LeastSquares = 0.612, Nearest = 0.534;

    /// <summary>Every third of the balanced first 15,120 rows, from 12,000 rows in all; the ten continuous columns
    /// standardised by their own mean and deviation.</summary>
    private static (Tensor Features, Tensor Labels) CovType()
    {
        using var reader = new StreamReader(
            new GZipStream(File.OpenRead(RealData.Path("covtype/covtype.data.gz")), CompressionMode.Decompress));
        var (values, labels) = (new List<float>(), new List<long>());
        for (int i = 0; i < 3 * (Training + Testing); i++)
        {
            var fields = reader.ReadLine()!.Split(',').Select(f => float.Parse(f, CultureInfo.InvariantCulture))
                .ToArray();
            if (i % 3 != 0) continue;
            values.AddRange(fields[..54]);
            labels.Add((long)fields[54] - 1);
        }
        var rows = tensor(values.ToArray(), [labels.Count, 54]);
        var continuous = rows.narrow(1, 0, 10);
        var standard = continuous.sub(continuous.mean([0])).div(continuous.std(0, unbiased: false));
        return (cat([standard, rows.narrow(1, 10, 44)], 1), tensor(labels.ToArray()));
    }
}
