namespace MLNet.Ssl;

/// <summary>The columns of a classifier of embeddings.</summary>
public abstract record MulticlassOptions
{
    /// <summary>Column of the classes, a key (<c>MapValueToKey</c> makes one). Default "Label".</summary>
    public string LabelColumnName { get; init; } = "Label";

    /// <summary>Column of the features, a known-size vector of Single. Default "Features".</summary>
    public string FeatureColumnName { get; init; } = "Features";

    /// <summary>
    /// Column that receives the predicted class, a key with the label's values. Default "PredictedLabel".
    /// </summary>
    public string PredictedLabelColumnName { get; init; } = "PredictedLabel";

    /// <summary>Column that receives the class probabilities, a vector of Single. Default "Score".</summary>
    public string ScoreColumnName { get; init; } = "Score";

    /// <summary>Stops the reading of rows.</summary>
    internal virtual CancellationToken Cancellation => CancellationToken.None;

    internal virtual void Validate()
    {
        ArgumentException.ThrowIfNullOrEmpty(LabelColumnName);
        ArgumentException.ThrowIfNullOrEmpty(FeatureColumnName);
        ArgumentException.ThrowIfNullOrEmpty(PredictedLabelColumnName);
        ArgumentException.ThrowIfNullOrEmpty(ScoreColumnName);
    }
}
