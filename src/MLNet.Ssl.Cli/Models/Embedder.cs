using System.Diagnostics;
using Microsoft.Data.Analysis;
using Microsoft.ML;
using Microsoft.ML.Data;
using MLNet.Ssl.Cli.Embeddings;
using MLNet.Ssl.Cli.Input;
using MLNet.Ssl.Cli.Terminal;
using MLNet.Ssl.DataView;

namespace MLNet.Ssl.Cli.Models;

/// <summary>Embeds rows of data.</summary>
internal static class Embedder
{
    private const int RowsAtATime = 64;

    /// <summary>Embeds the rows from one to before another.</summary>
    /// <returns>The rows that could be read, and the numbers of those that could not.</returns>
    /// <exception cref="InvalidDataException">The model takes other data; the message says what.</exception>
    public static (EmbeddedRows Rows, IReadOnlyList<int> Skipped) Embed(LoadedModel model, RowSource source, int from,
        int to, Session session, RowsDisplay display)
    {
        var embedded = source switch
        {
            ImageSource images when model.TakesImages => model.Encoder.WithMissing(
                images.View(model.Context, from, to, model.Encoder.InputColumnName)),
            TableSource table when !model.TakesImages => model.Model.Transform(Part(model, table, from, to)),
            _ => throw new InvalidDataException(
                $"'{model.Name}' embeds {(model.TakesImages ? "images" : "rows of a table")}; "
                + $"'{source.Path}' has {(source is ImageSource ? "images" : "rows of a table")}."),
        };
        int dimension = model.Encoder.Encoder.EmbeddingDimension;
        bool skips = model.Encoder.OnUnreadableImage == OnUnreadableImage.Skip;
        List<int> rows = [], skipped = [];
        var values = new List<float>((to - from) * dimension);
        var column = embedded.Schema[model.Encoder.OutputColumnName];
        // What is read beside the images, messages about them are made of.
        var place = embedded.Schema.GetColumnOrNull(ImageBytesRow.PlaceColumn);
        using var cursor = embedded.GetRowCursor(place is { } named ? [column, named] : [column]);
        var read = cursor.GetGetter<VBuffer<float>>(column);
        VBuffer<float> embedding = default;
        var waited = TimeSpan.Zero;
        for (int row = from; ; row++)
        {
            if ((row - from) % RowsAtATime == 0 && row > from)
            {
                display.Add(RowsAtATime, waited);
                waited = TimeSpan.Zero;
            }
            long start = Stopwatch.GetTimestamp();
            if (!cursor.MoveNext(session.Token)) break;
            waited += Stopwatch.GetElapsedTime(start);
            read(ref embedding);
            if (skips && float.IsNaN(embedding.GetItemOrDefault(0)))
            {
                skipped.Add(row);
                continue;
            }
            rows.Add(row);
            values.AddRange(embedding.DenseValues());
        }
        display.Add((to - from) % RowsAtATime, waited);
        return (new([.. rows.Select(row => source.Keys[row])], source.Labels is null ? null
            : [.. rows.Select(row => source.Labels[row])], [.. values]), skipped);
    }

    /// <summary>What a data choice must ask for, so that the model's columns are read.</summary>
    public static DataChoice ColumnsFor(LoadedModel model, DataChoice choice) => model.TakesImages
        || model.Schema is null
        ? choice : choice with
        {
            Columns = [.. model.Schema.Where(column => !column.IsHidden)
            .Select(column => column.Name)]
        };

    private static DataFrame Part(LoadedModel model, TableSource source, int from, int to)
    {
        CheckColumns(model, source);
        return from == 0 && to == source.Count ? source.Frame
            : source.Frame[Enumerable.Range(from, to - from).Select(row => (long)row)];
    }

    // What was numbers when the model learned, and is text now, would be an error deep in a chain.
    private static void CheckColumns(LoadedModel model, TableSource source)
    {
        var schema = ((IDataView)source.Frame).Schema;
        foreach (var column in model.Schema?.Where(column => !column.IsHidden) ?? [])
            if (schema.GetColumnOrNull(column.Name) is not { } found || !found.Type.Equals(column.Type))
                throw new InvalidDataException(
                    $"'{source.Path}', column '{column.Name}' is "
                    + $"{schema.GetColumnOrNull(column.Name)?.Type.ToString() ?? "missing"}; "
                    + $"the model learned from {column.Type}.");
    }
}
