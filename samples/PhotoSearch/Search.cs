using System.Diagnostics;
using Microsoft.Extensions.AI;
using Microsoft.Extensions.Caching.Distributed;
using Microsoft.Extensions.Caching.Memory;
using Microsoft.Extensions.Options;
using Microsoft.ML;
using MLNet.Ssl;
using MLNet.Ssl.Samples;
using PhotoSearch.Stores;
using Spectre.Console;

namespace PhotoSearch;

/// <summary>What the command line asked for.</summary>
internal sealed record SearchOptions(
    string? Photos, string[] Queries, string Method, string? Encoder, int Epochs, int Neighbors, string Store,
    string? Connection, int? Serve, string Output, int Seed);

/// <summary>The demonstration: pretrain on the folder, store embeddings, search, write the page.</summary>
internal static class Search
{
    private const int QueriesFromFolder = 6, AttentionSize = 224;

    public static async Task<int> RunAsync(SearchOptions options, CancellationToken token)
    {
        try
        {
            return await RunAsync(options, new MLContext(options.Seed), token);
        }
        catch (Exception error) when (
            error is IOException or InvalidDataException or InvalidOperationException or ArgumentException
            or UnauthorizedAccessException or System.Data.Common.DbException or Grpc.Core.RpcException)
        {
            AnsiConsole.MarkupLineInterpolated($"[red]{error.Message}[/]");
            return 1;
        }
    }

    private static async Task<int> RunAsync(SearchOptions options, MLContext ml, CancellationToken token)
    {
        var ssl = ml.SelfSupervised();
        var folder = PhotoFolder.Open(ssl.Data, options.Photos);
        AnsiConsole.MarkupLineInterpolated($"{folder.Files.Count:N0} photos in {folder.Path}");
        foreach (var (unreadable, reason) in folder.Unreadable)
            AnsiConsole.MarkupLineInterpolated($"[yellow]left out: {unreadable}: {reason}[/]");

        var clock = Stopwatch.StartNew();
        using var encoder = Estimator(ssl, folder, options).Fit(ssl.Data.LoadImageFolder(folder.Path));
        var pretrained = clock.Elapsed;
        Directory.CreateDirectory(options.Output);
        // A photo that is searched for has been embedded before, mostly.
        using var generator = encoder.AsEmbeddingGenerator().AsBuilder()
            .UseDistributedCache(new MemoryDistributedCache(Options.Create(new MemoryDistributedCacheOptions())))
            .Build();
        using var photos = PhotoStores.Open(options.Store, options.Connection, options.Output, generator);
        await photos.EnsureCollectionDeletedAsync(token);
        await photos.EnsureCollectionExistsAsync(token);
        await photos.UpsertAsync(folder.Files.Select(path => new IndexedPhoto { Path = path, Photo = Content(path) }),
            token);

        string origin = options.Encoder is { } weights ? Path.GetFileName(weights)
            : FormattableString.Invariant(
                $"{options.Method}, {options.Epochs} epochs in {pretrained.TotalSeconds:0} s, no labels");
        string facts = FormattableString.Invariant(
            $"{folder.Files.Count:N0} photos, {origin}. Numbers are cosine similarities.");
        if (await SameFolderAsync(folder, photos, options.Neighbors, token) is { } share)
        {
            facts += FormattableString.Invariant(
                $" Of the {options.Neighbors} nearest photos {share.Found:P0} lie in the query's own subfolder; ")
                + FormattableString.Invariant($"by chance it would be {share.Chance:P0}.");
        }
        var page = new SearchPage { Facts = facts };
        foreach (var (number, query) in (
            options.Queries.Length > 0 ? options.Queries : folder.Sample(QueriesFromFolder)).Index())
        {
            var found = await NearestAsync(photos, query, options.Neighbors, token);
            page.Add(
                Name(folder, query), RgbImages.Load(query),
                found.Select(n => (Name(folder, n.Path), RgbImages.Load(n.Path), n.Similarity)),
                Attention(ssl, encoder, query, options, number));
        }
        string file = Path.Combine(options.Output, "index.html");
        page.Write(file);
        AnsiConsole.MarkupLineInterpolated($"{facts}");
        AnsiConsole.MarkupLineInterpolated($"[green]{Path.GetFullPath(file)}[/]");
        if (options.Serve is not { } port) return 0;
        await using var site = SearchSite.Build(photos, folder, options.Neighbors, $"http://127.0.0.1:{port}");
        AnsiConsole.MarkupLineInterpolated($"[green]http://127.0.0.1:{port}[/], until Ctrl+C");
        await site.RunAsync();
        return 0;
    }

