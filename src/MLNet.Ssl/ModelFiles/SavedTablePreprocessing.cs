namespace MLNet.Ssl.ModelFiles;

/// <summary><see cref="TablePreprocessing"/> in a description.</summary>
internal sealed record SavedTablePreprocessing(float[] Mean, float[] Scale)
{
    public static SavedTablePreprocessing Of(TablePreprocessing preprocessing) =>
        new([.. preprocessing.Mean], [.. preprocessing.Scale]);

    public TablePreprocessing Restore() => new(Mean, Scale);
}
