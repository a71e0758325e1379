namespace MLNet.Ssl;

/// <summary>ML.NET offers a transformer of another assembly no way to write its weights into a saved model.</summary>
internal static class Persistence
{
    public static NotSupportedException NotYet(string transformer) => new(
        $"{transformer} cannot be saved by ml.Model.Save yet. Keep the fitted pipeline in the process that fitted it, or save what it computes: "
        + "ml.Data.SaveAsBinary writes the embedded rows, from which other trainers can be fitted and saved.");
}
