using Microsoft.ML;
using MLNet.Ssl.DataView;

namespace MLNet.Ssl.Classification;

/// <summary>What <see cref="ImageClassificationEstimator.WithValidation"/> was told.</summary>
/// <param name="View">Labelled images.</param>
/// <param name="LabelColumnName">Column of the classes.</param>
internal sealed record ValidationView(IDataView View, string LabelColumnName)
{
    public required int EveryEpochs { get; init; }

    public required int? Patience { get; init; }

    public required bool ReturnBest { get; init; }

    /// <summary>Refuses a view without images of that name, or with other classes, before a row is read.</summary>
    /// <param name="images">Name of the column of the images.</param>
    /// <param name="classes">How many classes are told apart.</param>
    /// <param name="label">Annotations of their key.</param>
    public void Check(string images, int classes, DataViewSchema.Annotations label)
    {
        ImageColumn.Check(View.Schema.Find("validation", images, ColumnAdvice.LostImages), "validation");
        LabelColumn.CheckSame("what is learned and of the validation", (ulong)classes, label,
            LabelColumn.Find(View.Schema, LabelColumnName, out _));
    }

    /// <summary>Reads the rows that have a label.</summary>
    /// <param name="images">Name of the column of the images.</param>
    /// <param name="reading">How images are read.</param>
    /// <param name="unreadable">What becomes of images that cannot be read.</param>
    /// <param name="cancellation">Stops the reading at the next row.</param>
    /// <returns>The images, which the caller disposes of after training.</returns>
    public ImageRows Read(string images, ImageReading reading, UnreadableImages unreadable,
        CancellationToken cancellation) =>
        ImageRows.Read(new(View, View.Schema[images], View.Schema[LabelColumnName], cancellation), reading, unreadable);

    /// <summary>What is measured on the images.</summary>
    public ClassifierValidation Of(ImageRows rows) => new(rows.Images, rows.Labels)
    {
        EveryEpochs = EveryEpochs,
        Patience = Patience,
        ReturnBest = ReturnBest,
    };
}
