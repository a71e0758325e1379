using System.Globalization;
using System.Net;
using System.Text;
using MLNet.Ssl.Files;
using MLNet.Ssl.Reports;

namespace MLNet.Ssl;

/// <summary>
/// What a search by example found, as one HTML page that needs no other file, for light and dark screens: every query
/// with the photos most like it and, of a vision transformer, where the encoder looks.
/// </summary>
/// <example><code>
/// var page = new SearchPage { Facts = "1 000 photos" };
/// page.Add("query.jpg", RgbImages.Load("query.jpg"),
///     index.Search(encoder, "query.jpg", 5).Select(n =&gt; (n.Key, RgbImages.Load(n.Key), n.Similarity)));
/// page.Write("search.html");
/// </code></example>
public sealed class SearchPage
{
    private const int ThumbnailSide = 240;

    private static readonly string Style = """
        :root {
          color-scheme: light dark;
          --ground: #f6f5f2; --card: #fff; --text: #1d1d1f; --quiet: #66676c; --line: #dddcd8; --accent: #b4540a;
        }
        @media (prefers-color-scheme: dark) {
          :root {
            --ground: #131416; --card: #1e1f22; --text: #ececee; --quiet: #a2a3a9; --line: #34363b; --accent: #ffb066;
          }
        }
        * { box-sizing: border-box; }
        body {
          margin: 0; padding: 2rem clamp(1rem, 4vw, 3rem) 4rem;
          background: var(--ground); color: var(--text); font: 1rem/1.5 system-ui, sans-serif;
        }
        main { max-width: 78rem; margin: 0 auto; }
        h1 { margin: 0; font-size: 1.8rem; line-height: 1.2; }
        h2 { margin: 0; font-size: 1rem; }
        .facts { margin: .4rem 0 0; color: var(--quiet); }
        .facts:last-of-type { margin-bottom: 2rem; }
        section {
          display: grid; grid-template-columns: minmax(10rem, 15rem) minmax(0, 1fr); gap: 1.25rem;
          margin-bottom: 1.5rem; padding: 1.25rem;
          background: var(--card); border: 1px solid var(--line); border-radius: .75rem;
        }
        figure { margin: 0; min-width: 0; }
        img { display: block; width: 100%; border-radius: .4rem; background: var(--line); }
        .query img, .neighbors img { aspect-ratio: 1; object-fit: cover; }
        .neighbors {
          display: grid; grid-template-columns: repeat(auto-fill, minmax(8.5rem, 1fr)); gap: .9rem;
          align-content: start;
        }
        figcaption { margin-top: .35rem; font-size: .8rem; color: var(--quiet); }
        .name { display: block; overflow: hidden; text-overflow: ellipsis; white-space: nowrap; }
        .folder { color: var(--quiet); font-size: .8rem; }
        .own .folder { color: var(--accent); }
        .own img { outline: .2rem solid var(--accent); outline-offset: -.2rem; }
        .similarity {
          display: flex; align-items: center; gap: .5rem;
          color: var(--text); font-size: .9rem; font-variant-numeric: tabular-nums;
        }
        .bar { flex: 1; height: .3rem; border-radius: 1rem; background: var(--line); }
        .bar i { display: block; height: 100%; border-radius: 1rem; background: var(--accent); }
        details { grid-column: 1 / -1; min-width: 0; }
        summary { cursor: pointer; color: var(--quiet); }
        .heads {
          display: grid; grid-template-columns: repeat(auto-fill, minmax(min(11rem, 100%), 1fr)); gap: .9rem;
          margin-top: .75rem;
        }
        form { display: flex; flex-wrap: wrap; gap: .75rem; margin: 1.5rem 0; }
        @media (max-width: 40rem) {
          section { grid-template-columns: 1fr; }
          .query { display: grid; grid-template: auto auto 1fr / 9rem minmax(0, 1fr); column-gap: 1rem; }
          .query img { grid-row: 1 / 4; }
        }

        """ + HeatScale.Css;

    private const string Form = """
        <form method="post" enctype="multipart/form-data">
        <label>Photo to search for <input type="file" name="photo" accept="image/*" required></label>
        <button>Search</button>
        </form>

        """;

    private readonly List<Result> _results = [];

    /// <summary>Title of the page.</summary>
    /// <value>Default "Photos like these".</value>
    public string Title { get; init; } = "Photos like these";

    /// <summary>A line below the title: what was searched.</summary>
    /// <value>Default empty.</value>
    public string Facts { get; init; } = "";

    /// <summary>
    /// Whether the page has a form that sends another photo, as the file <c>photo</c>, to where the page came from: for
    /// a program that answers.
    /// </summary>
    /// <value>Default false.</value>
    public bool AsksForPhoto { get; init; }

    /// <summary>Adds a query. Images are kept as small pictures.</summary>
    /// <param name="name">What the query is called. Where it has a folder, as in <c>roses/1.jpg</c>, what was found in
    /// the same one is marked.</param>
    /// <param name="query">The image that was searched for.</param>
    /// <param name="found">Names, images and cosine similarities of what was found, the most similar first.</param>
    /// <param name="attention">The encoder's attention to the query; null where there is none. That of the first query
    /// is unfolded.</param>
    public void Add(string name, RgbImage query, IEnumerable<(string Name, RgbImage Image, float Similarity)> found,
        AttentionMaps? attention = null)
    {
        ArgumentException.ThrowIfNullOrEmpty(name);
        ArgumentNullException.ThrowIfNull(found);
        _results.Add(new(new(name, Thumbnail(query), null),
            [.. found.Select(photo => new Photo(photo.Name, Thumbnail(photo.Image), photo.Similarity))],
            attention is null ? [] : [.. Enumerable.Range(0, attention.Heads)
                .Select(head => Thumbnail(attention.Overlay(head)))]));
    }

