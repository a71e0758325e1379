using System.Globalization;
using System.Net;
using System.Runtime.InteropServices;
using System.Text;
using MLNet.Ssl.Options;
using TorchSharp;

namespace MLNet.Ssl.Reports;

/// <summary>The page of a <see cref="PretrainReport"/>.</summary>
internal static class ReportPage
{
    /// <param name="title">Heading; null for the method's name.</param>
    /// <param name="run">The run.</param>
    /// <param name="pictures">HTML of what the encoder was asked for.</param>
    public static string Html(string? title, RunRecord run, string pictures)
    {
        string heading = Text(title ?? (run.Description?.Title ?? "Pretraining"));
        var last = run.Reports.LastOrDefault();
        string facts = last is null
            ? "The run has reported nothing yet."
            : Invariant($"{last.Epoch:N0} of {last.Epochs:N0} epochs, {last.Step:N0} of {last.TotalSteps:N0} steps");
        string measured = last is null ? "" : Figures(run, last) + ReportCharts.Html(run);
        return $"""
            <!doctype html>
            <html lang="en">
            <head>
            <meta charset="utf-8">
            <meta name="viewport" content="width=device-width, initial-scale=1">
            <title>{heading}</title>
            <style>
            {ReportStyle.Css}
            {HeatScale.Css}
            </style>
            </head>
            <body>
            <main>
            <h1>{heading}</h1>
            <p class="facts">{facts}</p>
            {Warnings(run)}{measured}{pictures}{Settings(run)}{Versions()}</main>
            </body>
            </html>

            """;
    }

    private static string Figures(RunRecord run, TrainingProgress last)
    {
        var html = new StringBuilder("<dl class=\"figures\">\n");
        Add("Loss", Invariant($"{last.Loss:0.000}"));
        if (run.Description?.Rows is { } rows) Add("Rows", Invariant($"{rows:N0}"));
        AddAccuracy("kNN accuracy", report => report.KnnAccuracy);
        AddAccuracy("Validation accuracy", report => report.ValidationAccuracy);
        if (run.Baseline?.Untrained is { } untrained) Add("Untrained", Invariant($"{untrained:0.0 %}"));
        if (last.EmbeddingStd is { } deviation) Add("Embedding std", Invariant($"{deviation:0.000}"));
        if (run.Reports.LastOrDefault(report => report.RankMe is not null)?.RankMe is { } rank)
            Add("RankMe", Invariant($"{rank:0.0}"));
        Add("Rows per second", Invariant($"{run.Reports.Average(report => report.RowsPerSecond):N0}"));
        Add("Time", run.Duration.TotalHours >= 1 ? Invariant($"{(int)run.Duration.TotalHours}:{run.Duration:mm\\:ss}")
            : Invariant($"{run.Duration:m\\:ss}"));
        return html.Append("</dl>\n").ToString();

        void AddAccuracy(string name, Func<TrainingProgress, double?> accuracy)
        {
            var measured = run.Reports.Where(report => accuracy(report) is not null).ToList();
            if (measured.Count == 0) return;
            Add(name, Invariant($"{accuracy(measured[^1]):0.0 %}"));
            var best = measured.MaxBy(accuracy)!;
            Add($"Best, epoch {best.Epoch}", Invariant($"{accuracy(best):0.0 %}"));
        }

        void Add(string name, string value) => html.Append($"<div><dt>{Text(name)}</dt><dd>{Text(value)}</dd></div>\n");
    }

    private static string Warnings(RunRecord run)
    {
        string lines = string.Concat(run.Warnings.Select(warning => $"<li>{Text(warning)}</li>\n"));
        return lines.Length == 0 ? "" : $"<ul class=\"warnings\">\n{lines}</ul>\n";
    }

    private static string Settings(RunRecord run)
    {
        if (run.Description is not { } told) return "";
        var html = new StringBuilder("""
            <h2>Settings</h2>
            <div class="card scroll"><table class="settings">
            <thead><tr>
            <th scope="col">Option</th><th scope="col">Value</th><th scope="col">Chosen because</th>
            </tr></thead>
            <tbody>

            """);
        // The run's own first, then those of each part; an option of a part that there is none of does not apply.
        foreach (var group in told.Options.Where(option => option.Value != OptionText.None)
            .GroupBy(option => option.Key.Contains('.', StringComparison.Ordinal)
                ? option.Key[..option.Key.IndexOf('.', StringComparison.Ordinal)] : "")
            .OrderBy(group => group.Key.Length > 0))
        {
            if (group.Key.Length > 0)
                html.Append($"<tr><th scope=\"rowgroup\" colspan=\"3\">{Text(group.Key)}</th></tr>\n");
            foreach (var (name, value) in group)
            {
                string reason = told.Choices.FirstOrDefault(choice => choice.Option == name)?.Reason ?? "";
                string own = group.Key.Length > 0 ? name[(group.Key.Length + 1)..] : name;
                html.Append(
                    $"<tr><th scope=\"row\">{Text(own)}</th><td>{Text(value)}</td><td>{Text(reason)}</td></tr>\n");
            }
        }
        return html.Append("</tbody></table></div>\n").ToString();
    }

    private static string Versions()
    {
        (string Name, string Value)[] versions =
        [
            ("MLNet.Ssl", Version(typeof(ReportPage))),
            ("TorchSharp", Version(typeof(torch))),
            (".NET", Environment.Version.ToString()),
            ("System", $"{RuntimeInformation.OSDescription}, {RuntimeInformation.ProcessArchitecture}, "
                + $"{Environment.ProcessorCount} processors"),
            ("Written", DateTimeOffset.Now.ToString("yyyy-MM-dd HH:mm zzz", CultureInfo.InvariantCulture)),
        ];
        string rows = string.Concat(versions.Select(version =>
            $"<tr><th scope=\"row\">{version.Name}</th><td>{Text(version.Value)}</td></tr>\n"));
        return $"""
            <h2>Versions</h2>
            <div class="card scroll"><table><tbody>
            {rows}</tbody></table></div>

            """;
    }

    private static string Version(Type type) => type.Assembly.GetName().Version?.ToString() ?? "unknown";

    private static string Text(string text) => WebUtility.HtmlEncode(text);

    private static string Invariant(FormattableString text) => FormattableString.Invariant(text);
}
