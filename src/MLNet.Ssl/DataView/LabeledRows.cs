using System.Buffers;
using Microsoft.ML;
using MLNet.Ssl.Tensors;
using TorchSharp;

namespace MLNet.Ssl;

/// <summary>The rows of a view that have a label: a column of features and one of classes, checked and read once.</summary>
internal sealed class LabeledRows
{
    private LabeledRows(DataViewSchema.Column label, torch.Tensor features, torch.Tensor labels, int classes) =>
        (Label, Features, Labels, NumberOfClasses) = (label, features, labels, classes);

    public DataViewSchema.Column Label { get; }

    /// <summary>(N,D), float, on the CPU.</summary>
    public torch.Tensor Features { get; }

    /// <summary>(N), int64, from 0.</summary>
    public torch.Tensor Labels { get; }

    /// <summary>Classes that the key counts.</summary>
    public int NumberOfClasses { get; }

    public LabeledRows To(torch.Device device) => new(Label, Features.to(device), Labels.to(device), NumberOfClasses);

    /// <summary>What a classifier that is trained needs.</summary>
    /// <exception cref="InvalidOperationException">The rows are all of one class.</exception>
    public LabeledRows OfSeveralClasses() => Labels.min().item<long>() < Labels.max().item<long>()
        ? this
        : throw new InvalidOperationException($"All rows with a label in '{Label.Name}' are of one class: there is nothing to tell apart.");

    /// <summary>Reads the rows into tensors of the current dispose scope.</summary>
    /// <exception cref="ArgumentOutOfRangeException">A column is missing or of another type.</exception>
    /// <exception cref="InvalidOperationException">No row has a label, or a feature is not a finite number.</exception>
    /// <exception cref="OperationCanceledException">The token is cancelled; it is looked at before every row.</exception>
    public static LabeledRows Read(IDataView input, string labelColumn, string featureColumn, CancellationToken cancellation)
    {
        var label = LabelColumn.Find(input.Schema, labelColumn, out int classes);
        var features = input.Schema.Find("feature", featureColumn);
        int width = FloatVectors.Check(features);

        var values = new ArrayBufferWriter<float>();
        var labels = new List<long>();
        using (var cursor = input.GetRowCursor([label, features]))
        {
            var readLabel = LabelColumn.Reader(cursor, label);
            var readFeatures = FloatVectors.Reader(cursor, features);
            while (cursor.MoveNext(cancellation))
                if (readLabel() is > 0 and var raw)
                {
                    values.Write(readFeatures());
                    labels.Add((long)raw - 1);
                }
        }
        if (labels.Count == 0)
            throw new InvalidOperationException($"No row has both features '{features.Name}' and a label in '{label.Name}': there is nothing to learn.");
        return new(label, NativeTensor.Of(values.WrittenSpan, labels.Count, width), torch.tensor(labels.ToArray()), classes);
    }
}