    /// <summary>Writes the page.</summary>
    /// <param name="path">The file, replaced if it exists: wholly or, on failure, not at all.</param>
    /// <exception cref="IOException">The file cannot be written, or its folder does not exist.</exception>
    /// <exception cref="UnauthorizedAccessException">The file may not be written, or the path is that of a
    /// folder.</exception>
    public void Write(string path)
    {
        var page = Encoding.UTF8.GetBytes(Html());
        AtomicFile.Write(path, stream => stream.Write(page));
    }

    /// <summary>Writes the page into a stream, UTF-8, which stays open.</summary>
    /// <param name="stream">The stream.</param>
    public void Write(Stream stream)
    {
        ArgumentNullException.ThrowIfNull(stream);
        stream.Write(Encoding.UTF8.GetBytes(Html()));
    }

    internal string Html()
    {
        var page = new StringBuilder();
        page.Append($"""
            <!doctype html>
            <html lang="en">
            <meta charset="utf-8">
            <meta name="viewport" content="width=device-width, initial-scale=1">
            <title>{Text(Title)}</title>
            <style>
            {Style}
            </style>
            <main>
            <h1>{Text(Title)}</h1>
            <p class="facts">{Text(Facts)}</p>

            """);
        var range = Range();
        string marked = _results.Any(result => FolderOf(result.Query.Name) is not null)
            ? " A frame marks what lies in the query's own folder." : "";
        if (range.Most > range.Least)
        {
            page.Append(CultureInfo.InvariantCulture,
                $"<p class=\"facts\">Bars are drawn from the least similarity on the page, {range.Least:0.000}, "
                + $"to the greatest, {range.Most:0.000}.{marked}</p>\n");
        }
        if (AsksForPhoto) page.Append(Form);
        foreach (var (number, result) in _results.Index())
        {
            page.Append($"""
                <section>
                <figure class="query"><img src="{result.Query.Picture}" alt="Query {Text(result.Query.Name)}">
                <figcaption>searched for</figcaption><h2>{Name(result.Query.Name)}</h2>
                {Folder(result.Query.Name, false)}</figure>
                <div class="neighbors">

                """);
            string? folder = FolderOf(result.Query.Name);
            foreach (var neighbor in result.Neighbors)
                page.Append(Figure(neighbor, range, folder is not null && FolderOf(neighbor.Name) == folder));
            page.Append("</div>\n");
            if (result.Attention.Count > 0)
            {
                page.Append($"""
                    <details{(number == 0 ? " open" : "")}><summary>Where the encoder looks, head by head</summary>
                    {HeatScale.Html}
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

    private (float Least, float Most) Range()
    {
        float[] known = [.. _results.SelectMany(result => result.Neighbors)
            .Select(photo => photo.Similarity ?? float.NaN).Where(float.IsFinite)];
        return known.Length == 0 ? (0, 0) : (known.Min(), known.Max());
    }

    private static string Figure(Photo photo, (float Least, float Most) range, bool isOfOwnFolder)
    {
        float similarity = photo.Similarity ?? 0;
        double share = range.Most > range.Least ? (similarity - range.Least) / (range.Most - range.Least) : 1;
        return string.Create(CultureInfo.InvariantCulture, $"""
            <figure{(isOfOwnFolder ? " class=\"own\"" : "")}>
            <img src="{photo.Picture}" alt="{Text(photo.Name)}" loading="lazy">
            <figcaption><span class="similarity">{similarity:0.000}
            <span class="bar"><i style="width:{100 * share:0}%"></i></span></span>
            {Name(photo.Name)}{Folder(photo.Name, isOfOwnFolder)}</figcaption></figure>

            """);
    }

    /// <summary>The last part of a name on one line, the whole of it for a pointer that rests there.</summary>
    private static string Name(string name) =>
        $"<span class=\"name\" title=\"{Text(name)}\">{Text(Path.GetFileName(name))}</span>";

    private static string Folder(string name, bool isOwn) => FolderOf(name) is not { } folder ? ""
        : $"<span class=\"name folder\" title=\"{Text(folder)}\">{(isOwn ? "✓ " : "")}{Text(folder)}</span>";

    /// <summary>The folder that a name says; null where it says none.</summary>
    private static string? FolderOf(string name) =>
        Path.GetDirectoryName(name) is { Length: > 0 } folder ? folder : null;

    /// <summary>The image as a data URI, with a shorter side of at most <see cref="ThumbnailSide"/> pixels.</summary>
    private static string Thumbnail(RgbImage image)
    {
        var store = new ImageStore(ThumbnailSide);
        store.Add(image.Pixels.Span, image.Width, image.Height);
        return JpegImage.DataUri(store[0]);
    }

    private static string Text(string text) => WebUtility.HtmlEncode(text);

    private sealed record Photo(string Name, string Picture, float? Similarity);

    private sealed record Result(Photo Query, IReadOnlyList<Photo> Neighbors, IReadOnlyList<string> Attention);
}
