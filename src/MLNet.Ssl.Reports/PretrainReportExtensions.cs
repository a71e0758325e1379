using Microsoft.ML;
using Microsoft.ML.Data;
using MLNet.Ssl.DataView;

namespace MLNet.Ssl;

/// <summary>Writes the report of a run with what a pipeline has: a transformer and a view.</summary>
public static class PretrainReportExtensions
{
    /// <summary>Writes the page of a run whose encoder ends a chain; the rows have the chain's input columns and pass
    /// through the steps before the encoder.</summary>
    /// <inheritdoc cref="Write(PretrainReport, string, EmbeddingTransformer, IDataView, string, int,
    /// CancellationToken)"/>
    /// <param name="chain">The fitted chain.</param>
    public static void Write(
        this PretrainReport report, string path, TransformerChain<EmbeddingTransformer> chain, IDataView rows,
        string? labelColumnName = null, int maxRows = 2000, CancellationToken cancellationToken = default)
    {
        ArgumentNullException.ThrowIfNull(chain);
        ArgumentNullException.ThrowIfNull(rows);
        foreach (var step in chain.SkipLast(1)) rows = step.Transform(rows);
        report.Write(path, chain.LastTransformer, rows, labelColumnName, maxRows, cancellationToken);
    }

    /// <summary>
    /// Writes the page with a map of the rows' embeddings, and for images with sample views and, of a vision
    /// transformer, attention maps.
    /// </summary>
    /// <param name="report">The report, which was the run's <see cref="TrainingOptions.Progress"/>.</param>
    /// <param name="path">The HTML file, replaced if it exists: wholly or, on failure, not at all.</param>
    /// <param name="transformer">The fitted transformer.</param>
    /// <param name="rows">Rows with the transformer's input column; the first of them are read. Shuffle rows that are
    /// sorted by class.</param>
    /// <param name="labelColumnName">Column of the classes, a key: colours of the map, with the key's names; rows
    /// without a label are grey. Null for one colour.</param>
    /// <param name="maxRows">How many rows are read at most. Default 2 000, range 1 and up.</param>
    /// <param name="cancellationToken">Stops while rows are read or embedded, at the next one, with an
    /// <see cref="OperationCanceledException"/>.</param>
    /// <example><code>
    /// var report = new PretrainReport();
    /// var encoder = ssl.Pretrain("Embedding", "Image", new SimClrOptions { Progress = report }).Fit(images);
    /// report.Write("report.html", encoder, labelled, "Label");
    /// </code></example>
    /// <exception cref="ArgumentOutOfRangeException">A column is missing or of another type.</exception>
    /// <exception cref="InvalidOperationException">There are no rows, or one cannot be read; the message names it. The
    /// transformer's <see cref="EmbeddingTransformer.OnUnreadableImage"/> may leave it out.</exception>
    /// <exception cref="IOException">The file cannot be written, or its folder does not exist.</exception>
    public static void Write(
        this PretrainReport report, string path, EmbeddingTransformer transformer, IDataView rows,
        string? labelColumnName = null, int maxRows = 2000,
        CancellationToken cancellationToken = default)
    {
        ArgumentNullException.ThrowIfNull(report);
        ArgumentNullException.ThrowIfNull(transformer);
        ArgumentNullException.ThrowIfNull(rows);
        if (maxRows < 1) throw new ArgumentOutOfRangeException(
            nameof(maxRows), maxRows, $"maxRows is {maxRows}; it must be at least 1.");
        // The transformer's own check of the column.
        _ = transformer.GetOutputSchema(rows.Schema);
        var input = rows.Schema[transformer.InputColumnName];
        DataViewSchema.Column? label = labelColumnName is null ? null
            : LabelColumn.Find(rows.Schema, labelColumnName, out _);
        var names = label is { } column ? LabelColumn.Names(column) : null;
        var reader = new RowReader(rows, input, label, cancellationToken) { KeepUnlabeled = true, MaxRows = maxRows };
        if (transformer.Encoder is ImageEncoder images)
        {
            using var read = ImageRows.Read(
                reader,
                ImageReading.For(images.Preprocessing.CropSize) with
                {
                    ApplyExifOrientation = transformer.ApplyExifOrientation,
                },
                transformer.Unreadable());
            report.Write(path, images, read.Images, label is null ? null : read.Labels, names, cancellationToken);
            return;
        }
        var values = TableRows.Read(reader);
        using var table = values.Table;
        report.Write(path, (TableEncoder)transformer.Encoder, table, label is null ? null : values.Labels, names);
    }
}
