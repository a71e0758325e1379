using Microsoft.ML.Trainers;

namespace Microsoft.ML.Data;

/// <summary>Adds a model's predictions to each row.</summary>
public abstract class PredictionTransformerBase<TModel> : IPredictionTransformer<TModel>, IDisposable
    where TModel : class
{
    private protected PredictionTransformerBase(TModel model) => Model = model;

    public TModel Model { get; }

    bool ITransformer.IsRowToRowMapper => true;

    public abstract DataViewSchema GetOutputSchema(DataViewSchema inputSchema);

    public IDataView Transform(IDataView input)
    {
        ArgumentNullException.ThrowIfNull(input);
        return CreateMapper(input.Schema).View(input);
    }

    IRowToRowMapper ITransformer.GetRowToRowMapper(DataViewSchema inputSchema) => CreateMapper(inputSchema);

    void ICanSaveModel.Save(ModelSaveContext ctx) => SaveModel(ctx);

    public void Dispose() => (Model as IDisposable)?.Dispose();

    private protected abstract RowToRowMapper CreateMapper(DataViewSchema inputSchema);

    private protected abstract void SaveModel(ModelSaveContext ctx);
}

public abstract class SingleFeaturePredictionTransformerBase<TModel> : PredictionTransformerBase<TModel>, ISingleFeaturePredictionTransformer<TModel>
    where TModel : class
{
    private protected SingleFeaturePredictionTransformerBase(TModel model, string featureColumnName, DataViewType featureColumnType)
        : base(model) => (FeatureColumnName, FeatureColumnType) = (featureColumnName, featureColumnType);

    public string FeatureColumnName { get; }

    public DataViewType FeatureColumnType { get; }

    public sealed override DataViewSchema GetOutputSchema(DataViewSchema inputSchema) => CreateMapper(inputSchema).OutputSchema;

    private protected override RowToRowMapper CreateMapper(DataViewSchema inputSchema)
    {
        ArgumentNullException.ThrowIfNull(inputSchema);
        var feature = inputSchema.Find(FeatureColumnName, "feature");
        // Only the size matters: a Vector<Single, 1, 512, 1, 1> is as good as a Vector<Single, 512>.
        int size = ((VectorDataViewType)FeatureColumnType).Size;
        if (!feature.Type.IsKnownSizeVector(NumberDataViewType.Single) || ((VectorDataViewType)feature.Type).Size != size)
            throw SchemaMismatch.WrongType("feature", FeatureColumnName, FeatureColumnType.ToString(), feature.Type.ToString());
        return RowToRowMapper.Adding(inputSchema, MapColumns(feature));
    }

    private protected abstract IEnumerable<MappedColumn> MapColumns(DataViewSchema.Column feature);
}

/// <summary>Adds the key of the class with the largest score, 0 where the scores are missing, and the scores.</summary>
public sealed class MulticlassPredictionTransformer<TModel> : SingleFeaturePredictionTransformerBase<TModel>, ILoadable
    where TModel : class
{
    private const string ModelName = "Predictor";

    private readonly DataViewSchema _added;

    internal MulticlassPredictionTransformer(TModel model, string featureColumnName, DataViewType featureColumnType, DataViewSchema added)
        : base(model, featureColumnName, featureColumnType) => _added = added;

    private protected override IEnumerable<MappedColumn> MapColumns(DataViewSchema.Column feature)
    {
        var scorer = (IMulticlassScorer)Model;
        int[] sources = [feature.Index];
        yield return new(new(_added[MulticlassOutput.PredictedLabel]), sources, row =>
        {
            var getScores = Scores(scorer, row, feature);
            var scores = new float[scorer.ClassCount];
            return (ValueGetter<uint>)((ref uint key) =>
            {
                getScores(scores);
                key = Best(scores);
            });
        });
        yield return new(new(_added[MulticlassOutput.Score]), sources, row =>
        {
            var getScores = Scores(scorer, row, feature);
            return (ValueGetter<VBuffer<float>>)((ref VBuffer<float> scores) =>
            {
                var editor = VBufferEditor.Create(ref scores, scorer.ClassCount);
                getScores(editor.Values);
                scores = editor.Commit();
            });
        });
    }

    static ICanSaveModel ILoadable.Load(ModelLoadContext ctx)
    {
        var reader = ctx.Reader;
        return new MulticlassPredictionTransformer<TModel>((TModel)ctx.Load(ModelName), reader.ReadString(), reader.ReadType(), reader.ReadSchema());
    }

    private protected override void SaveModel(ModelSaveContext ctx)
    {
        var writer = ctx.Begin<MulticlassPredictionTransformer<TModel>>();
        writer.Write(FeatureColumnName);
        writer.WriteType(FeatureColumnType);
        writer.WriteSchema(_added);
        ctx.Save((ICanSaveModel)Model, ModelName);
    }

    private delegate void ScoreGetter(Span<float> scores);

    private static ScoreGetter Scores(IMulticlassScorer scorer, DataViewRow row, DataViewSchema.Column feature)
    {
        var getFeatures = row.GetGetter<VBuffer<float>>(feature);
        VBuffer<float> features = default;
        var dense = new float[((VectorDataViewType)feature.Type).Size];
        return scores =>
        {
            getFeatures(ref features);
            if (features.Length != dense.Length)
                throw new InvalidOperationException($"Column '{feature.Name}' has {features.Length} values in row {row.Position}, expected {dense.Length}.");
            features.CopyTo(dense);
            scorer.Score(dense, scores);
        };
    }

    /// <summary>The first of the largest, counted from 1.</summary>
    private static uint Best(ReadOnlySpan<float> scores)
    {
        int best = 0;
        for (int c = 1; c < scores.Length; c++)
            if (scores[c] > scores[best]) best = c;
        return float.IsNaN(scores[best]) ? 0 : (uint)best + 1;
    }
}
