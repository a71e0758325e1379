namespace MLNet.Ssl.ModelFiles;

/// <summary>The columns of a classifier in a description.</summary>
internal sealed record ClassifierColumns(string Label, string Features, string PredictedLabel, string Score)
{
    public static ClassifierColumns Of(MulticlassOptions options) =>
        new(options.LabelColumnName, options.FeatureColumnName, options.PredictedLabelColumnName,
            options.ScoreColumnName);

    public T Fill<T>(T options) where T : MulticlassOptions => (T)(options with
    {
        LabelColumnName = Label,
        FeatureColumnName = Features,
        PredictedLabelColumnName = PredictedLabel,
        ScoreColumnName = Score,
    });
}
