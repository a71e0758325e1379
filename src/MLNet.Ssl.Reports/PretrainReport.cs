using System.Text;
using MLNet.Ssl.Data;
using MLNet.Ssl.Files;
using MLNet.Ssl.Inference;
using MLNet.Ssl.Reports;
using MLNet.Ssl.Runs;
using static TorchSharp.torch;

namespace MLNet.Ssl;

/// <summary>
/// Collects the progress of a run and writes it as one HTML page that needs no other file, for light and dark screens
/// and for print.
/// </summary>
/// <remarks>
/// The page has the curves of loss, learning rate, momentum, kNN accuracy, RankMe, alignment and uniformity, collapse
/// alarms and speed; with an encoder
/// and rows also a map of their embeddings, with images the views that the network learned from and, of a vision
/// transformer, its attention; last the settings, each with the reason where it was chosen. It can be written during a
/// run, after one, and after one that failed. Another run with the same report starts it anew. Safe to use from several
/// threads.
/// </remarks>
/// <example><code>
/// var report = new PretrainReport();
/// using var encoder = Pretrainer.Fit(images, new SimClrOptions { Progress = report });
/// report.Write("report.html", encoder, images);
/// </code></example>
public sealed class PretrainReport : IProgress<TrainingProgress>, IRunObserver
{
    // Rows that are drawn: more would hide one another.
    private const int MostRows = 2000;

    private readonly Lock _gate = new();
    private RunRecord _run = new();

    /// <summary>Title of the page.</summary>
    /// <value>Default null: the name of the method.</value>
    public string? Title { get; init; }

    /// <inheritdoc/>
    public void Report(TrainingProgress value)
    {
        ArgumentNullException.ThrowIfNull(value);
        lock (_gate) _run.Add(value);
    }

    /// <summary>Writes the page: curves and settings.</summary>
    /// <param name="path">The file, replaced if it exists: wholly or, on failure, not at all.</param>
    /// <exception cref="IOException">The file cannot be written, or its folder does not exist.</exception>
    /// <exception cref="UnauthorizedAccessException">The file may not be written, or the path is that of a
    /// folder.</exception>
    public void Write(string path) => Write(path, _ => "");

    /// <summary>
    /// Writes the page with a map of embeddings, sample views and, of a vision transformer, attention maps.
    /// </summary>
    /// <param name="path">The file, replaced if it exists: wholly or, on failure, not at all.</param>
    /// <param name="encoder">The trained encoder.</param>
    /// <param name="images">Images to embed; 2 000 of them, evenly spread, where there are more. A few are shown on the
    /// page.</param>
    /// <param name="labels">Class of each image, from 0, −1 for none: colours of the map; null for one colour.</param>
    /// <param name="labelNames">Names of the classes; null for their numbers.</param>
    /// <exception cref="ArgumentException">There are no images, or not as many labels as images.</exception>
    /// <exception cref="IOException">The file cannot be written, or its folder does not exist.</exception>
    /// <exception cref="UnauthorizedAccessException">The file may not be written, or the path is that of a
    /// folder.</exception>
    public void Write(string path, ImageEncoder encoder, ImageStore images, IReadOnlyList<int>? labels = null,
        IReadOnlyList<string>? labelNames = null)
    {
        ArgumentNullException.ThrowIfNull(images);
        Write(path, encoder, (IImageSource)images, labels, labelNames);
    }

    /// <inheritdoc cref="Write(string, ImageEncoder, ImageStore, IReadOnlyList{int}?, IReadOnlyList{string}?)"/>
    internal void Write(string path, ImageEncoder encoder, IImageSource images, IReadOnlyList<int>? labels,
        IReadOnlyList<string>? labelNames, CancellationToken cancellation = default)
    {
        ArgumentNullException.ThrowIfNull(encoder);
        CheckRows(images.Count, labels);
        Write(path, run => Map(images.Count, rows => encoder.Embed(images, rows, cancellation), labels, labelNames)
            + (run.Description is { } told ? ReportPictures.Views(told, images) : "")
                + ReportPictures.Attention(encoder, images));
    }

    /// <summary>Writes the page with a map of embeddings.</summary>
    /// <param name="path">The file, replaced if it exists: wholly or, on failure, not at all.</param>
    /// <param name="encoder">The trained encoder.</param>
    /// <param name="rows">Rows to embed; 2 000 of them, evenly spread, where there are more.</param>
    /// <param name="labels">Class of each row, from 0, −1 for none: colours of the map; null for one colour.</param>
    /// <param name="labelNames">Names of the classes; null for their numbers.</param>
    /// <exception cref="ArgumentException">There are not as many labels as rows, or the rows are not of the encoder's
    /// width.</exception>
    /// <exception cref="IOException">The file cannot be written, or its folder does not exist.</exception>
    /// <exception cref="UnauthorizedAccessException">The file may not be written, or the path is that of a
    /// folder.</exception>
    public void Write(string path, TableEncoder encoder, TableStore rows, IReadOnlyList<int>? labels = null,
        IReadOnlyList<string>? labelNames = null)
    {
        ArgumentNullException.ThrowIfNull(encoder);
        ArgumentNullException.ThrowIfNull(rows);
        CheckRows(rows.Count, labels);
        Write(path, _ => Map(rows.Count, chosen => encoder.Embed(rows, chosen), labels, labelNames));
    }

    void IRunObserver.OnStart(RunDescription run)
    {
        lock (_gate) _run = new() { Description = run };
    }

    void IRunObserver.OnMessage(TrainingMessage message)
    {
        lock (_gate)
            if (message.IsWarning) _run.Warnings.Add(message.Text);
    }

    bool IRunObserver.WantsBaseline => true;

    void IRunObserver.OnBaseline(double? untrained, double chance)
    {
        lock (_gate) _run.Baseline = (untrained, chance);
    }

    /// <summary>Up to <paramref name="most"/> numbers below <paramref name="count"/>, evenly spread.</summary>
    internal static int[] Spread(int count, int most)
    {
        int chosen = Math.Min(count, most);
        return [.. Enumerable.Range(0, chosen).Select(i => (int)((long)count * i / chosen))];
    }

    private static void CheckRows(int count, IReadOnlyList<int>? labels)
    {
        if (count == 0) throw new ArgumentException(
            "There are no rows to embed; expected at least one.", nameof(count));
        if (labels is not null && labels.Count != count)
            throw new ArgumentException($"There are {labels.Count} labels for {count} rows; expected one a row.",
                nameof(labels));
    }

    private static string Map(int count,
        Func<IReadOnlyList<int>, Tensor> embed, IReadOnlyList<int>? labels, IReadOnlyList<string>? names)
    {
        using var scope = NewDisposeScope();
        var rows = Spread(count, MostRows);
        var chart = new ScatterChart(EmbeddingMap.Of(embed(rows)), labels is null ? null
            : [.. rows.Select(row => labels[row])], names);
        string of = rows.Length < count ? FormattableString.Invariant($" of {count:N0}") : "";
        return FormattableString.Invariant($"""
            <h2>Embeddings</h2>
            <p class="lead">{rows.Length:N0} rows{of} by their embeddings, of length 1, on the two directions of most
            variance.</p>
            {chart.Html()}
            """);
    }

    private void Write(string path, Func<RunRecord, string> pictures)
    {
        lock (_gate)
        {
            var page = Encoding.UTF8.GetBytes(ReportPage.Html(Title, _run, pictures(_run)));
            AtomicFile.Write(path, stream => stream.Write(page));
        }
    }
}
