using System.Net;
using System.Text;

namespace MLNet.Ssl.Reports;

/// <summary>An <see cref="EmbeddingMap"/> as a figure of a page, coloured by class.</summary>
/// <param name="Map">The points.</param>
/// <param name="Labels">Class of each point, from 0, −1 for none; null for no classes at all.</param>
/// <param name="Names">Names of the classes; null for their numbers.</param>
internal sealed record ScatterChart(EmbeddingMap Map, IReadOnlyList<int>? Labels, IReadOnlyList<string>? Names)
{
    // The names of the axes stand outside of the points.
    private const int Width = 760, Height = 540, Side = 34, Top = 44, Bottom = 44, Edge = Side / 2;

    // As many as can be told apart; rarer classes share grey.
    private const int Colours = 10;

    public string Html()
    {
        var points = Map.Points;
        float left = points.Min(p => p.X), right = points.Max(p => p.X), low = points.Min(p => p.Y),
            high = points.Max(p => p.Y);
        // One scale for both axes, or distances would lie.
        double scale = Math.Min((Width - 2 * Side) / Math.Max(right - left, 1e-6),
            (Height - Top - Bottom) / Math.Max(high - low, 1e-6));
        double X(float x) => Width / 2.0 + scale * (x - (left + right) / 2);
        double Y(float y) => (Top + Height - Bottom) / 2.0 - scale * (y - (low + high) / 2);

        var classes = Labels is null ? []
            : Labels.Where(label => label >= 0).CountBy(label => label).OrderByDescending(c => c.Value)
            .ThenBy(c => c.Key)
            .Select(c => c.Key).Take(Colours).Order().ToList();
        var svg = new StringBuilder();
        var legend = new StringBuilder();
        var groups = Enumerable.Range(0, points.Count).GroupBy(i => Labels is null ? 0 : classes.IndexOf(Labels[i]))
            .OrderBy(group => group.Key);
        foreach (var group in groups)
        {
            string name = Labels is null ? "" : group.Key < 0 ? "others" : NameOf(classes[group.Key]),
                colour = group.Key < 0 ? "other" : $"c{group.Key}";
            svg.Append(FormattableString.Invariant($"<path class=\"dots {colour}\" d=\""));
            // A line of no length with round ends is a dot.
            foreach (int i in group) svg.Append(
                FormattableString.Invariant($"M{X(points[i].X):0.#} {Y(points[i].Y):0.#}h0"));
            svg.Append($"\"><title>{Text(name)}</title></path>");
            if (name.Length > 0) legend.Append($"<li class=\"{colour}\">{Text(name)}</li>");
        }
        return $"""
            <figure class="card scatter">
            <svg viewBox="0 0 {Width} {Height}" role="img" aria-label="Embeddings on two principal components">
            <path class="axis" d="M{Edge} {Top - 10}V{Height - Bottom + 14}H{Width - Edge}"/>{svg}
            <text x="{Width - Edge}" y="{Height - 10}" text-anchor="end">{Share("first", Map.Shares.X)}</text>
            <text x="{Edge}" y="20">{Share("second", Map.Shares.Y)}</text></svg>
            <ul class="legend">{legend}</ul></figure>

            """;
    }

    private static string Share(string rank, double share) =>
        FormattableString.Invariant($"{rank} principal component, {100 * share:0.#} % of the variance");

    private string NameOf(int label) => Names is not null && label < Names.Count ? Names[label] : $"class {label}";

    private static string Text(string text) => WebUtility.HtmlEncode(text);
}
