using System.Text.Json;
using Microsoft.ML;

namespace MLNet.Ssl.Tests;

/// <summary>Models that <c>ml.Model.Save</c> saved, asked in a process of their own.</summary>
internal static class SavedByMLNet
{
    /// <summary>Answers, for every kind, of the model <c>kind.zip</c> in a folder, into <c>kind.json</c>; with plain
    /// ML.NET and without libtorch.</summary>
    public static int Predict(string folder)
    {
        var ml = new MLContext();
        foreach (string kind in SavedModels.Kinds)
        {
            var model = ml.Model.Load(Path.Combine(folder, kind + ".zip"), out _);
            Write(Path.Combine(folder, kind + ".json"), SavedModels.Ask(ml, model, SavedModels.Rows(ml, kind)));
        }
        return WithoutLibtorch();
    }

    /// <summary>As <see cref="Predict"/>, of models behind <c>ResizeImages</c>.</summary>
    public static int PredictResized(string folder)
    {
        var ml = new MLContext();
        var models = ResizedModels.Kinds
            .ToDictionary(kind => kind, kind => ml.Model.Load(Path.Combine(folder, kind + ".zip"), out _));
        foreach (var (kind, model) in models)
            Write(Path.Combine(folder, kind + ".json"), ResizedModels.Ask(ml, model, folder));
        return WithoutLibtorch();
    }

    private static int WithoutLibtorch()
    {
        if (!OperatingSystem.IsLinux()
            || !File.ReadAllText("/proc/self/maps").Contains("libtorch", StringComparison.Ordinal)) return 0;
        Console.Error.WriteLine("libtorch was loaded.");
        return 1;
    }

    public static SavedModels.Answer[] Read(string path) =>
        JsonSerializer.Deserialize<SavedModels.Answer[]>(File.ReadAllText(path))!;

    private static void Write(string path, SavedModels.Answer[] answers) =>
        File.WriteAllText(path, JsonSerializer.Serialize(answers));
}
