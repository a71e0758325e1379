using System.Globalization;
using Microsoft.ML.Data;

namespace Microsoft.ML.Trainers;

/// <summary>A model that gives one score a class.</summary>
internal interface IMulticlassScorer
{
    int ClassCount { get; }

    void Score(ReadOnlySpan<float> features, Span<float> scores);
}

/// <summary>The columns that a multiclass model adds; they carry the values of the label's keys.</summary>
internal sealed class MulticlassOutput
{
    private const string PredictedLabelName = "PredictedLabel";
    private const string ScoreName = "Score";

    private readonly int _classes;

    // What the keys of the label stand for; null where the label does not tell.
    private readonly PrimitiveDataViewType _valueType;
    private readonly object[] _values;

    private MulticlassOutput(int classes, PrimitiveDataViewType valueType, object[] values)
    {
        (_classes, _valueType, _values) = (classes, valueType, values);
        var predicted = new DataViewSchema.Annotations.Builder();
        var score = new DataViewSchema.Annotations.Builder();
        if (values is not null) Generic.Call(AddKeyValues<int>, valueType.RawType, predicted);
        if (valueType is TextDataViewType) score.AddSlotNames(values.Select(v => v.ToString()));
        PredictedLabel = new(PredictedLabelName, new KeyDataViewType(typeof(uint), classes), predicted.ToAnnotations());
        Score = new(ScoreName, new VectorDataViewType(NumberDataViewType.Single, classes), score.ToAnnotations());
    }

    public DataViewSchema.DetachedColumn PredictedLabel { get; }

    public DataViewSchema.DetachedColumn Score { get; }

    public static MulticlassOutput For(int classes, DataViewSchema.Column label)
    {
        if (!label.HasKeyValues()) return new(classes, null, null);
        var values = (VectorDataViewType)label.Annotations.Schema[AnnotationKinds.KeyValues].Type;
        return new(classes, values.ItemType, Generic.Call(ReadKeyValues<int>, values.ItemType.RawType, label));
    }

    /// <summary>The shape of the columns for a label of this shape.</summary>
    public static SchemaShape.Column[] Shape(SchemaShape.Column label)
    {
        var values = label.Annotations.Where(a => a.Name == AnnotationKinds.KeyValues).ToArray();
        var names = values.Where(v => v.ItemType is TextDataViewType).Select(v => v.Named(AnnotationKinds.SlotNames));
        return
        [
            new(PredictedLabelName, SchemaShape.Column.VectorKind.Scalar, NumberDataViewType.UInt32, true, new(values)),
            new(ScoreName, SchemaShape.Column.VectorKind.Vector, NumberDataViewType.Single, false, new(names)),
        ];
    }

    public void Save(BinaryWriter writer)
    {
        writer.Write(_classes);
        writer.Write(_values is null ? 0 : (int)DataViewTypes.KindOf(_valueType));
        foreach (object value in _values ?? []) writer.Write(Convert.ToString(value, CultureInfo.InvariantCulture));
    }

    public static MulticlassOutput Load(BinaryReader reader)
    {
        int classes = reader.ReadInt32(), kind = reader.ReadInt32();
        if (kind == 0) return new(classes, null, null);
        var type = DataViewTypes.Of((DataKind)kind);
        return new(classes, type, [.. Enumerable.Range(0, classes).Select(_ => Parse(reader.ReadString(), type))]);
    }

    private static object Parse(string text, PrimitiveDataViewType type) =>
        type is TextDataViewType ? text.AsMemory() : Convert.ChangeType(text, type.RawType, CultureInfo.InvariantCulture);

    private static object[] ReadKeyValues<T>(DataViewSchema.Column label)
    {
        VBuffer<T> values = default;
        label.GetKeyValues(ref values);
        return [.. values.DenseValues()];
    }

    private bool AddKeyValues<T>(DataViewSchema.Annotations.Builder builder)
    {
        builder.AddVector(AnnotationKinds.KeyValues, _valueType, Array.ConvertAll(_values, v => (T)v));
        return true;
    }
}
