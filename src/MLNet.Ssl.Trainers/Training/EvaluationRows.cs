using MLNet.Ssl.Data;
using MLNet.Ssl.Inference;
using static TorchSharp.torch;

namespace MLNet.Ssl.Training;

/// <summary>Rows with their classes: images, or those of a table.</summary>
internal sealed class EvaluationRows
{
    private readonly Func<Encoder, Tensor> _embed;
    private readonly long[] _labels;

    /// <summary>Width of a table's rows; null for images.</summary>
    private readonly int? _columns;

    private EvaluationRows(int count, IReadOnlyList<int> labels, string name, int? columns, Func<Encoder, Tensor> embed)
    {
        ArgumentNullException.ThrowIfNull(labels, name);
        if (count == 0) throw new ArgumentException($"There are no rows for {name}; expected at least one.", name);
        CheckLabels(count, labels, name);
        (_embed, _labels, _columns) = (embed, [.. labels.Select(label => (long)label)], columns);
    }

    public int Count => _labels.Length;

    public static EvaluationRows Of(ImageStore images, IReadOnlyList<int> labels, string name)
    {
        ArgumentNullException.ThrowIfNull(images);
        return new(images.Count, labels, name, null, encoder => ((ImageEncoder)encoder).Embed(images));
    }

    public static EvaluationRows Of(TableStore table, IReadOnlyList<int> labels, string name)
    {
        ArgumentNullException.ThrowIfNull(table);
        return new(table.Count, labels, name, table.Columns, encoder => ((TableEncoder)encoder).Embed(table));
    }

    /// <summary>Accuracy on <paramref name="test"/> of a kNN that remembers <paramref name="train"/>.</summary>
    public static double Accuracy(EvaluationRows train, EvaluationRows test, Encoder encoder, int neighbors)
    {
        int classes = 1 + (int)Math.Max(train._labels.Max(), test._labels.Max());
        using var scope = NewDisposeScope();
        using var knn = new WeightedKnn(train._embed(encoder), tensor(train._labels), classes, neighbors);
        return knn.Accuracy(test._embed(encoder), tensor(test._labels), [neighbors])[0].Accuracy;
    }

    /// <summary>Refuses rows that are not of the kind that is learned from.</summary>
    public void CheckKind(DataFacts facts)
    {
        if (_columns == facts.Table?.Columns) return;
        static string Kind(int? columns) => columns is null ? "images" : $"rows of {columns} values";
        throw new ArgumentException($"Evaluation has {Kind(_columns)}; the input is {Kind(facts.Table?.Columns)}.", nameof(PretrainOptions.Evaluation));
    }

    /// <summary>Refuses labels that are not one a row, or negative.</summary>
    public static void CheckLabels(int rows, IReadOnlyList<int> labels, string name)
    {
        if (labels.Count != rows) throw new ArgumentException($"There are {labels.Count} {name} for {rows} rows; expected one a row.", name);
        for (int row = 0; row < rows; row++)
            if (labels[row] < 0) throw new ArgumentException($"{name}[{row}] is {labels[row]}; classes count from 0.", name);
    }
}
