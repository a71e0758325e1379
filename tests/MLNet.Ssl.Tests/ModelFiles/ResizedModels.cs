using Microsoft.ML;
using Microsoft.ML.Data;

namespace MLNet.Ssl.Tests;

/// <summary>Models of image files behind <c>ResizeImages</c>, whose columns have sizes that no class of rows names.
/// </summary>
internal static class ResizedModels
{
    /// <summary>Each resizes to a size of its own.</summary>
    public static readonly string[] Kinds = ["neighbours", "probe", "classifier"];

    private const int Files = 24;

    internal sealed class ImageFile
    {
        public string Path { get; set; } = "";

        public string Label { get; set; } = "";
    }

    /// <summary>Image files in a folder, of several sizes, mostly of the colour that their label names.</summary>
    public static void Write(string folder)
    {
        var files = Rows(folder);
        for (int i = 0; i < files.Length; i++)
        {
            var (width, height) = (30 + i, 50 - i);
            var rgb = TestImages.Rgb(i, width, height);
            var pixels = new byte[4 * width * height];
            for (int p = 0; p < width * height; p++)
                for (int c = 0; c < 4; c++)
                    pixels[4 * p + c] = c == 3 ? (byte)255 : (byte)(rgb[3 * p + c] / 4 + (c == i % 3 ? 190 : 0));
            using var image = MLImage.CreateFromPixels(width, height, MLPixelFormat.Rgba32, pixels);
            image.Save(files[i].Path);
        }
    }

    public static ImageFile[] Rows(string folder) =>
        [.. Enumerable.Range(0, Files).Select(i => new ImageFile
        {
            Path = Path.Combine(folder, $"{i}.png"), Label = new[] { "red", "green", "blue" }[i % 3],
        })];

    public static ITransformer Fit(MLContext ml, string kind, string folder)
    {
        var ssl = ml.SelfSupervised();
        var (height, width) = kind switch { "neighbours" => (22, 18), "probe" => (17, 40), _ => (10, 9) };
        var images = ml.Transforms.Conversion.MapValueToKey("Label")
            .Append(ml.Transforms.LoadImages("Image", null, "Path"))
            .Append(ml.Transforms.ResizeImages("Image", width, height));
        var names = ml.Transforms.Conversion.MapKeyToValue("Class", "PredictedLabel");
        var trainers = ml.MulticlassClassification.Trainers;
        var view = ml.Data.LoadFromEnumerable(Rows(folder));
        var embedded = images.Append(ssl.Pretrain("Embedding", "Image", TestImages.Untrained));
        if (kind == "neighbours")
            return embedded.Append(trainers.NearestNeighbors("Label", "Embedding", 5)).Append(names).Fit(view);
        if (kind == "probe")
            return embedded.Append(trainers.LinearProbe("Label", "Embedding",
                new() { Epochs = 20, LearningRates = [0.3] })).Append(names).Fit(view);
        var encoder = embedded.Fit(view).LastTransformer;
        return images.Append(ssl.FineTune("PredictedLabel", "Image", "Label", encoder,
            new() { Epochs = 3, BatchSize = 8 })).Append(names).Fit(view);
    }

    /// <summary>What a model says of the files, as a view and one by one.</summary>
    public static SavedModels.Answer[] Ask(MLContext ml, ITransformer model, string folder)
    {
        var rows = Rows(folder);
        var batch = SavedModels.Ask(ml, model, ml.Data.LoadFromEnumerable(rows));
        using var engine = ml.Model.CreatePredictionEngine<ImageFile, SavedModels.Answer>(model,
            new PredictionEngineOptions { OwnsTransformer = false, IgnoreMissingColumns = true });
        return [.. batch, .. rows.Select(engine.Predict)];
    }
}
