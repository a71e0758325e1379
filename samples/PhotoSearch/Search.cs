using System.Diagnostics;
using Microsoft.ML;
using MLNet.Ssl;
using MLNet.Ssl.Samples;
using Spectre.Console;

namespace PhotoSearch;

/// <summary>What the command line asked for.</summary>
internal sealed record SearchOptions(
    string? Photos, string[] Queries, string Method, string? Encoder, int Epochs, int Neighbors, string Output,
    int Seed);

/// <summary>The demonstration: pretrain on the folder, index it, search it, write the page.</summary>
internal static class Search
{
    private const int QueriesFromFolder = 6, AttentionSize = 224;

    public static int Run(SearchOptions options)
    {
        try
        {
            return Run(options, new MLContext(options.Seed));
        }
        catch (Exception error) when (
            error is IOException or InvalidDataException or InvalidOperationException or ArgumentException
            or UnauthorizedAccessException)
        {
            AnsiConsole.MarkupLineInterpolated($"[red]{error.Message}[/]");
            return 1;
        }
    }

    private static int Run(SearchOptions options, MLContext ml)
    {
        var ssl = ml.SelfSupervised();
        var folder = PhotoFolder.Open(ssl.Data, options.Photos);
        AnsiConsole.MarkupLineInterpolated($"{folder.Files.Count:N0} photos in {folder.Path}");
        foreach (var (unreadable, reason) in folder.Unreadable)
            AnsiConsole.MarkupLineInterpolated($"[yellow]left out: {unreadable}: {reason}[/]");

        var clock = Stopwatch.StartNew();
        using var encoder = Estimator(ssl, folder, options).Fit(ssl.Data.LoadImageFolder(folder.Path));
        var pretrained = clock.Elapsed;
        var index = ssl.Index(encoder, folder.Files);
        Directory.CreateDirectory(options.Output);
        index.Save(Path.Combine(options.Output, "photos.index"));

        string origin = options.Encoder is { } weights ? Path.GetFileName(weights)
            : FormattableString.Invariant(
                $"{options.Method}, {options.Epochs} epochs in {pretrained.TotalSeconds:0} s, no labels");
        string facts = FormattableString.Invariant(
            $"{folder.Files.Count:N0} photos, {origin}. Numbers are cosine similarities.");
        if (SameFolder(folder, index, options.Neighbors) is { } share)
        {
            facts += FormattableString.Invariant(
                $" Of the {options.Neighbors} nearest photos {share.Found:P0} lie in the query's own subfolder; ")
                + FormattableString.Invariant($"by chance it would be {share.Chance:P0}.");
        }
        var page = new SearchPage { Facts = facts };
        foreach (var (number, query) in (
            options.Queries.Length > 0 ? options.Queries : folder.Sample(QueriesFromFolder)).Index())
        {
            var found = index.Search(encoder, query, options.Neighbors + 1).Where(n => n.Key != query)
                .Take(options.Neighbors).Select(n => (Name(folder, n.Key), RgbImages.Load(n.Key), n.Similarity));
            page.Add(Name(folder, query), RgbImages.Load(query), found, Attention(ssl, encoder, query, options, number));
        }
        string file = Path.Combine(options.Output, "index.html");
        page.Write(file);
        AnsiConsole.MarkupLineInterpolated($"{facts}");
        AnsiConsole.MarkupLineInterpolated($"[green]{Path.GetFullPath(file)}[/]");
        return 0;
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
        : new SimClrOptions
        {
            Backbone = new ResNetOptions { BlocksPerStage = [1, 1, 1], Width = 32, Stem = ResNetStem.SmallStride2 },
            ImageSize = 64,
            BatchSize = 32,
            Temperature = 0.2,
            LearningRate = 0.4,
            MinCropScale = 0.3,
        };

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

    private static string Name(PhotoFolder folder, string path) => folder.Files.Contains(path) ? folder.Name(path) : path;

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
    private static (double Found, double Chance)? SameFolder(PhotoFolder folder, EmbeddingIndex index, int neighbors)
    {
        string[] kinds = [.. folder.Files.Select(path => Path.GetDirectoryName(path)!)];
        int[] rows = [.. Enumerable.Range(0, kinds.Length)
            .Where(row => kinds.Count(kind => kind == kinds[row]) > neighbors)];
        if (kinds.Distinct().Count() < 2 || rows.Length == 0) return null;
        return (rows.Average(row => index.SearchRow(row, neighbors).Average(n => kinds[n.Row] == kinds[row] ? 1.0 : 0)),
            rows.Average(row => (kinds.Count(kind => kind == kinds[row]) - 1.0) / (kinds.Length - 1)));
    }
}
