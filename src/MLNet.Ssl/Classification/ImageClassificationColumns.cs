namespace MLNet.Ssl.Classification;

/// <summary>
/// The columns of a classifier of images; <see cref="MulticlassOptions.FeatureColumnName"/> is that of the images.
/// </summary>
internal sealed record ImageClassificationColumns : MulticlassOptions;
