namespace MLNet.Ssl;

/// <summary>Options of <see cref="NearestNeighborsTrainer"/>.</summary>
public sealed record NearestNeighborsOptions
{
    /// <summary>Column of the classes, a key (<c>MapValueToKey</c> makes one). Default "Label".</summary>
    public string LabelColumnName { get; init; } = "Label";

    /// <summary>Column of the features, a known-size vector of Single. Default "Features".</summary>
    public string FeatureColumnName { get; init; } = "Features";

    /// <summary>Column that receives the predicted class, a key with the label's values. Default "PredictedLabel".</summary>
    public string PredictedLabelColumnName { get; init; } = "PredictedLabel";

    /// <summary>Column that receives the class probabilities, a vector of Single. Default "Score".</summary>
    public string ScoreColumnName { get; init; } = "Score";

    /// <summary>Neighbours k that vote, at least 1; more than there are rows means all of them. Default 20.</summary>
    public int NumberOfNeighbors { get; init; } = 20;

    /// <summary>Temperature T of the votes exp(similarity / T), above 0. Default 0.07.</summary>
    public float Temperature { get; init; } = 0.07f;

    internal void Validate()
    {
        ArgumentException.ThrowIfNullOrEmpty(LabelColumnName);
        ArgumentException.ThrowIfNullOrEmpty(FeatureColumnName);
        ArgumentException.ThrowIfNullOrEmpty(PredictedLabelColumnName);
        ArgumentException.ThrowIfNullOrEmpty(ScoreColumnName);
        Check.AtLeast(NumberOfNeighbors, 1);
        Check.Positive(Temperature);
    }
}
