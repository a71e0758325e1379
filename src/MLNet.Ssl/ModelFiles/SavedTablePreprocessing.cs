using System.Text.Json.Serialization;

namespace MLNet.Ssl.ModelFiles;

/// <summary><see cref="TablePreprocessing"/> in a description.</summary>
internal sealed record SavedTablePreprocessing(float[] Mean, float[] Scale,
    [property: JsonIgnore(Condition = JsonIgnoreCondition.WhenWritingNull)] Dictionary<int, float[]>? Quantiles = null)
{
    public static SavedTablePreprocessing Of(TablePreprocessing preprocessing) =>
        new([.. preprocessing.Mean], [.. preprocessing.Scale], preprocessing.Quantiles.Count == 0
            ? null : preprocessing.Quantiles.ToDictionary(slot => slot.Key, slot => slot.Value.ToArray()));

    public TablePreprocessing Restore() => Quantiles is null ? new(Mean, Scale) : new(Mean, Scale)
    {
        Quantiles = Quantiles.ToDictionary(slot => slot.Key, IReadOnlyList<float> (slot) => slot.Value),
    };
}
