using CustomMethod;
using Microsoft.ML;
using MLNet.Ssl.Samples;
using static TorchSharp.torch;

namespace MLNet.Ssl.Tests;

/// <summary>A method that a user writes, of the sample: it is trained, saved, resumed and reported like any other.</summary>
public sealed class CustomMethodTests : IDisposable
{
    private static readonly BarlowTwinsOptions Small = new()
    {
        Backbone = new ResNetOptions { BlocksPerStage = [1, 1], Width = 16, Stem = ResNetStem.SmallStride2 },
        ProjectionDimension = 128,
        BatchSize = 64,
        Seed = 1,
        Threads = 2,
    };

    private readonly string _folder = Directory.CreateTempSubdirectory("custom").FullName;

    public void Dispose() => Directory.Delete(_folder, recursive: true);

    [Theory]
    [InlineData(8, 5)]
    [InlineData(33, 12)]
    public void TheLossIsThePapers(int rows, int width)
    {
        using var scope = NewDisposeScope();
        using var generator = new Generator(7, CPU);
        Tensor first = randn([rows, width], generator: generator) * 3 + 1, second = first + randn([rows, width], generator: generator);
        double[,] a = Standardized(first), b = Standardized(second);
        double expected = 0;
        for (int i = 0; i < width; i++)
        {
            for (int j = 0; j < width; j++)
            {
                double correlation = 0;
                for (int n = 0; n < rows; n++) correlation += a[n, i] * b[n, j] / rows;
                expected += i == j ? Math.Pow(1 - correlation, 2) : 0.005 * correlation * correlation;
            }
        }
        Assert.Equal(expected, BarlowTwins.Loss(first, second, 0.005).item<float>(), 1e-5 * Math.Max(1, expected));

        double[,] Standardized(Tensor z)
        {
            var columns = new double[rows, width];
            var values = z.data<float>().ToArray();
            for (int j = 0; j < width; j++)
            {
                double[] column = [.. Enumerable.Range(0, rows).Select(n => (double)values[n * width + j])];
                double mean = column.Average(), variance = column.Average(v => (v - mean) * (v - mean));
                for (int n = 0; n < rows; n++) columns[n, j] = (column[n] - mean) / Math.Sqrt(variance + 1e-5);
            }
            return columns;
        }
    }

    [Fact]
    public void NeighboursAreTruerThanThoseOfTheUntrainedEncoder()
    {
        var ml = new MLContext(1);
        var (trainSet, testSet) = ProceduralImages.Draw(1000, 400, 1);
        var (train, test) = (ml.Data.LoadFromEnumerable(trainSet.Rows()), ml.Data.LoadFromEnumerable(testSet.Rows()));
        var report = new PretrainReport();
        double before = Accuracy(Small with { Epochs = 0 }), after = Accuracy(Small with { Epochs = 10, Progress = report });
        Assert.True(after > before + 0.05, $"kNN: untrained {before:0.000}, pretrained {after:0.000}");
        string page = Path.Combine(_folder, "report.html");
        report.Write(page);
        string html = File.ReadAllText(page);
        Assert.Contains("Pretraining with Barlow Twins", html);
        Assert.Contains("it suits small batches", html);
        Assert.Contains("Lambda", html);

        double Accuracy(PretrainOptions options)
        {
            using var encoder = ml.SelfSupervised().Pretrain("Embedding", "Image", options).Fit(train);
            var knn = ml.Transforms.Conversion.MapValueToKey("Label")
                .Append(ml.MulticlassClassification.Trainers.NearestNeighbors("Label", "Embedding"));
            using var fitted = knn.Fit(encoder.Transform(train));
            return ml.MulticlassClassification.Evaluate(fitted.Transform(encoder.Transform(test))).MicroAccuracy;
        }
    }

    [Fact]
    public void AResumedRunEndsInTheBitsOfAnUninterruptedOne()
    {
        var images = Patterns.Draw(128, 1).Images;
        var options = Small with { Epochs = 3, ImageSize = 24, CheckpointEvery = CheckpointInterval.Steps(1), CheckpointsKept = 100 };
        var plain = Weights(options);
        string whole = Path.Combine(_folder, "whole"), part = Path.Combine(_folder, "part");
        Assert.Equal(plain, Weights(options with { CheckpointFolder = whole }));
        Directory.CreateDirectory(part);
        string checkpoint = Directory.GetFiles(whole, "*.safetensors").Order().ElementAt(2);
        File.Copy(checkpoint, Path.Combine(part, Path.GetFileName(checkpoint)));
        Assert.Equal(plain, Weights(options with { CheckpointFolder = part, Resume = true }));
        var other = Assert.Throws<ArgumentException>(
            () => Weights(options with { CheckpointFolder = part, Resume = true, Lambda = 0.01 }));
        Assert.Contains("Lambda was 0.005 and is 0.01", other.Message);

        byte[] Weights(PretrainOptions told)
        {
            using var encoder = Pretrainer.Fit(images, told);
            return [.. encoder.Backbone.state_dict().OrderBy(e => e.Key, StringComparer.Ordinal).SelectMany(e => e.Value.bytes.ToArray())];
        }
    }
}
