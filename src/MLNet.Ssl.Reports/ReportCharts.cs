using MLNet.Ssl.Training;

namespace MLNet.Ssl.Reports;

/// <summary>The curves of a report.</summary>
internal static class ReportCharts
{
    public static string Html(RunRecord run)
    {
        var reports = run.Reports;
        double epochs = reports[^1].Epochs;
        LineChart Chart(string title, string note, Func<TrainingProgress, double?> value) =>
            new(title, note, [.. reports.Where(r => value(r) is not null)
                .Select(r => (r.Epochs * r.Step / (double)r.TotalSteps, value(r)!.Value))], epochs);

        LineChart[] charts =
        [
            Chart("Loss", "Mean over the steps between two reports.", r => r.Loss),
            Chart("kNN accuracy", "Of a weighted kNN on labelled rows that training does not see.",
                r => r.KnnAccuracy) with
            {
                Marks = true,
                Format = "0.0 %",
                Thresholds = Levels(run),
            },
            Chart("Validation accuracy", "Share of images that are not trained on whose class is named right.",
                r => r.ValidationAccuracy) with
            {
                Marks = true,
                Format = "0.0 %",
                Thresholds = Levels(run),
            },
            Chart("RankMe",
                "Dimensions that embeddings fill: 1 when all rows get the same one; higher is better on the same data.",
                r => r.RankMe) with
            {
                Marks = true,
            },
            Chart("Alignment",
                "Mean squared distance of two views of a row: lower is better while uniformity does not rise.",
                r => r.Alignment) with
            {
                Marks = true,
            },
            Chart("Uniformity", "How evenly embeddings fill the sphere: 0 when collapsed, about −4 at best.",
                r => r.Uniformity) with
            {
                Marks = true,
            },
            Chart("Deviation of embeddings", "About 1 when embeddings spread out, 0 when all rows get the same one.",
                r => r.EmbeddingStd) with
            {
                Range = (0, Math.Max(1.2, reports.Max(r =>
                    r.EmbeddingStd is { } std && double.IsFinite(std) ? std : 0))),
                Thresholds = [Alarm("below", CollapseAlarm.LeastStd)],
            },
            Chart("Entropy of the teacher",
                "Share of the largest possible: 1 when outputs are uniform, 0 when they are one value for all rows.",
                r => r.TeacherEntropy) with
            {
                Range = (0, 1),
                Thresholds = [Alarm("above", CollapseAlarm.MostEntropy), Alarm("below", CollapseAlarm.LeastEntropy)],
            },
            Chart("Learning rate", "Of the last step before a report.", r => r.LearningRate) with
            {
                Format = "G3",
            },
            Chart("Momentum of the teacher", "With which the slow copy keeps what it was.", r => r.TeacherMomentum) with
            {
                Format = "0.#####",
            },
            Chart("Speed", "Rows that training took each second.", r => r.RowsPerSecond) with
            {
                Range = (0, 1.1 * Math.Max(1, reports.Max(r => r.RowsPerSecond))),
                Format = "N0",
            },
            Chart("Wait for data",
                "Share of the time that training waited for views: more threads help where it is large.",
                r => r.DataWait) with
            {
                Range = (0, 1),
                Format = "0 %",
            },
        ];
        string figures = string.Concat(charts.Where(chart => chart.Points.Count > 0).Select(chart => chart.Html()));
        return $"<h2>The run</h2>\n<div class=\"charts\">\n{figures}</div>\n";
    }

    private static IReadOnlyList<ChartThreshold> Levels(RunRecord run)
    {
        if (run.Baseline is not { } baseline) return [];
        var chance = Level(baseline.Chance, "most common class");
        return baseline.Untrained is { } untrained ? [Level(untrained, "untrained"), chance] : [chance];
    }

    private static ChartThreshold Level(double value, string name) =>
        new(value, FormattableString.Invariant($"{name} {value:0.0 %}"), IsAlarm: false);

    private static ChartThreshold Alarm(string side, double level) =>
        new(level, FormattableString.Invariant($"alarm {side} {level}"));
}
