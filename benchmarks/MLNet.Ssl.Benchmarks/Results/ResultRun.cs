using System.Diagnostics;
using Microsoft.ML;
using Microsoft.ML.Data;
using static TorchSharp.torch;

namespace MLNet.Ssl.Benchmarks;

/// <summary>One run of a case in this process: pretraining, then how well frozen
/// embeddings tell the classes apart.</summary>
internal static class ResultRun
{
    public static ResultRow Run(ResultCase wanted, string trainFile, string testFile, int images, int epochs, int seed,
        int threads, Device device)
    {
        var (train, trainLabels) = Cifar10File.Read(trainFile, images);
        var (test, testLabels) = Cifar10File.Read(testFile);
        var options = wanted.For(epochs, seed, threads);
        var clock = Stopwatch.StartNew();
        using var encoder = Pretrainer.Fit(train, options, device);
        double trained = clock.Elapsed.TotalSeconds, peak = ChildProcess.PeakMemory();
        var (knn, linear) = Accuracies(encoder, train, trainLabels, test, testLabels);
        return new(wanted.Name, epochs, train.Count, seed, threads, knn, linear,
            // The last partial batch of an epoch is dropped.
            train.Count / options.BatchSize!.Value * options.BatchSize.Value * (double)options.Epochs / trained, peak,
            clock.Elapsed.TotalSeconds);
    }

    /// <summary>Accuracies of a kNN and of logistic regression on frozen embeddings.</summary>
    public static (double Knn, double Linear) Accuracies(
        ImageEncoder encoder, ImageStore train, long[] trainLabels, ImageStore test, long[] testLabels)
    {
        float[] known = Embed(encoder, train), asked = Embed(encoder, test);
        return (Knn(known, trainLabels, asked, testLabels), Linear(known, trainLabels, asked, testLabels));
    }

    private static float[] Embed(ImageEncoder encoder, ImageStore images)
    {
        var embeddings = new float[images.Count * encoder.EmbeddingDimension];
        encoder.Embed([.. Enumerable.Range(0, images.Count).Select(i => images[i])], embeddings);
        return embeddings;
    }

    private static double Knn(float[] train, long[] trainLabels, float[] test, long[] testLabels)
    {
        using var scope = NewDisposeScope();
        using var knn = new WeightedKnn(tensor(train, [trainLabels.Length, train.Length / trainLabels.Length]),
            tensor(trainLabels), Cifar10File.Classes);
        long[] predicted = knn.Score(tensor(test, [testLabels.Length, test.Length / testLabels.Length])).argmax(1)
            .data<long>().ToArray();
        return predicted.Zip(testLabels, (p, l) => p == l ? 1.0 : 0).Average();
    }

    /// <summary>Accuracy of ML.NET's logistic regression on standardised embeddings.</summary>
    private static double Linear(float[] train, long[] trainLabels, float[] test, long[] testLabels)
    {
        var ml = new MLContext(seed: 1);
        int width = train.Length / trainLabels.Length;
        var schema = SchemaDefinition.Create(typeof(Row));
        schema[nameof(Row.Features)].ColumnType = new VectorDataViewType(NumberDataViewType.Single, width);
        var trainer = ml.MulticlassClassification.Trainers.LbfgsMaximumEntropy(l1Regularization: 0, l2Regularization: 1,
            optimizationTolerance: 1e-4f);
        var pipeline = ml.Transforms.Conversion.MapValueToKey("Label")
            .Append(ml.Transforms.NormalizeMeanVariance("Features", fixZero: false)).Append(trainer);
        IDataView Rows(float[] embeddings, long[] labels) => ml.Data.LoadFromEnumerable(
            embeddings.Chunk(width).Zip(labels, (features, label) =>
                new Row { Features = features, Label = (uint)label }).ToList(), schema);
        return ml.MulticlassClassification.Evaluate(pipeline.Fit(Rows(train, trainLabels))
            .Transform(Rows(test, testLabels))).MicroAccuracy;
    }

    private sealed class Row
    {
        public float[] Features { get; set; } = [];

        public uint Label { get; set; }
    }
}
