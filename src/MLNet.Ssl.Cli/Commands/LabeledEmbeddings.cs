using Microsoft.ML;
using Microsoft.ML.Data;
using MLNet.Ssl.Cli.Embeddings;
using MLNet.Ssl.Cli.Input;
using MLNet.Ssl.Cli.Models;
using MLNet.Ssl.Cli.Terminal;

namespace MLNet.Ssl.Cli.Commands;

/// <summary>Embeddings in memory with their labels, for evaluators.</summary>
internal sealed class LabeledEmbeddings
{
    // Embeddings are one array, which ends at 2^31 values: those of ImageNet and a ResNet-50 are more.
    private const int RowsAtATime = 16_384;

    private readonly IReadOnlyList<Row> _rows;

    private LabeledEmbeddings(IReadOnlyList<Row> rows, int dimension) => (_rows, Dimension) = (rows, dimension);

    public int Dimension { get; }

    public int Count => _rows.Count;

    public IReadOnlyList<string> Labels => [.. _rows.Select(row => row.Label)];

    /// <summary>Reads embeddings, or embeds data.</summary>
    /// <param name="choice">The data.</param>
    /// <param name="model">The encoder; null where the data is embeddings.</param>
    /// <param name="session">Who is told how far it is.</param>
    /// <param name="rowsAtATime">Rows that are embedded at a time.</param>
    public static LabeledEmbeddings Of(
        DataChoice choice, LoadedModel? model, Session session, int rowsAtATime = RowsAtATime)
    {
        if (model is null) return OfParquet(choice);
        var source = RowSource.Open(Embedder.ColumnsFor(model, choice));
        _ = source.RequireLabels();
        var display = new RowsDisplay(session, source.Count);
        var embeddings = Of(Parts(), choice.Path);
        display.End();
        return embeddings;

        IEnumerable<EmbeddedRows> Parts()
        {
            for (int from = 0; from < source.Count; from += rowsAtATime)
                yield return Embedder.Embed(
                    model, source, from, Math.Min(source.Count, from + rowsAtATime), session, display).Rows;
        }
    }

    /// <summary>Every fifth row of a class, and the others.</summary>
    public (LabeledEmbeddings Train, LabeledEmbeddings Test) Split()
    {
        var test = _rows.GroupBy(row => row.Label).SelectMany(of => of.Where((_, i) => i % 5 == 4)).ToHashSet();
        if (test.Count == 0)
            throw new InvalidDataException(
                "No class has five rows, of which one could be held out; name the test rows with --test.");
        return (new([.. _rows.Where(row => !test.Contains(row))], Dimension),
            new([.. _rows.Where(test.Contains)], Dimension));
    }

    public IDataView View(MLContext context)
    {
        var schema = SchemaDefinition.Create(typeof(Row));
        schema[nameof(Row.Embedding)].ColumnType = new VectorDataViewType(NumberDataViewType.Single, Dimension);
        return context.Data.LoadFromEnumerable(_rows, schema);
    }

    private static LabeledEmbeddings OfParquet(DataChoice choice)
    {
        if (!EmbeddingSet.IsFolderOfThem(choice.Path) && !FileKinds.IsParquet(choice.Path))
            throw new InvalidDataException(
                $"'{choice.Path}' is neither a folder of Parquet files nor one; embeddings are expected where no "
                + $"--model is named.");
        return Of(EmbeddingSet.Open([choice.Path]).Read(choice.Key, choice.Label), choice.Path);
    }

    private static LabeledEmbeddings Of(IEnumerable<EmbeddedRows> parts, string path)
    {
        var rows = new List<Row>();
        int dimension = 0;
        foreach (var part in parts)
        {
            if (part.Labels is null) throw new InvalidDataException(
                $"'{path}' has no labels: name their column with --label.");
            if (part.Keys.Count == 0) continue;
            dimension = part.Values.Length / part.Keys.Count;
            for (int row = 0; row < part.Keys.Count; row++)
                if (part.Labels[row] is { } label)
                    rows.Add(new()
                    {
                        Label = label,
                        Embedding = part.Values[(row * dimension)..(
                        (row + 1) * dimension)]
                    });
        }
        return rows.Count > 0 ? new(rows, dimension) : throw new InvalidDataException(
            $"'{path}' has no row with a label.");
    }

    private sealed class Row
    {
        public string Label { get; set; } = "";

        public float[] Embedding { get; set; } = [];
    }
}
