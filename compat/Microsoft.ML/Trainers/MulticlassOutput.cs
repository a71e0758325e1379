using Microsoft.ML.Data;

namespace Microsoft.ML.Trainers;

/// <summary>A model that gives one score a class.</summary>
internal interface IMulticlassScorer
{
    int ClassCount { get; }

    void Score(ReadOnlySpan<float> features, Span<float> scores);
}

/// <summary>The columns that a multiclass model adds; they carry the values of the label's keys.</summary>
internal static class MulticlassOutput
{
    public const string PredictedLabel = "PredictedLabel";
    public const string Score = "Score";

    public static DataViewSchema Columns(int classes, DataViewSchema.Column label)
    {
        var predicted = new DataViewSchema.Annotations.Builder();
        var score = new DataViewSchema.Annotations.Builder();
        if (label.HasKeyValues()) predicted.Add(label.Annotations, kind => kind == AnnotationKinds.KeyValues);
        if (label.HasKeyValues(TextDataViewType.Instance))
        {
            VBuffer<ReadOnlyMemory<char>> names = default;
            label.GetKeyValues(ref names);
            score.AddSlotNames(names.DenseValues().Select(name => name.ToString()));
        }
        var columns = new DataViewSchema.Builder();
        columns.AddColumn(PredictedLabel, new KeyDataViewType(typeof(uint), classes), predicted.ToAnnotations());
        columns.AddColumn(Score, new VectorDataViewType(NumberDataViewType.Single, classes), score.ToAnnotations());
        return columns.ToSchema();
    }

    /// <summary>The shape of these columns for a label of this shape.</summary>
    public static SchemaShape.Column[] Shape(SchemaShape.Column label)
    {
        var values = label.Annotations.Where(a => a.Name == AnnotationKinds.KeyValues).ToArray();
        var names = values.Where(v => v.ItemType is TextDataViewType).Select(v => v.Named(AnnotationKinds.SlotNames));
        return
        [
            new(PredictedLabel, SchemaShape.Column.VectorKind.Scalar, NumberDataViewType.UInt32, true, new(values)),
            new(Score, SchemaShape.Column.VectorKind.Vector, NumberDataViewType.Single, false, new(names)),
        ];
    }
}
