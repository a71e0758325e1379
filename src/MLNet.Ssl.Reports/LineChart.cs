using System.Globalization;
using System.Net;
using System.Text;

namespace MLNet.Ssl.Reports;

/// <summary>A level that is drawn across a chart.</summary>
/// <param name="Level">The value.</param>
/// <param name="Name">What it means.</param>
/// <param name="IsAlarm">Whether it is a limit; else a level to compare with, which the axis always shows.</param>
internal sealed record ChartThreshold(double Level, string Name, bool IsAlarm = true);

/// <summary>A curve over the epochs, as a figure of a page.</summary>
/// <remarks>
/// No charting library fits. ScottPlot 5.1.59 needs SkiaSharp 3.119, ML.NET's images SkiaSharp 2.88. OxyPlot.Core 2.2.0
/// needs nothing, but its SVG of 500 points has 16 kB and of 2 000 dots 283 kB, with fixed colours in every element: no
/// classes for dark screens and print, and no texts for a pointer that rests on a point.
/// </remarks>
/// <param name="Title">What is drawn.</param>
/// <param name="Note">What to make of it.</param>
/// <param name="Points">Epochs and values, in order; values that are not finite leave a gap.</param>
/// <param name="Epochs">End of the horizontal axis.</param>
internal sealed record LineChart(
    string Title, string Note, IReadOnlyList<(double Epoch, double Value)> Points, double Epochs)
{
    private const int Width = 560, Height = 250, Left = 62, Right = 14, Top = 14, Bottom = 40;

    // More than the screen can show would only make the file large.
    private const int MostPoints = 500;

    // As many as a pointer can tell apart.
    private const int MostStrips = 80;

    /// <summary>Range of the vertical axis; null for that of the values.</summary>
    public (double From, double To)? Range { get; init; }

    /// <summary>Levels that an alarm watches.</summary>
    public IReadOnlyList<ChartThreshold> Thresholds { get; init; } = [];

    /// <summary>Marks every point, where they are few and far between.</summary>
    public bool Marks { get; init; }

    /// <summary>Format of the value in the heading.</summary>
    public string Format { get; init; } = "0.000";

    public string Html()
    {
        var points = Thinned();
        var vertical = Range is { } range ? ChartAxis.Exact(range.From, range.To, 6)
            : ChartAxis.Around([.. points.Select(point => point.Value),
                .. Thresholds.Where(threshold => !threshold.IsAlarm).Select(threshold => threshold.Level)], 4);
        var horizontal = ChartAxis.Exact(0, Epochs);
        double X(double epoch) => Left + horizontal.Share(epoch) * (Width - Left - Right);
        double Y(double value) => Height - Bottom - vertical.Share(value) * (Height - Top - Bottom);

        var svg = new StringBuilder();
        foreach (double tick in vertical.Ticks)
            Add($"<path class=\"grid\" d=\"M{Left} {Y(tick):0.#}H{Width - Right}\"/><text x=\"{Left - 8}\" ",
                $"y=\"{Y(tick) + 4:0.#}\" text-anchor=\"end\">{vertical.Label(tick)}</text>");
        foreach (double tick in horizontal.Ticks)
            Add($"<path class=\"grid\" d=\"M{X(tick):0.#} {Height - Bottom}v5\"/><text x=\"{X(tick):0.#}\" ",
                $"y=\"{Height - Bottom + 19}\" text-anchor=\"middle\">{horizontal.Label(tick)}</text>");
        Add($"<path class=\"axis\" d=\"M{Left} {Height - Bottom}H{Width - Right}\"/><text x=\"{Width - Right}\" ",
            $"y=\"{Height - 4}\" text-anchor=\"end\">epochs</text>");
        foreach (var threshold in Thresholds)
        {
            // The name goes to the side that has room.
            double y = Y(threshold.Level), text = y > Top + 18 ? y - 5 : y + 14;
            string kind = threshold.IsAlarm ? "alarm" : "level";
            Add($"<path class=\"{kind}\" d=\"M{Left} {y:0.#}H{Width - Right}\"/><text class=\"{kind}\" ",
                $"x=\"{Width - Right - 4}\" y=\"{text:0.#}\" text-anchor=\"end\">{Text(threshold.Name)}</text>");
        }
        Add($"<path class=\"line\" ",
            $"d=\"{Path(points.Select(point => (X(point.Epoch), Y(point.Value), double.IsFinite(point.Value))))}\"/>");
        foreach (var (epoch, value) in Marks ? points : points.Where(point => double.IsFinite(point.Value)).TakeLast(1))
            Add($"<circle class=\"mark\" cx=\"{X(epoch):0.#}\" cy=\"{Y(value):0.#}\" ",
                $"r=\"{(Marks ? 3.5 : 3)}\"><title>epoch {epoch:0.##}: ",
                $"{value.ToString(Format, CultureInfo.InvariantCulture)}</title></circle>");
        foreach (var (from, to, epoch, value) in Strips(points))
            Add($"<rect class=\"strip\" x=\"{X(from):0.#}\" y=\"{Top}\" width=\"{X(to) - X(from):0.#}\" ",
                $"height=\"{Height - Bottom - Top}\"><title>epoch {epoch:0.##}: ",
                $"{value.ToString(Format, CultureInfo.InvariantCulture)}</title></rect>");

        string last = Points.Count == 0 ? "" : Points[^1].Value.ToString(Format, CultureInfo.InvariantCulture);
        string said = Text($"{Title} over the epochs; the last value is {last}");
        return $"""
            <figure class="card chart"><figcaption><h3>{Text(Title)}</h3><b>{Text(last)}</b></figcaption>
            <svg viewBox="0 0 {Width} {Height}" role="img" aria-label="{said}">{svg}</svg>
            <p>{Text(Note)}</p></figure>

            """;

        void Add(params FormattableString[] parts)
        {
            foreach (var part in parts) svg.Append(FormattableString.Invariant(part));
        }
    }

    /// <summary>Parts of the width with a point each, whose value a pointer that rests there is told.</summary>
    private IEnumerable<(double From, double To, double Epoch, double Value)> Strips(
        IReadOnlyList<(double Epoch, double Value)> points)
    {
        (double Epoch, double Value)[] known = [.. points.Where(point => double.IsFinite(point.Value))];
        int count = Math.Min(known.Length, MostStrips);
        (double Epoch, double Value)[] shown = [.. Enumerable.Range(0, count)
            .Select(i => known[count == 1 ? 0 : (int)((long)i * (known.Length - 1) / (count - 1))])];
        for (int i = 0; i < count; i++)
        {
            double from = i == 0 ? 0 : (shown[i - 1].Epoch + shown[i].Epoch) / 2,
                to = i == count - 1 ? Epochs : (shown[i].Epoch + shown[i + 1].Epoch) / 2;
            yield return (from, to, shown[i].Epoch, shown[i].Value);
        }
    }

    private static string Path(IEnumerable<(double X, double Y, bool Known)> points)
    {
        var path = new StringBuilder();
        bool drawing = false;
        foreach (var (x, y, known) in points)
        {
            if (known) path.Append(CultureInfo.InvariantCulture, $"{(drawing ? 'L' : 'M')}{x:0.#} {y:0.#}");
            drawing = known;
        }
        return path.ToString();
    }

    /// <summary>Means of neighbouring points.</summary>
    private IReadOnlyList<(double Epoch, double Value)> Thinned()
    {
        if (Points.Count <= MostPoints) return Points;
        var thinned = new (double, double)[MostPoints];
        for (int i = 0; i < MostPoints; i++)
        {
            int first = (int)((long)Points.Count * i / MostPoints),
                end = (int)((long)Points.Count * (i + 1) / MostPoints);
            var part = Points.Skip(first).Take(end - first).ToList();
            thinned[i] = (part.Average(point => point.Epoch), part.Average(point => point.Value));
        }
        return thinned;
    }

    private static string Text(string text) => WebUtility.HtmlEncode(text);
}
