using MLNet.Ssl.Data;

namespace MLNet.Ssl.Methods;

/// <summary>Rows with their classes: images, or those of a table.</summary>
internal sealed class EvaluationRows
{
    private EvaluationRows(IImageSource? images, TableStore? table, int count, IReadOnlyList<int> labels, string name)
    {
        ArgumentNullException.ThrowIfNull(labels, name);
        if (count == 0) throw new ArgumentException($"There are no rows for {name}; expected at least one.", name);
        CheckLabels(count, labels, name);
        (Images, Table, Labels) = (images, table, [.. labels.Select(label => (long)label)]);
    }

    public IImageSource? Images { get; }

    public TableStore? Table { get; }

    public long[] Labels { get; }

    /// <summary>The classes of what has been embedded: of an image that could not be read, those
    /// of the one in its place.</summary>
    public long[] EmbeddedLabels =>
        Images is { } images ? [.. Labels.Select((_, row) => Labels[images.RowOf(row)])] : Labels;

    public int Count => Labels.Length;

    /// <summary>Tells the rows and their classes from others.</summary>
    public string Fingerprint => (Images?.Fingerprint ?? Checksum.Of(Table!.Values)) + "-" + Checksum.Of(stream =>
    {
        using var writer = new BinaryWriter(stream);
        foreach (long label in Labels) writer.Write(label);
    });

    public static EvaluationRows Of(IImageSource images, IReadOnlyList<int> labels, string name)
    {
        ArgumentNullException.ThrowIfNull(images);
        return new(images, null, images.Count, labels, name);
    }

    public static EvaluationRows Of(TableStore table, IReadOnlyList<int> labels, string name)
    {
        ArgumentNullException.ThrowIfNull(table);
        return new(null, table, table.Count, labels, name);
    }

    /// <summary>Refuses rows that are not of the kind that is learned from.</summary>
    public void CheckKind(DataFacts facts)
    {
        if (Table?.Columns == facts.Table?.Columns) return;
        static string Kind(int? columns) => columns is null ? "images" : $"rows of {columns} values";
        throw new ArgumentException(
            $"Evaluation has {Kind(Table?.Columns)}; the input is {Kind(facts.Table?.Columns)}.",
            nameof(PretrainOptions.Evaluation));
    }

    /// <summary>Refuses labels that are not one a row, or negative.</summary>
    public static void CheckLabels(int rows, IReadOnlyList<int> labels, string name)
    {
        if (labels.Count != rows)
            throw new ArgumentException($"There are {labels.Count} {name} for {rows} rows; expected one a row.", name);
        for (int row = 0; row < rows; row++)
            if (labels[row] < 0)
                throw new ArgumentException($"{name}[{row}] is {labels[row]}; classes count from 0.", name);
    }
}
