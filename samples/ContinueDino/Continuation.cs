using Microsoft.ML;
using Microsoft.ML.Data;
using MLNet.Ssl;
using TorchSharp;

namespace ContinueDino;

/// <summary>What the command line asked for.</summary>
public sealed record ContinuationOptions(
    string Photos, string? Weights, int Epochs, double? LearningRate, double KoLeo, int? ImageSize, string? Output,
    int Seed);

/// <summary>Retrieval by a network's embeddings, and by those of the same network trained on.</summary>
public static class Continuation
{
    private static readonly int[] Ranks = [1, 5];

    /// <summary>Measures, trains on, and measures again.</summary>
    /// <exception cref="IOException">The folder or the weights cannot be read.</exception>
    /// <exception cref="InvalidOperationException">There is no photo, or one cannot be read.</exception>
    /// <exception cref="ArgumentException">An option is out of range, or no two photos are of a kind.</exception>
    /// <exception cref="InvalidDataException">The weights are of no known network.</exception>
    public static (RetrievalMetrics Before, RetrievalMetrics After) Run(ContinuationOptions told)
    {
        var ml = new MLContext(told.Seed);
        var ssl = ml.SelfSupervised();
        var images = ssl.Data.LoadImageFolder(told.Photos);
        string[] kinds = [.. images.GetColumn<string>("Label")];
        string folder = Directory.CreateTempSubdirectory("continue-dino").FullName;
        try
        {
            int batch = Math.Min(16, kinds.Length), steps = Math.Max(1, told.Epochs * (kinds.Length / batch));
            var options = new DinoOptions
            {
                BatchSize = batch,
                // A teacher that follows as slowly as over hundreds of epochs would stay where it is.
                TeacherMomentum = Math.Clamp(1 - 10.0 / steps, 0.9, 0.996),
                InitialWeights = told.Weights
                    ?? RandomWeights(ssl, images, Path.Combine(folder, "tiny.safetensors"), told.Seed),
                KoLeoWeight = told.KoLeo,
                ImageSize = told.ImageSize,
                LocalCrops = 4,
                Epochs = told.Epochs,
                // Good weights are moved with care.
                LearningRate = told.LearningRate ?? (told.Weights is null ? 0.005 : 0.0001),
                WeightDecayEnd = 0.04,
                Seed = told.Seed,
                Progress = new ConsoleProgress(),
            };
            using var before = ssl.Pretrain("Embedding", "Image", options with { Epochs = 0, Progress = null })
                .Fit(images);
            var first = Retrieval(before, images, kinds);
            Console.WriteLine(Text("before", first));
            using var after = ssl.Pretrain("Embedding", "Image", options).Fit(images);
            var second = Retrieval(after, images, kinds);
            Console.WriteLine(Text("after ", second));
            if (told.Output is { } output) after.SaveSafeTensors(output);
            return (first, second);
        }
        finally
        {
            Directory.Delete(folder, recursive: true);
        }
    }

    /// <summary>Each photo is a query: right are the others of its folder; it is not asked about itself.</summary>
    private static RetrievalMetrics Retrieval(EmbeddingTransformer encoder, IDataView images, string[] kinds)
    {
        using var scope = torch.NewDisposeScope();
        float[][] embeddings = [.. encoder.Transform(images).GetColumn<float[]>("Embedding")];
        var features = torch.tensor(embeddings.SelectMany(row => row).ToArray()).view(embeddings.Length, -1);
        RetrievalGroundTruth[] truth = [.. kinds.Select((kind, i) => RetrievalGroundTruth.Of(
            [.. Enumerable.Range(0, kinds.Length).Where(j => j != i && kinds[j] == kind)], i))];
        return RetrievalEvaluator.Evaluate(features, features, truth, precisionAt: Ranks);
    }

    private static string Text(string when, RetrievalMetrics metrics) =>
        FormattableString.Invariant($"{when}  mAP {metrics.MeanAveragePrecision:0.000}")
        + string.Concat(Ranks.Select(k => FormattableString.Invariant($"  P@{k} {metrics.MeanPrecisionAt[k]:0.000}")));

    /// <summary>A tiny network of DINOv2's kind, for where no weights are at hand.</summary>
    private static string RandomWeights(SelfSupervisedCatalog ssl, IDataView images, string path, int seed)
    {
        var tiny = VisionTransformerOptions.DinoV2Small() with
        {
            EmbeddingDimension = 96,
            Depth = 4,
            Heads = 3,
            ImageSize = 98,
            LayerScale = 1,
        };
        Console.WriteLine("No weights are given: a tiny network of random ones shows the way, and not the quality.");
        var untrained = new DinoOptions { Backbone = tiny, Epochs = 0, Seed = seed, ImageSize = 98 };
        using var encoder = ssl.Pretrain("Embedding", "Image", untrained).Fit(images);
        encoder.SaveSafeTensors(path);
        return path;
    }
}
