using System.Diagnostics;
using Microsoft.Data.Analysis;
using Microsoft.ML;
using Microsoft.ML.Data;
using MLNet.Ssl.Cli.Embeddings;
using MLNet.Ssl.Cli.Input;
using MLNet.Ssl.Cli.Terminal;
using MLNet.Ssl.Inference;

namespace MLNet.Ssl.Cli.Models;

/// <summary>Embeds rows of data.</summary>
internal static class Embedder
{
    /// <summary>Embeds the rows from one to before another.</summary>
    /// <returns>The rows that could be read, and the numbers of those that could not.</returns>
    /// <exception cref="InvalidDataException">The model takes other data; the message says what.</exception>
    public static (EmbeddedRows Rows, IReadOnlyList<int> Skipped) Embed(LoadedModel model, RowSource source, int from,
        int to,
        OnUnreadableImage onUnreadable, Session session, RowsDisplay display)
    {
        List<int> rows = [], skipped = [];
        var values = source switch
        {
            ImageSource images when model.TakesImages => Embed(model, images, from, to, onUnreadable, session, display,
                rows, skipped),
            TableSource table when !model.TakesImages => Embed(model, table, from, to, display, rows),
            _ => throw new InvalidDataException(
                $"'{model.Name}' embeds {(model.TakesImages ? "images" : "rows of a table")}; "
                + $"'{source.Path}' has {(source is ImageSource ? "images" : "rows of a table")}."),
        };
        return (new([.. rows.Select(row => source.Keys[row])], source.Labels is null ? null
            : [.. rows.Select(row => source.Labels[row])], values),
            skipped);
    }

    /// <summary>What a data choice must ask for, so that the model's columns are read.</summary>
    public static DataChoice ColumnsFor(LoadedModel model, DataChoice choice) => model.TakesImages
        || model.Schema is null
        ? choice : choice with
        {
            Columns = [.. model.Schema.Where(column => !column.IsHidden)
            .Select(column => column.Name)]
        };

    private static float[] Embed(LoadedModel model, ImageSource source, int from, int to,
        OnUnreadableImage onUnreadable,
        Session session, RowsDisplay display, List<int> rows, List<int> skipped)
    {
        int dimension = model.Encoder.Encoder.EmbeddingDimension;
        var values = new List<float>((to - from) * dimension);
        using var batches = ImageViews.Batches(source, from, to, onUnreadable, session, skipped.Add)
            .Select(batch => Load(model.Images, batch)).GetEnumerator();
        // The next images are decoded and made ready while these are embedded.
        var next = Task.Run(batches.MoveNext);
        while (true)
        {
            long start = Stopwatch.GetTimestamp();
            if (!next.GetAwaiter().GetResult()) break;
            var waited = Stopwatch.GetElapsedTime(start);
            var (read, images) = batches.Current;
            next = Task.Run(batches.MoveNext);
            try
            {
                using (images)
                {
                    var embeddings = new float[images.Count * dimension];
                    model.Images.Embed(images, embeddings);
                    values.AddRange(embeddings);
                    rows.AddRange(read);
                }
            }
            catch
            {
                // The enumerator must not be disposed of while it moves.
                ((IAsyncResult)next).AsyncWaitHandle.WaitOne();
                throw;
            }
            display.Add(images.Count, waited);
        }
        return [.. values];
    }

    private static (int[] Rows, LoadedRows Images) Load(
        ImageEncoder encoder, IReadOnlyList<(int Row, RgbImage Image)> batch)
    {
        var images = new RgbImage[batch.Count];
        Parallel.For(0, images.Length, i => images[i] = encoder.Preprocessing.Resized(batch[i].Image));
        return ([.. batch.Select(entry => entry.Row)], encoder.Load(images));
    }

    private static float[] Embed(LoadedModel model, TableSource source, int from, int to, RowsDisplay display,
        List<int> rows)
    {
        var part = from == 0 && to == source.Count ? source.Frame
            : source.Frame[Enumerable.Range(from, to - from).Select(row => (long)row)];
        CheckColumns(model, source, part);
        var embedded = model.Model.Transform(part);
        var values = new List<float>();
        VBuffer<float> embedding = default;
        using var cursor = embedded.GetRowCursor([embedded.Schema[model.Encoder.OutputColumnName]]);
        var read = cursor.GetGetter<VBuffer<float>>(embedded.Schema[model.Encoder.OutputColumnName]);
        while (cursor.MoveNext())
        {
            read(ref embedding);
            values.AddRange(embedding.DenseValues());
            rows.Add(from + rows.Count);
            if (rows.Count % 1024 == 0) display.Add(1024, TimeSpan.Zero);
        }
        display.Add(rows.Count % 1024, TimeSpan.Zero);
        return [.. values];
    }

    // What was numbers when the model learned, and is text now, would be an error deep in a chain.
    private static void CheckColumns(LoadedModel model, TableSource source, DataFrame frame)
    {
        var schema = ((IDataView)frame).Schema;
        foreach (var column in model.Schema?.Where(column => !column.IsHidden) ?? [])
            if (schema.GetColumnOrNull(column.Name) is not { } found || !found.Type.Equals(column.Type))
                throw new InvalidDataException(
                    $"'{source.Path}', column '{column.Name}' is "
                    + $"{schema.GetColumnOrNull(column.Name)?.Type.ToString() ?? "missing"}; "
                    + $"the model learned from {column.Type}.");
    }
}
