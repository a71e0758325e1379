using Microsoft.ML;
using MLNet.Ssl;
using MLNet.Ssl.Samples;
using Spectre.Console;

namespace Distillation;

/// <summary>What few labels are worth: alone, on a pretrained encoder, and after distillation.</summary>
internal static class Steps
{
    public static int Run(string? folder, bool download, double share, int epochs, int fineTuneEpochs, int seed)
    {
        var ml = new MLContext(seed);
        var ssl = ml.SelfSupervised();
        var sets = CifarSource.TryResolve(folder, download,
            note => AnsiConsole.MarkupLineInterpolated($"[grey]{note}[/]"),
            error => AnsiConsole.MarkupLineInterpolated($"[red]{error}[/]"));
        if (sets is not (var trainSet, var testSet)) return 1;
        var keys = ml.Transforms.Conversion.MapValueToKey("Label").Fit(ml.Data.LoadFromEnumerable(trainSet.Rows()));
        IDataView Rows(IEnumerable<CifarImage> rows) => keys.Transform(ml.Data.LoadFromEnumerable(rows));
        var (all, test) = (Rows(trainSet.Rows()), Rows(testSet.Rows()));
        // As many of every class: rows come in no order of classes.
        int perClass = Math.Max(2, (int)(share * trainSet.Count / trainSet.Names.Count));
        var few = Rows(trainSet.Rows().GroupBy(row => row.Label).SelectMany(c => c.Take(perClass)).ToList());
        AnsiConsole.MarkupLineInterpolated(
            $"{perClass * trainSet.Names.Count:N0} of {trainSet.Count:N0} images have a label\n");

        var simClr = SmallSettings.SimClr with { HeadLayers = 3, Seed = seed };
        var fineTune = new FineTuneOptions { Epochs = fineTuneEpochs, Seed = seed };
        double Accuracy(ITransformer model) =>
            ml.MulticlassClassification.Evaluate(model.Transform(test)).MicroAccuracy;
        ImageClassificationTransformer FineTune(EmbeddingTransformer encoder, int headLayers) =>
            ssl.FineTune("PredictedLabel", "Image", "Label", encoder, fineTune with { HeadLayers = headLayers })
                .Fit(few);

        var supervised = Step("supervised on the few labels", () =>
            FineTune(ssl.SimClr("Embedding", "Image", simClr with { Epochs = 0 }).Fit(all), 0));
        var pretrained = Step("1 pretrain on all images, without labels", () =>
            ssl.SimClr("Embedding", "Image", simClr with { Epochs = epochs }).Fit(all));
        var fineTuned = Step("2 fine-tune on the few labels, from the head's first layer", () =>
            FineTune(pretrained, 1));
        var distilled = Step("3 distil on all images, without labels", () =>
            ssl.Distill("PredictedLabel", "Image", null, fineTuned, new() { Epochs = epochs, Seed = seed }).Fit(all));
        var halfWidth = SmallSettings.ResNet with { Width = SmallSettings.ResNet.Width / 2 };
        var small = Step("3 distil into a network of half the width", () =>
            ssl.Distill("PredictedLabel", "Image", null, fineTuned,
            new() { Student = halfWidth, Epochs = epochs, Seed = seed }).Fit(all));

        var table = new Table().AddColumns("", "accuracy").RoundedBorder();
        foreach (var (name, model) in new[] { ("supervised", supervised), ("fine-tuned", fineTuned),
            ("distilled", distilled), ("distilled, half width", small) })
            table.AddRow(name, FormattableString.Invariant($"{Accuracy(model):0.000}"));
        AnsiConsole.Write(table);
        return 0;
    }

    private static T Step<T>(string name, Func<T> work)
    {
        var clock = System.Diagnostics.Stopwatch.StartNew();
        var result = AnsiConsole.Status().Start(name, _ => work());
        AnsiConsole.MarkupLineInterpolated($"{name} [grey]{clock.Elapsed:mm\\:ss}[/]");
        return result;
    }
}
