using System.Buffers;
using Microsoft.ML;
using Microsoft.ML.Data;

namespace MLNet.Ssl;

/// <summary>Rows of numbers of a view, read once into memory, with their labels where a column of them is given.</summary>
internal sealed record TableRows(TableStore Table, IReadOnlyList<int> Labels)
{
    /// <summary>Reads the rows.</summary>
    /// <param name="input">The view.</param>
    /// <param name="values">Column of the rows, a known-size vector of Single.</param>
    /// <param name="labels">Column of the labels, a key; null for none.</param>
    /// <param name="keepUnlabeled">Keeps rows whose label is missing, with label −1, instead of leaving them out.</param>
    /// <param name="most">Reads no more rows than these.</param>
    /// <param name="cancellation">Stops the reading at the next row.</param>
    /// <exception cref="InvalidOperationException">There are no rows, or a value is not finite.</exception>
    public static TableRows Read(IDataView input, DataViewSchema.Column values, DataViewSchema.Column? labels = null, bool keepUnlabeled = false,
        int most = int.MaxValue, CancellationToken cancellation = default)
    {
        var numbers = new ArrayBufferWriter<float>();
        var classes = new List<int>();
        using var cursor = input.GetRowCursor(labels is { } column ? [values, column] : [values]);
        var read = FloatVectors.Reader(cursor, values);
        var label = labels is { } key ? LabelColumn.Reader(cursor, key) : () => 1;
        while (classes.Count < most && cursor.MoveNext(cancellation))
        {
            // Keys count from 1.
            int known = (int)label() - 1;
            if (known < 0 && !keepUnlabeled) continue;
            numbers.Write(read());
            classes.Add(known);
        }
        if (classes.Count == 0)
            throw new InvalidOperationException($"Column '{values.Name}' has no rows{(labels is null || keepUnlabeled ? "" : " with a label")}: there is nothing to learn from.");
        return new(new(numbers.WrittenMemory, ((VectorDataViewType)values.Type).Size), classes);
    }
}
