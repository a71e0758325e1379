using CustomMethod;
using Microsoft.ML;
using MLNet.Ssl.Samples;
using static TorchSharp.torch;

namespace MLNet.Ssl.Tests;

/// <summary>Methods that a user writes, of the sample: they are trained, saved, resumed and
/// reported like any other.</summary>
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

    private static readonly MeanShiftOptions SmallMeanShift = new()
    {
        Backbone = Small.Backbone,
        MemoryLength = 256,
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
        Tensor first = randn([rows, width], generator: generator) * 3 + 1,
            second = first + randn([rows, width], generator: generator);
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

    [Theory]
    [InlineData(1)]
    [InlineData(4)]
    public void MeanShiftsLossIsThePapers(int neighbors)
    {
        using var scope = NewDisposeScope();
        using var generator = new Generator(3, CPU);
        const int Rows = 6, Width = 5, Memory = 12;
        Tensor predictions = randn([Rows, Width], generator: generator),
            targets = randn([Rows, Width], generator: generator);
        var memory = nn.functional.normalize(randn([Width, Memory], generator: generator), dim: 0);
        float[,] p = Values(predictions), t = Values(targets), m = Values(memory.t());
        double sum = 0;
        for (int i = 0; i < Rows; i++)
            foreach (int j in Enumerable.Range(0, Memory).OrderByDescending(j => Dot(t, i, m, j)).Take(neighbors))
                sum += 2 - 2 * Dot(p, i, m, j) / Math.Sqrt(Dot(p, i, p, i));
        Assert.Equal(sum / (Rows * neighbors), MeanShift.Loss(predictions, targets, memory, neighbors).item<float>(),
            1e-5);

        static double Dot(float[,] a, int i, float[,] b, int j) =>
            Enumerable.Range(0, Width).Sum(k => (double)a[i, k] * b[j, k]);

        static float[,] Values(Tensor rows)
        {
            var values = new float[rows.size(0), rows.size(1)];
            var flat = rows.contiguous().data<float>().ToArray();
            Buffer.BlockCopy(flat, 0, values, 0, flat.Length * sizeof(float));
            return values;
        }
    }

    [Fact]
    public void MeanShiftsNeighboursAreTruerToo()
    {
        var (train, test) = (Patterns.Draw(512, 1), Patterns.Draw(256, 2));
        var options = SmallMeanShift with
        {
            View = ViewRecipes.SimClr() with { Scale = (0.3, 1), BlurProbability = 0 },
            Evaluation = new(train.Images, train.Labels, test.Images, test.Labels) { EveryEpochs = 1000 },
            LearningRate = 0.2,
        };
        SomeSeed.Reaches(0.1, 1, seed =>
        {
            var run = options with { Seed = seed };
            return Accuracy(train.Images, run with { Epochs = 20 })
                - Accuracy(train.Images, run with { Epochs = 1, LearningRate = 1e-12, Momentum = 1 });
        });
    }

    [Fact]
    public void NeighboursAreTruerThanThoseOfTheUntrainedEncoder()
    {
        var (train, test) = (Patterns.Draw(512, 1), Patterns.Draw(256, 2));
        PretrainReport report = null!;
        var evaluation =
            new OnlineEvaluation(train.Images, train.Labels, test.Images, test.Labels) { EveryEpochs = 1000 };
        // As the library's own methods are tested: colours are jittered away.
        var options = Small with
        {
            Backbone = new ResNetOptions { BlocksPerStage = [1, 1], Width = 16, Stem = ResNetStem.SmallStride2 },
            View = ViewRecipes.SimClr() with { Scale = (0.3, 1), BlurProbability = 0 },
            Evaluation = evaluation,
            LearningRate = 0.01,
        };
        SomeSeed.Reaches(0.1, 1, seed =>
        {
            var run = options with { Seed = seed };
            // The first epoch at a rate that moves nothing measures the untrained encoder.
            double before = Accuracy(train.Images, run with { Epochs = 1, LearningRate = 1e-12 });
            return Accuracy(train.Images, run with { Epochs = 40, Progress = report = new() }) - before;
        });
        string page = Path.Combine(_folder, "report.html");
        report.Write(page);
        string html = File.ReadAllText(page);
        Assert.Contains("Pretraining with Barlow Twins", html);
        Assert.Contains("it suits small batches", html);
        Assert.Contains("Lambda", html);
    }

    private static double Accuracy(ImageStore images, PretrainOptions told)
    {
        double accuracy = 0;
        var listener = new Collect(p => accuracy = p.KnnAccuracy ?? accuracy);
        var progress = told.Progress is { } other ? new ProgressGroup(other, listener)
            : (IProgress<TrainingProgress>)listener;
        Pretrainer.Fit(images, told with { Progress = progress }).Dispose();
        return accuracy;
    }

    [Fact]
    public void APipelineTrainsIt()
    {
        var ml = new MLContext(1);
        var images = ml.Data.LoadFromEnumerable(FashionMnist.Read().Train.Rows().Take(64));
        using var encoder = ml.SelfSupervised().Pretrain("Embedding", "Image", Small with { Epochs = 1 }).Fit(images);
        Assert.Equal("Barlow Twins", encoder.Encoder.Method);
        Assert.Equal("0.005", encoder.Encoder.TrainingOptions["Lambda"]);
    }

    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public void AResumedRunEndsInTheBitsOfAnUninterruptedOne(bool meanShift)
    {
        var images = Patterns.Draw(128, 1).Images;
        var options = (meanShift ? (PretrainOptions)SmallMeanShift : Small) with
        {
            Epochs = 3,
            ImageSize = 24,
            CheckpointEvery = CheckpointInterval.Steps(1),
            CheckpointsKept = 100,
        };
        var plain = Weights(options);
        string whole = Path.Combine(_folder, "whole"), part = Path.Combine(_folder, "part");
        Assert.Equal(plain, Weights(options with { CheckpointFolder = whole }));
        Directory.CreateDirectory(part);
        string checkpoint = Directory.GetFiles(whole, "*.safetensors").Order().ElementAt(2);
        File.Copy(checkpoint, Path.Combine(part, Path.GetFileName(checkpoint)));
        Assert.Equal(plain, Weights(options with { CheckpointFolder = part, Resume = true }));
        PretrainOptions changed = meanShift ? (MeanShiftOptions)options with { Momentum = 0.9 }
            : (BarlowTwinsOptions)options with { Lambda = 0.01 };
        var other =
            Assert.Throws<ArgumentException>(() => Weights(changed with { CheckpointFolder = part, Resume = true }));
        Assert.Contains(meanShift ? "Momentum was 0.99 and is 0.9" : "Lambda was 0.005 and is 0.01", other.Message);

        byte[] Weights(PretrainOptions told)
        {
            using var encoder = Pretrainer.Fit(images, told);
            return [.. encoder.Backbone.state_dict().OrderBy(e => e.Key, StringComparer.Ordinal)
                .SelectMany(e => e.Value.bytes.ToArray())];
        }
    }
}
