using System.CommandLine;
using MLNet.Ssl.Cli.Arguments;
using MLNet.Ssl.Cli.Models;
using MLNet.Ssl.Cli.Terminal;

namespace MLNet.Ssl.Cli.Commands;

/// <summary>Searches an index by example.</summary>
internal static class SearchCommand
{
    private const int RowsOfThePage = 6;

    private const string Examples = """
        Examples:
          mlssl search photos.index query.jpg --model photos.mlssl
          mlssl search photos.index --key roses/12.jpg                             a row of the index needs no model
          mlssl search photos.index --model photos.mlssl --images photos --page search.html   six rows, evenly spread
        """;

    public static Command Create(Session session)
    {
        var index = new Argument<string>("index") { Description = "The index, which 'mlssl index' wrote" };
        var queries = new Argument<string[]>("query")
        {
            Description = "Images to search for",
            Arity = ArgumentArity.ZeroOrMore,
        };
        var keys = Flags.Of<string[]>("--key", "key", "Row of the index to search for, by its key; repeatable");
        var count = Flags.Of("--count", "rows", "Rows found for each query", 5);
        var page = Flags.Of<string?>("--page", "file", "HTML page of the queries and what was found");
        var images = Flags.Of<string?>("--images", "folder",
            "Folder that keys are paths in, for the page [the current one]");
        var command = new TaughtCommand("search", "Search an index for what is most like an image or a row.", Examples)
        {
            index, queries, keys, count, page, images,
        };
        var model = new ModelFlags(command, required: false, reads: true);
        var common = new CommonFlags(command, computes: true);
        Flags.AtLeast(count, 1);
        command.SetAction(parsed =>
        {
            common.Apply(parsed, session);
            // A search multiplies matrices.
            TorchLibrary.Require();
            var rows = EmbeddingIndex.Load(parsed.GetValue(index)!);
            using var encoder = model.Name(parsed) is null ? null
                : model.Load(parsed, common.Context(parsed, session), session);
            var searches = Searches(rows, encoder, parsed.GetValue(queries) ?? [], parsed.GetValue(keys) ?? [],
                parsed.GetValue(count),
                parsed.GetValue(page) is not null);
            string root = parsed.GetValue(images) ?? ".";
            var html = parsed.GetValue(page) is null ? null
                : new SearchPage
                {
                    Facts =
                $"{rows.Count} rows of {parsed.GetValue(index)}. Numbers are cosine similarities."
                };
            foreach (var (query, isKey, found) in searches)
            {
                session.Token.ThrowIfCancellationRequested();
                var lines = found.Select(row => FormattableString.Invariant($"  {row.Similarity:0.000}  {row.Key}"));
                session.Result($"{query}\n{string.Join('\n', lines)}",
                    new { @event = "found", query, rows = found.Select(row => new { row.Key, row.Similarity }) });
                html?.Add(query, RgbImages.Load(isKey ? Path.Combine(root, query) : query),
                    found.Select(row => (row.Key, RgbImages.Load(Path.Combine(root, row.Key)), row.Similarity)),
                        Attention(encoder, isKey ? Path.Combine(root, query) : query));
            }
            if (html is null) return ExitCode.Done;
            html.Write(parsed.GetValue(page)!);
            session.Result($"wrote {parsed.GetValue(page)}", new { @event = "done", output = parsed.GetValue(page) });
            return ExitCode.Done;
        });
        return command;
    }

    private static IEnumerable<(string Query, bool IsKey, IReadOnlyList<Neighbor> Found)> Searches(
        EmbeddingIndex index, LoadedModel? encoder, string[] queries, string[] keys, int count, bool spread)
    {
        if (queries.Length > 0 && encoder is null) throw new UsageException(
            "--model is missing: it embeds the images that are searched for.");
        if (queries.Length == 0 && keys.Length == 0)
        {
            if (!spread) throw new UsageException(
                "There is nothing to search for: name an image, or a row with --key.");
            int shown = Math.Min(RowsOfThePage, index.Count);
            keys = [.. Enumerable.Range(0, shown).Select(i => index.Keys[(int)((i + 0.5) * index.Count / shown)])];
        }
        foreach (string query in queries)
        {
            yield return (query, false, index.Search(encoder!.Encoder, query, count));
        }
        foreach (string key in keys)
            yield return (key, true, index.TryGetRow(key, out int row) ? index.SearchRow(row, count)
                : throw new InvalidDataException(
                    $"The index has no row with the key '{key}'; the first is '{index.Keys.FirstOrDefault()}'."));
    }

    private static AttentionMaps? Attention(LoadedModel? model, string path)
    {
        if (model is null || !model.TakesImages) return null;
        try
        {
            return AttentionMaps.Of(model.Images, RgbImages.Load(path), 224);
        }
        catch (NotSupportedException)
        {
            // A residual network has no attention.
            return null;
        }
    }
}
