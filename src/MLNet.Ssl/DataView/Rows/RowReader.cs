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
    public List<int> Read<T>(Func<DataViewRow, Func<T>> createReader, Func<T, bool> add) =>
        Read(createReader, 1, values => [add(values[0])]);

    /// <summary>Reads the rows in order, and hands on so many at a time.</summary>
    /// <param name="createReader">Makes what reads the row that the cursor stands on.</param>
    /// <param name="rowsAtATime">How many.</param>
    /// <param name="add">Takes the rows' values; false leaves a row out.</param>
    /// <inheritdoc cref="Read{T}(Func{DataViewRow, Func{T}}, Func{T, bool})"/>
    public List<int> Read<T>(
        Func<DataViewRow, Func<T>> createReader, int rowsAtATime, Func<IReadOnlyList<T>, bool[]> add)
    {
        DataViewSchema.Column[] columns = [Values, .. PlaceColumns];
        if (Labels is { } labels) columns = [.. columns, labels];
        var classes = new List<int>();
        using var cursor = View.GetRowCursor(columns.DistinctBy(column => column.Index));
        var readValue = createReader(cursor);
        var readLabel = Labels is { } key ? LabelColumn.Reader(cursor, key) : null;
        long start = Stopwatch.GetTimestamp(), told = start;
        Log?.Invoke(new(false, $"Column '{Values.Name}' is read."));
        var (values, known) = (new List<T>(), new List<int>());
        while (true)
        {
            bool isFull = classes.Count + values.Count >= MaxRows, moved = !isFull && cursor.MoveNext(Cancellation);
            if (moved)
            {
                if (Log is not null && Stopwatch.GetElapsedTime(told) >= Silence)
                {
                    told = Stopwatch.GetTimestamp();
                    Log(new(false, string.Create(CultureInfo.InvariantCulture, $"{classes.Count:N0} rows are read.")));
                }
                // Keys count from 1, and 0 is a missing label.
                int label = readLabel is null ? -1 : (int)readLabel() - 1;
                if (label < 0 && readLabel is not null && !KeepUnlabeled) continue;
                try
                {
                    values.Add(readValue());
                }
                catch
                {
                    // A row before it may fail too, and is the first then.
                    if (values.Count > 0) add(values);
                    throw;
                }
                known.Add(label);
            }
            if (values.Count > 0 && (values.Count == rowsAtATime || !moved))
            {
                var taken = add(values);
                classes.AddRange(known.Where((_, i) => taken[i]));
                values.Clear();
                known.Clear();
            }
            if (!moved && (!isFull || classes.Count >= MaxRows)) break;
        }
        Log?.Invoke(new(false, string.Create(CultureInfo.InvariantCulture,
            $"{classes.Count:N0} rows of column '{Values.Name}' were read in "
            + $"{Stopwatch.GetElapsedTime(start).TotalSeconds:0.0} s.")));
        return classes;
    }

    /// <summary>The error where no row was taken.</summary>
    public InvalidOperationException NoRows() => new((Labels is not { } labels || KeepUnlabeled
        ? $"Column '{Values.Name}' has no rows"
        : $"No row has both a value in '{Values.Name}' and a label in '{labels.Name}'")
        + ": there is nothing to learn from.");
}
