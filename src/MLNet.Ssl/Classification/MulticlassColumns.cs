using System.Reflection;
using Microsoft.ML;
using Microsoft.ML.Data;
using MLNet.Ssl.DataView;

namespace MLNet.Ssl.Classification;

/// <summary>The two columns of a multiclass prediction, annotated as ML.NET's own trainers annotate theirs.</summary>
internal static class MulticlassColumns
{
    private const string KeyValues = "KeyValues", SlotNames = "SlotNames", ScoreSet = "ScoreColumnSetId";

    /// <summary>The predicted label (a key with the label's values) and the class probabilities.</summary>
    public static DataViewSchema.DetachedColumn[] For(
        DataViewSchema input, MulticlassOptions options, int classes, DataViewSchema.Annotations label)
    {
        uint set = NextScoreSet(input);
        var predicted = Prediction(set, "PredictedLabel");
        predicted.Add(label, kind => kind == KeyValues);
        var score = Prediction(set, "Score");
        if (label.Schema.GetColumnOrNull(
            KeyValues) is { Type: VectorDataViewType { ItemType: TextDataViewType } } names)
            score.Add(SlotNames, names.Type, label.GetGetter<VBuffer<ReadOnlyMemory<char>>>(names));
        return
        [
            new(options.PredictedLabelColumnName, new KeyDataViewType(typeof(uint), classes),
                predicted.ToAnnotations()),
            new(options.ScoreColumnName, new VectorDataViewType(NumberDataViewType.Single, classes),
            score.ToAnnotations()),
        ];
    }

    /// <summary>
    /// The same columns before the data is known: of a shape, types count and sizes and values do not.
    /// </summary>
    public static DataViewSchema.DetachedColumn[] For(MulticlassOptions options, SchemaShape.Column label)
    {
        var values = new DataViewSchema.Annotations.Builder();
        foreach (var column in label.Annotations)
            if (column is
                {
                    Name: KeyValues, Kind: SchemaShape.Column.VectorKind.Vector,
                    ItemType: PrimitiveDataViewType item
                })
                values.Add(KeyValues, new VectorDataViewType(item, 1), Unread(item));
        return For(new DataViewSchema.Builder().ToSchema(), options, 1, values.ToAnnotations());
    }

    /// <summary>The getter of the predicted label (0) or of the probabilities (1).</summary>
    public static Delegate Getter(int output, RowResult probabilities) =>
        output == 0 ? Predicted(probabilities) : FloatVectors.Getter(probabilities);

    private static ValueGetter<uint> Predicted(RowResult result) => (ref uint key) =>
    {
        var probabilities = result();
        int best = 0;
        for (int c = 1; c < probabilities.Length; c++)
            if (probabilities[c] > probabilities[best]) best = c;
        key = (uint)best + 1;
    };

    private static DataViewSchema.Annotations.Builder Prediction(uint set, string valueKind)
    {
        var annotations = new DataViewSchema.Annotations.Builder();
        annotations.AddPrimitiveValue(ScoreSet, new KeyDataViewType(typeof(uint), int.MaxValue), set);
        annotations.AddPrimitiveValue(
            "ScoreColumnKind", TextDataViewType.Instance, "MulticlassClassification".AsMemory());
        annotations.AddPrimitiveValue("ScoreValueKind", TextDataViewType.Instance, valueKind.AsMemory());
        return annotations;
    }

    private static uint NextScoreSet(DataViewSchema input)
    {
        uint last = 0;
        foreach (var annotations in input.Select(column => column.Annotations))
            if (annotations.Schema.GetColumnOrNull(ScoreSet) is { Type: KeyDataViewType { RawType: var raw } }
                && raw == typeof(uint))
            {
                uint set = 0;
                annotations.GetValue(ScoreSet, ref set);
                last = Math.Max(last, set);
            }
        return last + 1;
    }

    private static Delegate Unread(PrimitiveDataViewType item) =>
        (Delegate)typeof(MulticlassColumns).GetMethod(nameof(Unreadable), BindingFlags.NonPublic | BindingFlags.Static)!
            .MakeGenericMethod(item.RawType).Invoke(null, null)!;

    private static ValueGetter<VBuffer<T>> Unreadable<T>() => (ref VBuffer<T> _) => throw new NotSupportedException();
}
