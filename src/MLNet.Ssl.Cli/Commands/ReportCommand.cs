using System.CommandLine;
using Microsoft.ML;
using MLNet.Ssl.Cli.Input;
using MLNet.Ssl.Cli.Terminal;

namespace MLNet.Ssl.Cli.Commands;

/// <summary>Draws a run from its log.</summary>
internal static class ReportCommand
{
    private const string Examples = """
        Examples:
          mlssl report photos.run --output report.html
          mlssl report photos.run --model photos.mlssl --data photos       with a map of embeddings, views and attention
          mlssl pretrain photos --json > run.jsonl; mlssl report run.jsonl

        It works during a run, after one, and after one that failed.
        """;

    public static Command Create(Session session)
    {
        var log = new Argument<string>("run")
        {
            Description = "Folder of a run, or its log (run.jsonl, or what --json printed)",
        };
        var output = Flags.Output("file", "The HTML page", "report.html");
        var path = Flags.Of<string?>("--data", "data", "Images whose embeddings are drawn");
        var command = new TaughtCommand("report", "Draw a run as an HTML page.", Examples) { log, output, path };
        var model = new ModelFlags(command, required: false, reads: true, skips: true);
        var data = new DataFlags();
        data.AddTo(command);
        var common = new CommonFlags(command, computes: true);
        command.SetAction(parsed =>
        {
            common.Apply(parsed, session);
            string run = parsed.GetValue(log)!, page = parsed.GetValue(output)!;
            if (Directory.Exists(run)) run = Path.Combine(run, "run.jsonl");
            var report = new PretrainReport();
            RunJournal.Replay(run, report);
            if (parsed.GetValue(path) is not { } images) report.Write(page);
            else
            {
                if (model.Name(parsed) is null) throw new Arguments.UsageException(
                    "--model is missing: it embeds the images of --data.");
                var context = common.Context(parsed, session);
                using var encoder = model.Load(parsed, context, session);
                var source = RowSource.Open(data.Choice(parsed, images)) as ImageSource
                    ?? throw new InvalidDataException($"'{images}' has rows of a table; expected images.");
                var view = source.View(context, 0, source.Count, encoder.Encoder.InputColumnName);
                string? label = source.Labels is null ? null : ImageRow.LabelColumn;
                if (label is not null) view = context.Transforms.Conversion.MapValueToKey(label).Fit(view)
                    .Transform(view);
                report.Write(page, encoder.Encoder, view, label, cancellationToken: session.Token);
            }
            session.Result($"wrote {page}", new { @event = "done", output = page });
            return ExitCode.Done;
        });
        return command;
    }
}
