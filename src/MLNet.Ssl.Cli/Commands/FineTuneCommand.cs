using System.CommandLine;
using Microsoft.ML;
using MLNet.Ssl.Cli.Arguments;
using MLNet.Ssl.Cli.Input;
using MLNet.Ssl.Cli.Models;
using MLNet.Ssl.Cli.Terminal;

namespace MLNet.Ssl.Cli.Commands;

/// <summary>Trains an encoder further on labelled images, with a classifier on top.</summary>
internal static class FineTuneCommand
{
    private const string Score = "Score", Predicted = "PredictedLabel", Key = "LabelKey";

    private const string Examples = """
        Examples:
          mlssl finetune labelled --model photos.mlssl --output classifier.mlssl --epochs 30
          mlssl finetune train --test test --model dinov2_vits14 --learning-rate 0.0001 --layer-decay 0.65
          mlssl finetune train --validation held-out --validation.patience 5 --epochs 100 --model photos.mlssl

        The flags above are the library's FineTuneOptions. Ctrl-C and SIGTERM save a checkpoint; the same command with
        --resume goes on.
        """;

    public static Command Create(Session session, IReadOnlyList<string> arguments)
    {
        var path = new Argument<string>("data")
        {
            Description =
                "Labelled images: a folder with a subfolder for each class, or a file with a column of labels",
        };
        var output = Flags.Output("file", "File of the classifier: .mlssl or .onnx", "classifier.mlssl");
        var test = Flags.Of<string?>("--test", "data", "Labelled images that the classifier is measured on in the end");
        var validation = Flags.Of<string?>("--validation", "data",
            "Labelled images that choose the epoch: the classifier of the best accuracy on them is written");
        var file = Flags.Of<string?>("--options", "file", "JSON file of options by their names");
        var command = new TaughtCommand("finetune", "Train an encoder and a classifier on labelled images.",
            Examples) { path, output, test, validation, file };
        var model = new ModelFlags(command, required: true);
        var data = new DataFlags();
        data.AddTo(command);
        var job = new TrainingJob(command, session);
        var common = new CommonFlags(command, computes: true);
        var flags = new OptionFlags(typeof(FineTuneOptions), "", nameof(SupervisedOptions.Validation));
        flags.AddTo(command);
        command.SetAction(parsed =>
        {
            common.Apply(parsed, session);
            string to = parsed.GetValue(output)!;
            ModelOutput.Check(to, classifier: true);
            var options = (FineTuneOptions)flags.Create(parsed, null, parsed.GetValue(file) is { } json
                ? MethodChoice.ReadFile(json) : null);
            var source = Images(data.Choice(parsed, parsed.GetValue(path)!));
            var unseen = parsed.GetValue(test) is { } held ? Images(data.Choice(parsed, held)) : null;
            var chosenBy = parsed.GetValue(validation) is { } choosing ? Images(data.Choice(parsed, choosing)) : null;
            int asked = unseen is null ? 0
                : MeasuredRows.Count(session, source.RequireLabels(), [.. unseen.RequireLabels()]);
            var context = common.Context(parsed, session);
            using var encoder = model.Load(parsed, context, session);
            if (!encoder.TakesImages) throw new InvalidDataException(
                $"'{encoder.Name}' embeds rows of a table; fine-tuning takes images.");
            job.Run(parsed, options, to, TrainingJob.GoOn(arguments),
                told => Train(session, context, encoder, source, unseen, asked, (estimator, labels) => chosenBy is null
                    ? estimator : WithValidation(estimator, flags, parsed, labels.Transform(
                        chosenBy.View(context))), told, to),
                (report, page, _) => report.Write(page));
            return ExitCode.Done;
        });
        return command;
    }

    private static ImageSource Images(DataChoice choice)
    {
        var source = RowSource.Open(choice) as ImageSource
            ?? throw new InvalidDataException(
                $"'{choice.Path}' has rows of a table; fine-tuning takes images. Name their column with --image.");
        _ = source.RequireLabels();
        return source;
    }

    private static ImageClassificationEstimator WithValidation(ImageClassificationEstimator estimator,
        OptionFlags flags, ParseResult parsed, IDataView images) => estimator.WithValidation(images,
            everyEpochs: flags.Number(parsed, "Validation.EveryEpochs") ?? 1,
            patience: flags.Number(parsed, "Validation.Patience"),
            returnBest: flags.Text(parsed, "Validation.ReturnBest") is not { } best || best != "false");

    private static ImageClassificationTransformer Train(Session session, MLContext context, LoadedModel encoder,
        ImageSource source, ImageSource? unseen, int asked,
        Func<ImageClassificationEstimator, ITransformer, ImageClassificationEstimator> withValidation,
        FineTuneOptions options, string output)
    {
        var view = source.View(context);
        var labels = context.Transforms.Conversion.MapValueToKey(Key, ImageRow.LabelColumn).Fit(view);
        var estimator = context.SelfSupervised().FineTune(Predicted, ImageRow.Column, Key, encoder.Encoder, options,
            Score);
        var classifier = withValidation(estimator, labels).Fit(labels.Transform(view));
        ModelOutput.Write(context, output, classifier, classifier, view.Schema);
        if (unseen is not null && World.Rank == 0)
        {
            var predicted = classifier.Transform(labels.Transform(unseen.View(context)));
            double accuracy = context.MulticlassClassification.Evaluate(predicted, Key, Score, Predicted).MicroAccuracy;
            session.Result(
                FormattableString.Invariant($"accuracy on {asked} images of {unseen.Path}: {accuracy:p2}"),
                new AccuracyResult("finetuned", accuracy) { Test = asked });
        }
        return classifier;
    }
}
