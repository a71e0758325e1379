using Microsoft.ML.Data;
using MLNet.Ssl.Data;

namespace MLNet.Ssl.DataView;

/// <summary>Rows of numbers of a view, read once into memory, with their classes (−1 for none).</summary>
internal sealed record TableRows(TableStore Table, IReadOnlyList<int> Labels)
{
    /// <summary>Reads a column of known-size vectors of Single.</summary>
    /// <exception cref="InvalidOperationException">There are no rows, or a value is not finite.</exception>
    public static TableRows Read(RowReader rows)
    {
        using var table = new TableStoreBuilder(((VectorDataViewType)rows.Values.Type).Size);
        var labels = rows.Read(row => FloatVectors.Reader(row, rows.Values), values =>
        {
            table.Add(values);
            return true;
        });
        if (labels.Count == 0) throw rows.NoRows();
        return new(table.Build(CategoricalSlots.Of(rows.Values)), labels);
    }
}
