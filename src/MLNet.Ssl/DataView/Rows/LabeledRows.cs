using Microsoft.ML;
using TorchSharp;

namespace MLNet.Ssl.DataView;

/// <summary>
/// The rows of a view that have a label: a column of features and one of classes, checked and read once.
/// </summary>
/// <param name="Label">Column of the classes.</param>
/// <param name="Features">(N,D), float.</param>
/// <param name="Labels">(N), int64, from 0.</param>
/// <param name="NumberOfClasses">Classes that the key counts.</param>
internal sealed record LabeledRows(
    DataViewSchema.Column Label, torch.Tensor Features, torch.Tensor Labels, int NumberOfClasses)
{
    public LabeledRows To(torch.Device device) => this with
    {
        Features = Features.to(device),
        Labels = Labels.to(device),
    };

    /// <summary>What a classifier that is trained needs.</summary>
    /// <exception cref="InvalidOperationException">The rows are all of one class.</exception>
    public LabeledRows OfSeveralClasses() => Labels.min().item<long>() < Labels.max().item<long>()
        ? this
        : throw new InvalidOperationException(
            $"All rows with a label in '{Label.Name}' are of one class: there is nothing to tell apart.");

    /// <summary>Reads the rows into tensors of the current dispose scope, on the CPU.</summary>
    /// <exception cref="ArgumentOutOfRangeException">A column is missing or of another type.</exception>
    /// <exception cref="InvalidOperationException">No row has a label, or a feature is not a finite number.</exception>
    /// <exception cref="OperationCanceledException">The token is cancelled; it is looked at before every
    /// row.</exception>
    public static LabeledRows Read(
        IDataView input, string labelColumn, string featureColumn, CancellationToken cancellation)
    {
        var label = LabelColumn.Find(input.Schema, labelColumn, out int classes);
        var features = input.Schema.Find("feature", featureColumn);
        FloatVectors.Check(features);
        var rows = TableRows.Read(new(input, features, label, cancellation));
        var labels = torch.tensor(rows.Labels.Select(known => (long)known).ToArray());
        torch.CurrentDisposeScope!.Attach(rows.Table.Values);
        return new(label, rows.Table.Values, labels, classes);
    }
}
