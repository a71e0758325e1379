using Microsoft.ML.Data;

namespace Microsoft.ML.Trainers;

/// <summary>
/// Multinomial logistic regression: minimises Σ −ln softmax(W x + b)[label] + L2/2 · ‖W‖² + L1 · |W| by L-BFGS, orthant-wise when L1 is above 0.
/// The sum is over rows, not their mean, and the biases b are not penalised.
/// </summary>
public sealed class LbfgsMaximumEntropyMulticlassTrainer : LbfgsTrainerBase<LbfgsMaximumEntropyMulticlassTrainer.Options,
    MulticlassPredictionTransformer<MaximumEntropyModelParameters>, MaximumEntropyModelParameters>
{
    internal LbfgsMaximumEntropyMulticlassTrainer(Options options)
        : base(options,
            new(options.FeatureColumnName, SchemaShape.Column.VectorKind.Vector, NumberDataViewType.Single, false),
            new(options.LabelColumnName, SchemaShape.Column.VectorKind.Scalar, NumberDataViewType.UInt32, true),
            options.ExampleWeightColumnName is null ? default
                : new(options.ExampleWeightColumnName, SchemaShape.Column.VectorKind.Scalar, NumberDataViewType.Single, false))
    {
    }

    /// <summary>Trains from the weights of another model.</summary>
    public MulticlassPredictionTransformer<MaximumEntropyModelParameters> Fit(IDataView trainData, MaximumEntropyModelParameters modelParameters) =>
        Train(trainData, modelParameters);

    private protected override SchemaShape.Column[] GetOutputColumns(SchemaShape inputSchema) =>
        MulticlassOutput.Shape(inputSchema.First(c => c.Name == LabelColumn.Name));

    private protected override MulticlassPredictionTransformer<MaximumEntropyModelParameters> TrainModel(IDataView input, MaximumEntropyModelParameters start)
    {
        var label = input.Schema[LabelColumn.Name];
        var feature = input.Schema[FeatureColumn.Name];
        int classes = checked((int)((KeyDataViewType)label.Type).Count);
        int dimension = ((VectorDataViewType)feature.Type).Size;
        if (start is not null && (start.ClassCount != classes || start.FeatureCount != dimension))
            throw new ArgumentException(
                $"The given model has {start.ClassCount} classes and {start.FeatureCount} features, the data {classes} and {dimension}.", nameof(start));

        var rows = Read(input, label, feature, dimension);
        var objective = new SoftmaxObjective(rows, classes, LbfgsOptions.L2Regularization, LbfgsOptions.NumberOfThreads);
        var point = new double[objective.Length];
        for (int c = 0; start is not null && c < classes; c++)
        {
            for (int j = 0; j < dimension; j++) point[c * rows.Stride + j] = start.Weights[c][j];
            point[objective.WeightCount + c] = start.Biases[c];
        }
        new LbfgsMinimizer(objective.WeightCount, LbfgsOptions.L1Regularization, LbfgsOptions.EnforceNonNegativity, LbfgsOptions.OptimizationTolerance,
            LbfgsOptions.HistorySize, LbfgsOptions.MaximumNumberOfIterations).Minimize(objective.Evaluate, point);

        float[] Floats(int first, int count) => Array.ConvertAll(point[first..(first + count)], v => (float)v);
        float[][] weights = [.. Enumerable.Range(0, classes).Select(c => Floats(c * rows.Stride, dimension))];
        float[] biases = Floats(objective.WeightCount, classes);
        return new(new MaximumEntropyModelParameters(weights, biases), feature.Name, feature.Type, MulticlassOutput.Columns(classes, label));
    }

    /// <summary>Rows without a label, a finite weight or finite features are left out.</summary>
    private LabeledRows Read(IDataView input, DataViewSchema.Column label, DataViewSchema.Column feature, int dimension)
    {
        DataViewSchema.Column? weight = WeightColumn.Name is null ? null : input.Schema[WeightColumn.Name];
        var rows = new LabeledRows(dimension);
        using var cursor = input.GetRowCursor(weight is { } w ? [label, feature, w] : [label, feature]);
        var getLabel = LabelReader.Create(cursor, label);
        var getFeatures = cursor.GetGetter<VBuffer<float>>(feature);
        var getWeight = weight is null ? null : cursor.GetGetter<float>(weight.Value);
        VBuffer<float> features = default;
        float exampleWeight = 1;
        while (cursor.MoveNext())
        {
            int index = getLabel();
            getWeight?.Invoke(ref exampleWeight);
            if (index < 0 || !float.IsFinite(exampleWeight)) continue;
            getFeatures(ref features);
            if (features.Length != dimension)
                throw new InvalidOperationException($"Column '{feature.Name}' has {features.Length} values in row {cursor.Position}, expected {dimension}.");
            if (AllFinite(features.GetValues())) features.CopyTo(rows.Add(index, exampleWeight));
        }
        return rows.Count > 0 ? rows : throw new InvalidOperationException(
            $"No row has both a label in column '{label.Name}' and finite values in column '{feature.Name}': there is nothing to train on.");
    }

    private static bool AllFinite(ReadOnlySpan<float> values)
    {
        foreach (float value in values)
            if (!float.IsFinite(value)) return false;
        return true;
    }

    public sealed class Options : OptionsBase
    {
    }
}
