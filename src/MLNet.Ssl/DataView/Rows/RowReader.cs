using System.Diagnostics;
using System.Globalization;
using Microsoft.ML;

namespace MLNet.Ssl.DataView;

/// <summary>
/// Which rows of a view are read, and what of each: one column of values, and one of classes where it is given.
/// </summary>
/// <param name="View">The view, read once.</param>
/// <param name="Values">Column of the values.</param>
/// <param name="Labels">Column of the classes, a key; null for none.</param>
/// <param name="Cancellation">Stops the reading at the next row.</param>
internal sealed record RowReader(
    IDataView View, DataViewSchema.Column Values, DataViewSchema.Column? Labels = null,
        CancellationToken Cancellation = default)
{
    private static readonly TimeSpan Silence = TimeSpan.FromSeconds(10);

    /// <summary>Keeps rows whose label is missing, with class −1, instead of leaving them out.</summary>
    public bool KeepUnlabeled { get; init; }

    /// <summary>Receives a line when reading begins, every ten seconds, and at the end; null for none.</summary>
    public Action<TrainingMessage>? Log { get; init; }

    /// <summary>Reads no more rows than these.</summary>
    public int MaxRows { get; init; } = int.MaxValue;

    /// <summary>Columns that messages about a row are made of.</summary>
    public IEnumerable<DataViewSchema.Column> PlaceColumns { get; init; } = [];

    /// <summary>Reads the rows in order.</summary>
    /// <typeparam name="T">What is read of a row.</typeparam>
    /// <param name="createReader">Makes what reads the row that the cursor stands on.</param>
    /// <param name="add">Takes a row's value; false leaves the row out.</param>
    /// <returns>The class of each row that was taken, from 0; −1 where it is missing or no labels are read.</returns>
    /// <exception cref="OperationCanceledException">The token is cancelled.</exception>
    public List<int> Read<T>(Func<DataViewRow, Func<T>> createReader, Func<T, bool> add)
    {
        DataViewSchema.Column[] columns = [Values, .. PlaceColumns];
        if (Labels is { } labels) columns = [.. columns, labels];
        var classes = new List<int>();
        using var cursor = View.GetRowCursor(columns.DistinctBy(column => column.Index));
        var readValue = createReader(cursor);
        var readLabel = Labels is { } label ? LabelColumn.Reader(cursor, label) : null;
        long start = Stopwatch.GetTimestamp(), told = start;
        Log?.Invoke(new(false, $"Column '{Values.Name}' is read."));
        while (classes.Count < MaxRows && cursor.MoveNext(Cancellation))
        {
            if (Log is not null && Stopwatch.GetElapsedTime(told) >= Silence)
            {
                told = Stopwatch.GetTimestamp();
                Log(new(false, string.Create(CultureInfo.InvariantCulture, $"{classes.Count:N0} rows are read.")));
            }
            // Keys count from 1, and 0 is a missing label.
            int known = readLabel is null ? -1 : (int)readLabel() - 1;
            if (known < 0 && readLabel is not null && !KeepUnlabeled) continue;
            if (add(readValue())) classes.Add(known);
        }
        Log?.Invoke(new(false, string.Create(CultureInfo.InvariantCulture,
            $"{classes.Count:N0} rows of column '{Values.Name}' were read in {Stopwatch.GetElapsedTime(start).TotalSeconds:0.0} s.")));
        return classes;
    }

    /// <summary>The error where no row was taken.</summary>
    public InvalidOperationException NoRows() => new((Labels is not { } labels || KeepUnlabeled
        ? $"Column '{Values.Name}' has no rows"
        : $"No row has both a value in '{Values.Name}' and a label in '{labels.Name}'")
        + ": there is nothing to learn from.");
}
