using Microsoft.ML;
using Microsoft.ML.Data;
using MLNet.Ssl.DataView;

namespace MLNet.Ssl.Embedding;

/// <summary>What <see cref="PretrainingEstimator.WithEvaluation"/> was told.</summary>
internal sealed record EvaluationViews(
    IDataView Train, IDataView Test, string LabelColumnName)
{
    public required int EveryEpochs { get; init; }

    public required int NumberOfNeighbors { get; init; }

    public required string? BestEncoderPath { get; init; }

    public required int? Patience { get; init; }

    public required bool ReturnBest { get; init; }

    /// <summary>
    /// Refuses views without the column that is learned from or without labels, before a row is read.
    /// </summary>
    public void Check(DataViewSchema.Column input)
    {
        foreach (var view in new[] { Train, Test })
        {
            var column = view.Schema.Find(
                "evaluation", input.Name, ImageColumn.Holds(input) ? ColumnAdvice.LostImages : null);
            if (ImageColumn.Holds(input)) ImageColumn.Check(column, "evaluation");
            else FloatVectors.Check(column, ((VectorDataViewType)input.Type).Size, "evaluation");
        }
        LabelColumn.CheckSame(LabelColumn.Find(Train.Schema, LabelColumnName, out _),
            LabelColumn.Find(Test.Schema, LabelColumnName, out _));
    }

    /// <summary>Reads the rows that have a label.</summary>
    /// <param name="input">The column that is learned from.</param>
    /// <param name="reading">How images are read.</param>
    /// <param name="read">Receives what was read, which the caller disposes of after training.</param>
    /// <param name="unreadable">What becomes of images that cannot be read, to count anew for each view.</param>
    /// <param name="cancellation">Stops the reading at the next row.</param>
    public OnlineEvaluation Read(DataViewSchema.Column input, ImageReading reading,
        ICollection<IDisposable> read, Func<UnreadableImages> unreadable,
        CancellationToken cancellation)
    {
        OnlineEvaluation evaluation;
        if (ImageColumn.Holds(input))
        {
            var (train, test) = (ReadImages(Train), ReadImages(Test));
            evaluation = new(train.Images, train.Labels, test.Images, test.Labels);
        }
        else
        {
            var (train, test) = (ReadTable(Train), ReadTable(Test));
            evaluation = new(train.Table, train.Labels, test.Table, test.Labels);
        }
        return evaluation with
        {
            EveryEpochs = EveryEpochs,
            NumberOfNeighbors = NumberOfNeighbors,
            BestEncoderPath = BestEncoderPath,
            Patience = Patience,
            ReturnBest = ReturnBest,
        };

        RowReader Rows(IDataView view) =>
            new(view, view.Schema[input.Name], view.Schema[LabelColumnName], cancellation);

        ImageRows ReadImages(IDataView view)
        {
            var rows = ImageRows.Read(Rows(view), reading, unreadable());
            read.Add(rows);
            return rows;
        }

        TableRows ReadTable(IDataView view)
        {
            var rows = TableRows.Read(Rows(view));
            read.Add(rows.Table);
            return rows;
        }
    }
}
