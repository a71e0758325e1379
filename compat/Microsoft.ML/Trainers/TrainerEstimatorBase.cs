namespace Microsoft.ML.Trainers;

/// <summary>A trainer: checks the columns it uses, trains, and adds the columns of its predictions to the shape.</summary>
public abstract class TrainerEstimatorBase<TTransformer, TModel> : ITrainerEstimator<TTransformer, TModel>
    where TTransformer : ISingleFeaturePredictionTransformer<TModel>
    where TModel : class
{
    public readonly SchemaShape.Column FeatureColumn;

    public readonly SchemaShape.Column LabelColumn;

    public readonly SchemaShape.Column WeightColumn;

    private protected TrainerEstimatorBase(SchemaShape.Column feature, SchemaShape.Column label, SchemaShape.Column weight) =>
        (FeatureColumn, LabelColumn, WeightColumn) = (feature, label, weight);

    public abstract TrainerInfo Info { get; }

    public SchemaShape GetOutputSchema(SchemaShape inputSchema)
    {
        Check(inputSchema, FeatureColumn, "feature");
        Check(inputSchema, LabelColumn, "label");
        Check(inputSchema, WeightColumn, "weight");
        return inputSchema.With(GetOutputColumns(inputSchema));
    }

    public TTransformer Fit(IDataView input) => Train(input, null);

    private protected TTransformer Train(IDataView input, TModel start)
    {
        GetOutputSchema(SchemaShape.Create(input.Schema));
        return TrainModel(input, start);
    }

    private protected abstract TTransformer TrainModel(IDataView input, TModel start);

    private protected abstract SchemaShape.Column[] GetOutputColumns(SchemaShape inputSchema);

    private static void Check(SchemaShape schema, SchemaShape.Column expected, string role)
    {
        if (expected.Name is null) return;
        var found = schema.Find(expected.Name, role);
        if (!expected.IsCompatibleWith(found))
            throw SchemaMismatch.WrongType(role, expected.Name, expected.GetTypeString(), found.GetTypeString());
    }
}
