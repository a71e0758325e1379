using System.Net;
using System.Text;

namespace PhotoSearch;

/// <summary>A photo on the page.</summary>
/// <param name="Name">What it is called.</param>
/// <param name="Picture">Its picture, a data URI.</param>
/// <param name="Similarity">Cosine similarity to the query; null for the query itself.</param>
public sealed record PagePhoto(string Name, string Picture, float? Similarity = null);

/// <summary>A query and what was found.</summary>
/// <param name="Query">The photo searched for.</param>
/// <param name="Neighbors">The photos most like it, the most similar first.</param>
/// <param name="Attention">Pictures of the encoder's attention to the query, one a head, data URIs; none where there is
/// no attention.</param>
public sealed record PageResult(PagePhoto Query, IReadOnlyList<PagePhoto> Neighbors, IReadOnlyList<string> Attention);

/// <summary>The results as one HTML file that needs no other, for light and dark screens.</summary>
public static class ResultPage
{
    private const string Style = """
        :root { color-scheme: light dark; --ground: #f6f5f2; --card: #fff; --text: #1d1d1f; --quiet: #66676c; --line: #dddcd8; --accent: #b4540a; }
        @media (prefers-color-scheme: dark) {
          :root { --ground: #131416; --card: #1e1f22; --text: #ececee; --quiet: #a2a3a9; --line: #34363b; --accent: #ffb066; }
        }
        * { box-sizing: border-box; }
        body { margin: 0; padding: 2rem clamp(1rem, 4vw, 3rem) 4rem; background: var(--ground); color: var(--text); font: 1rem/1.5 system-ui, sans-serif; }
        main { max-width: 78rem; margin: 0 auto; }
        h1 { margin: 0; font-size: 1.8rem; line-height: 1.2; }
        h2 { margin: 0; font-size: 1rem; overflow-wrap: anywhere; }
        .facts { margin: .4rem 0 2rem; color: var(--quiet); }
        section { display: grid; grid-template-columns: minmax(10rem, 15rem) 1fr; gap: 1.25rem; margin-bottom: 1.5rem; padding: 1.25rem;
                  background: var(--card); border: 1px solid var(--line); border-radius: .75rem; }
        figure { margin: 0; min-width: 0; }
        img { display: block; width: 100%; border-radius: .4rem; background: var(--line); }
        .query img, .neighbors img { aspect-ratio: 1; object-fit: cover; }
        .neighbors { display: grid; grid-template-columns: repeat(auto-fill, minmax(8.5rem, 1fr)); gap: .9rem; align-content: start; }
        figcaption { margin-top: .35rem; font-size: .8rem; color: var(--quiet); overflow-wrap: anywhere; }
        .similarity { display: flex; align-items: center; gap: .5rem; color: var(--text); font-size: .9rem; font-variant-numeric: tabular-nums; }
        .bar { flex: 1; height: .3rem; border-radius: 1rem; background: var(--line); }
        .bar i { display: block; height: 100%; border-radius: 1rem; background: var(--accent); }
        details { grid-column: 1 / -1; }
        summary { cursor: pointer; color: var(--quiet); }
        .heads { display: grid; grid-template-columns: repeat(auto-fill, minmax(min(14rem, 100%), 1fr)); gap: .9rem; margin-top: .75rem; }
        form { display: flex; flex-wrap: wrap; gap: .75rem; margin-bottom: 1.5rem; }
        @media (max-width: 40rem) { section { grid-template-columns: 1fr; } }
        """;

    private const string Form = """
        <form method="post" enctype="multipart/form-data">
        <label>Photo to search for <input type="file" name="photo" accept="image/*" required></label>
        <button>Search</button>
        </form>

        """;

    /// <summary>The page.</summary>
    /// <param name="title">Its title.</param>
    /// <param name="facts">A line of what was done.</param>
    /// <param name="results">The queries in their order; the first one's attention is unfolded.</param>
    /// <param name="asks">Whether the page asks for another photo, to be sent to where the page came from.</param>
    public static string Html(string title, string facts, IReadOnlyList<PageResult> results, bool asks = false)
    {
        var page = new StringBuilder();
        page.Append($"""
            <!doctype html>
            <html lang="en">
            <meta charset="utf-8">
            <meta name="viewport" content="width=device-width, initial-scale=1">
            <title>{Text(title)}</title>
            <style>
            {Style}
            </style>
            <main>
            <h1>{Text(title)}</h1>
            <p class="facts">{Text(facts)}</p>

            """);
        if (asks) page.Append(Form);
        foreach (var (number, result) in results.Index())
        {
            page.Append($"""
                <section>
                <figure class="query"><img src="{result.Query.Picture}" alt="Query {Text(result.Query.Name)}">
                <figcaption>searched for</figcaption><h2>{Text(result.Query.Name)}</h2></figure>
                <div class="neighbors">

                """);
            foreach (var neighbor in result.Neighbors) page.Append(Figure(neighbor));
            page.Append("</div>\n");
            if (result.Attention.Count > 0)
            {
                page.Append($"""
                    <details{(number == 0 ? " open" : "")}><summary>Where the encoder looks, head by head</summary>
                    <div class="heads">

                    """);
                foreach (var (head, picture) in result.Attention.Index())
                {
                    page.Append($"<figure><img src=\"{picture}\" alt=\"Attention of head {head}\" loading=\"lazy\">");
                    page.Append($"<figcaption>head {head}</figcaption></figure>\n");
                }
                page.Append("</div></details>\n");
            }
            page.Append("</section>\n");
        }
        return page.Append("</main>\n</html>\n").ToString();
    }

    private static FormattableString Figure(PagePhoto photo) => $"""
        <figure><img src="{photo.Picture}" alt="{Text(photo.Name)}" loading="lazy"><figcaption>
        <span class="similarity">{photo.Similarity:0.000}
        <span class="bar"><i style="width:{100 * Math.Clamp(photo.Similarity ?? 0, 0, 1):0}%"></i></span></span>
        {Text(photo.Name)}</figcaption></figure>

        """;

    private static StringBuilder Append(this StringBuilder page, FormattableString text) =>
        page.Append(FormattableString.Invariant(text));

    private static string Text(string text) => WebUtility.HtmlEncode(text);
}