    private static DataContent Content(string path) => new(File.ReadAllBytes(path), "image/*");

    /// <summary>The photos most like a file, which is not among them.</summary>
    private static async Task<IReadOnlyList<(string Path, float Similarity)>> NearestAsync(
        PhotoCollection photos, string query, int count, CancellationToken token)
    {
        var found = new List<(string, float)>();
        await foreach (var result in photos.SearchAsync(Content(query), count + 1, cancellationToken: token))
            if (result.Record.Path != query && found.Count < count)
                found.Add((result.Record.Path, (float)result.Score!));
        return found;
    }

    /// <summary>Small enough for a folder and two cores.</summary>
    private static PretrainOptions Encoder(string method) => method == "dino"
        ? new DinoOptions
        {
            Backbone = new VisionTransformerOptions
            {
                ImageSize = 64,
                PatchSize = 8,
                EmbeddingDimension = 96,
                Depth = 4,
                Heads = 3,
            },
            ImageSize = 64,
            BatchSize = 16,
            LocalCrops = 4,
            OutputDimension = 512,
            HeadHiddenDimension = 256,
            HeadBottleneckDimension = 64,
            LearningRate = 0.004,
        }
        : SmallSettings.SimClr with { ImageSize = 64, BatchSize = 32 };

    /// <summary>The encoder of a file, or one that learns from the folder.</summary>
    private static IEstimator<EmbeddingTransformer> Estimator(
        SelfSupervisedCatalog ssl, PhotoFolder folder, SearchOptions options)
    {
        if (options.Encoder is { } file) return ssl.LoadPretrained("Embedding", "Image", file);
        var chosen = Encoder(options.Method);
        return ssl.Pretrain("Embedding", "Image", chosen with
        {
            Epochs = options.Epochs,
            Seed = options.Seed,
            OnUnreadableImage = OnUnreadableImage.Skip,
            BatchSize = Math.Min(chosen.BatchSize!.Value, folder.Files.Count),
            Progress = new ConsoleProgress(),
        });
    }

    private static string Name(PhotoFolder folder, string path) =>
        folder.Files.Contains(path) ? folder.Name(path) : path;

    /// <summary>Writes the attention maps and their contact sheet, and gives them for the page; null of a residual
    /// network, which has no attention.</summary>
    private static AttentionMaps? Attention(
        SelfSupervisedCatalog ssl, EmbeddingTransformer encoder, string path, SearchOptions options, int number)
    {
        try
        {
            var maps = ssl.AttentionMaps(encoder, path, AttentionSize);
            maps.Save(Path.Combine(options.Output, "attention"), $"{number}-{Path.GetFileNameWithoutExtension(path)}");
            return maps;
        }
        catch (NotSupportedException)
        {
            return null;
        }
    }

    /// <summary>
    /// How often a neighbour lies in the query's subfolder, where subfolders tell kinds of photos apart; null where
    /// they do not.
    /// </summary>
    private static async Task<(double Found, double Chance)?> SameFolderAsync(
        PhotoFolder folder, PhotoCollection photos, int neighbors, CancellationToken token)
    {
        var kinds = folder.Files.ToDictionary(path => path, path => Path.GetDirectoryName(path)!);
        string[] queries = [.. folder.Files.Where(path => kinds.Values.Count(kind => kind == kinds[path]) > neighbors)];
        if (kinds.Values.Distinct().Count() < 2 || queries.Length == 0) return null;
        double found = 0;
        foreach (string query in queries)
            found += (await NearestAsync(photos, query, neighbors, token))
                .Average(n => kinds[n.Path] == kinds[query] ? 1.0 : 0);
        return (found / queries.Length,
            queries.Average(query => (kinds.Values.Count(kind => kind == kinds[query]) - 1.0) / (kinds.Count - 1)));
    }
}
