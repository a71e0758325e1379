using System.Diagnostics;
using Microsoft.ML;
using MLNet.Ssl;
using MLNet.Ssl.Samples;
using Spectre.Console;

namespace Cifar10;

/// <summary>The demonstration: pretrain without labels, then see what little a classifier needs on top.</summary>
internal static class Demo
{
    // Of several processes the first one tells; all take part in training.
    private static readonly bool IsFirst = World.Rank == 0;

    public static int Run(string? folder, bool download, string method, string backbone, int epochs, int seed,
        string? reportPath, string? tensorBoardFolder)
    {
        var ml = new MLContext(seed);
        var sets = CifarSource.TryResolve(folder, download, note => Say($"[grey]{note}[/]"),
            error => AnsiConsole.MarkupLineInterpolated($"[red]{error}[/]"));
        if (sets is not (var trainSet, var testSet)) return 1;
        var train = ml.Data.LoadFromEnumerable(trainSet.Rows());
        var test = ml.Data.LoadFromEnumerable(testSet.Rows());
        var options = Options(method, backbone) with { Epochs = epochs, Seed = seed };
        Say($"{options.MethodName} on {trainSet.Count:N0} unlabelled images, {epochs} epochs\n");

        var untrained = Fit(ml, train, options with { Epochs = 0 });
        var (knnBefore, linearBefore) = IsFirst ? Evaluate(ml, untrained, train, test) : default;
        var clock = Stopwatch.StartNew();
        var report = new PretrainReport();
        using var tensorBoard = IsFirst && tensorBoardFolder is { } runs ? new TensorBoardWriter(runs) : null;
        // Both are drawn with the accuracy during the run; without them nothing reads the labels before the run has
        // ended.
        var (labelledTrain, labelledTest) = Labelled(ml, train, test);
        var console = new ConsoleProgress();
        var progress = new ProgressGroup(tensorBoard is null ? [console, report] : [console, report, tensorBoard]);
        var estimator = ml.SelfSupervised().Pretrain("Embedding", "Image", options with { Progress = progress });
        bool measures = reportPath is not null || tensorBoardFolder is not null;
        var pretrained = (measures ? estimator.WithEvaluation(labelledTrain, labelledTest) : estimator).Fit(train);
        if (!IsFirst) return 0;
        Say($"[grey]pretrained in {clock.Elapsed:mm\\:ss}[/]\n");
        if (reportPath is not null)
        {
            report.Write(reportPath, pretrained, labelledTest, "Label");
            Say($"[grey]report: {Path.GetFullPath(reportPath)}[/]\n");
        }

        var (knnAfter, linearAfter) = Evaluate(ml, pretrained, train, test);

        Console.WriteLine(FormattableString.Invariant(
            $"untrained   knn {knnBefore:0.000}  linear {linearBefore:0.000}"));
        Console.WriteLine(FormattableString.Invariant($"pretrained  knn {knnAfter:0.000}  linear {linearAfter:0.000}"));
        return 0;
    }

    private static void Say(FormattableString markup)
    {
        if (IsFirst) AnsiConsole.MarkupLineInterpolated(markup);
    }

    private static (IDataView Train, IDataView Test) Labelled(MLContext ml, IDataView train, IDataView test)
    {
        var keys = ml.Transforms.Conversion.MapValueToKey("Label").Fit(train);
        return (keys.Transform(train), keys.Transform(test));
    }

    private static ITransformer Fit(MLContext ml, IDataView images, PretrainOptions options) =>
        ml.SelfSupervised().Pretrain("Embedding", "Image", options).Fit(images);

    /// <summary>
    /// Accuracy on the test images of a weighted kNN and of a linear classifier, both on frozen embeddings.
    /// </summary>
    private static (double Knn, double Linear) Evaluate(
        MLContext ml, ITransformer encoder, IDataView train, IDataView test)
    {
        // Embedded once, for both classifiers and for every pass of the linear one.
        IDataView Embed(IDataView images) =>
            ml.Data.Cache(ml.Transforms.SelectColumns("Label", "Embedding").Fit(encoder.Transform(images))
                .Transform(encoder.Transform(images)));
        var (trainRows, testRows) = (Embed(train), Embed(test));
        double Accuracy(IEstimator<ITransformer> classifier)
        {
            var pipeline = ml.Transforms.Conversion.MapValueToKey("Label").Append(classifier);
            return ml.MulticlassClassification.Evaluate(pipeline.Fit(trainRows).Transform(testRows)).MicroAccuracy;
        }

        var trainers = ml.MulticlassClassification.Trainers;
        var linear = ml.Transforms.NormalizeMeanVariance("Embedding", fixZero: false)
            .Append(trainers.LbfgsMaximumEntropy(
                "Label", "Embedding", l1Regularization: 0, l2Regularization: 1, optimizationTolerance: 1e-4f));
        return (Accuracy(trainers.NearestNeighbors("Label", "Embedding")), Accuracy(linear));
    }

    private static PretrainOptions Options(string method, string backbone)
    {
        PretrainOptions options = method switch
        {
            "dino" => SmallSettings.Dino,
            "moco" => SmallSettings.MoCo,
            "mocov3" => SmallSettings.MoCoV3,
            "byol" => SmallSettings.Byol,
            _ => SmallSettings.SimClr,
        };
        return backbone == "vit" ? options with { Backbone = SmallSettings.VisionTransformer } : options;
    }
}
