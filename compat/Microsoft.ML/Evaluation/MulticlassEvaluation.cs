using System.Globalization;
using Microsoft.ML.Data;

namespace Microsoft.ML;

public sealed partial class MulticlassClassificationCatalog
{
    public MulticlassClassificationMetrics Evaluate(IDataView data, string labelColumnName = "Label", string scoreColumnName = "Score",
        string predictedLabelColumnName = "PredictedLabel", int topKPredictionCount = 0)
    {
        ArgumentOutOfRangeException.ThrowIfNegative(topKPredictionCount);
        var label = data.Schema.Find(labelColumnName, "label", nameof(data));
        var score = data.Schema.Find(scoreColumnName, "score", nameof(data));
        data.Schema.Find(predictedLabelColumnName, "predicted label", nameof(data));
        if (score.Type is not VectorDataViewType { Size: >= 2 } type || !type.ItemType.Equals(NumberDataViewType.Single))
            throw SchemaMismatch.WrongType("score", score.Name, "Vector<Single> of two or more items", score.Type.ToString(), nameof(data));

        var counter = new MulticlassCounter(type.Size, topKPredictionCount);
        using var cursor = data.GetRowCursor([label, score]);
        var getLabel = LabelReader.Create(cursor, label);
        var getScore = cursor.GetGetter<VBuffer<float>>(score);
        VBuffer<float> scores = default;
        var dense = new float[type.Size];
        while (cursor.MoveNext())
        {
            int index = getLabel();
            if (index < 0) continue;
            getScore(ref scores);
            scores.CopyTo(dense);
            counter.Add(index, dense);
        }
        return new(counter, ClassNames(score, type.Size));
    }

    public IReadOnlyList<CrossValidationResult<MulticlassClassificationMetrics>> CrossValidate(IDataView data, IEstimator<ITransformer> estimator,
        int numberOfFolds = 5, string labelColumnName = "Label", string samplingKeyColumnName = null, int? seed = null) =>
        CrossValidate(data, estimator, numberOfFolds, samplingKeyColumnName, seed, scored => Evaluate(scored, labelColumnName));

    private static string[] ClassNames(DataViewSchema.Column score, int classes)
    {
        VBuffer<ReadOnlyMemory<char>> names = default;
        if (!score.HasSlotNames())
            return [.. Enumerable.Range(0, classes).Select(c => c.ToString(CultureInfo.InvariantCulture))];
        score.GetSlotNames(ref names);
        return [.. names.DenseValues().Select(name => name.ToString())];
    }
}
