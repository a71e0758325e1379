using System.CommandLine;
using System.Globalization;
using Microsoft.ML;
using MLNet.Ssl.Cli.Arguments;
using MLNet.Ssl.Cli.Input;
using MLNet.Ssl.Cli.Models;
using MLNet.Ssl.Cli.Terminal;

namespace MLNet.Ssl.Cli.Commands;

/// <summary>Measures embeddings by the accuracy of simple classifiers on them.</summary>
internal static class EvaluateCommand
{
    private static readonly string[] Protocols = ["knn", "linear", "closed-form"];

    private const string Examples = """
        Examples:
          mlssl evaluate photos --model photos.mlssl                   every fifth photo of a class is held out
          mlssl evaluate train --test test --model dinov2_vits14 --protocol knn,linear
          mlssl evaluate embeddings --protocol linear --preset Dino    embeddings that 'mlssl embed' wrote, with labels

        knn is DINO's weighted nearest neighbours; linear trains a classifier by SGD, whose options are the flags above;
        closed-form is i-Mix's least squares. Learning rate and epoch of the linear classifier are chosen by the test
        rows, as the published protocols do.
        """;

    public static Command Create(Session session)
    {
        var train = new Argument<string>("data")
        {
            Description = "Labelled data; with --model images or a table, else embeddings",
        };
        var test = Flags.Of<string?>("--test", "data", "Labelled rows to classify [every fifth of a class]");
        var protocol = Flags.Of("--protocol", "a,b,…", $"Any of {string.Join(", ", Protocols)}", "knn");
        var neighbors = Flags.Of<string?>("--neighbors", "a,b,…",
            "Neighbours that vote [10,20,100,200, less those above the number of rows to learn from]");
        var preset = Flags.Of<string?>("--preset", "name",
            $"Published linear protocol: {string.Join(", ", OptionTypes.Named(typeof(LinearProbeOptions)).Keys)}");
        var command = new TaughtCommand("evaluate", "Measure embeddings by simple classifiers on them.", Examples)
        {
            train, test, protocol, neighbors, preset,
        };
        var model = new ModelFlags(command, required: false, reads: true, skips: true);
        var data = new DataFlags();
        data.AddTo(command);
        var common = new CommonFlags(command, computes: true);
        var flags = new OptionFlags(typeof(LinearProbeOptions));
        flags.AddTo(command);
        command.SetAction(parsed =>
        {
            common.Apply(parsed, session);
            var protocols = List(parsed.GetValue(protocol)!);
            if (protocols.FirstOrDefault(name => !Protocols.Contains(name)) is { } unknown)
                throw new UsageException(
                    $"--protocol has '{unknown}'; expected any of {string.Join(", ", Protocols)}.");
            int[]? ks = parsed.GetValue(neighbors) is not { } told ? null : [.. List(told).Select(text =>
                int.TryParse(text, NumberStyles.None, CultureInfo.InvariantCulture, out int k) && k > 0 ? k
                : throw new UsageException($"--neighbors has '{text}'; expected whole numbers with commas between."))];
            var options = (LinearProbeOptions)flags.Create(parsed, parsed.GetValue(preset) is { } named
                ? OptionTypes.Preset(typeof(LinearProbeOptions), named) : null);
            var context = common.Context(parsed, session);
            TorchLibrary.Require();
            using var encoder = model.Name(parsed) is null ? null : model.Load(parsed, context, session);
            var seen = LabeledEmbeddings.Of(data.Choice(parsed, parsed.GetValue(train)!), encoder, session);
            var unseen = parsed.GetValue(test) is { } path
                ? LabeledEmbeddings.Of(data.Choice(parsed, path), encoder, session) : null;
            if (unseen is null) (seen, unseen) = seen.Split();
            int asked = MeasuredRows.Count(session, seen.Labels, unseen.Labels);
            session.Say($"{seen.Count} rows to learn from, {asked} to classify, {seen.Dimension} values each");
            foreach (int k in (ks ?? []).Where(k => k > seen.Count))
                session.Warn($"--neighbors has {k}; there are {seen.Count} rows to learn from, which all vote.");
            Measure(session, context, seen, unseen, asked, protocols, ks,
                options with { CancellationToken = session.Token });
            return ExitCode.Done;
        });
        return command;
    }

    private static void Measure(Session session, MLContext context, LabeledEmbeddings seen, LabeledEmbeddings unseen,
        int asked, IReadOnlyList<string> protocols, int[]? ks, LinearProbeOptions options)
    {
        var evaluate = context.SelfSupervised().Evaluate;
        var view = seen.View(context);
        var labels = context.Transforms.Conversion.MapValueToKey(ImageRow.LabelColumn).Fit(view);
        var (train, test) = (labels.Transform(view), labels.Transform(unseen.View(context)));
        if (protocols.Contains("knn"))
            foreach (var result in evaluate.NearestNeighbors(train, test, ks: ks, cancellationToken: session.Token))
                Tell($"knn, {result.NumberOfNeighbors} neighbours", new("knn", result.Accuracy)
                {
                    NumberOfNeighbors = result.NumberOfNeighbors,
                    Temperature = result.Temperature,
                });
        if (protocols.Contains("linear"))
        {
            var result = evaluate.Linear(train, test, options: options);
            Tell("linear", new("linear", result.Accuracy)
            {
                TopKAccuracy = result.TopKAccuracy,
                TopKPredictionCount = result.TopKPredictionCount,
                Chosen = result.Chosen,
                ChosenOnTestRows = result.ChosenOnTestRows,
            });
        }
        if (protocols.Contains("closed-form"))
        {
            var result = evaluate.ClosedForm(train, test, cancellationToken: session.Token);
            Tell("closed-form", new("closed-form", result.Accuracy)
            {
                TopKAccuracy = result.TopKAccuracy,
                TopKPredictionCount = result.TopKPredictionCount,
            });
        }

        void Tell(string classifier, AccuracyResult result)
        {
            string how = result.Chosen is { } chosen
                ? FormattableString.Invariant($" at learning rate {chosen.LearningRate}, epoch {chosen.Epoch}")
                    + " (chosen by the test rows)" : "";
            session.Result(FormattableString.Invariant($"{classifier}: {result.Accuracy:p2}{how}"),
                result with { Train = seen.Count, Test = asked });
        }
    }

    private static string[] List(string text) => text.Split(',',
        StringSplitOptions.TrimEntries | StringSplitOptions.RemoveEmptyEntries);
}
