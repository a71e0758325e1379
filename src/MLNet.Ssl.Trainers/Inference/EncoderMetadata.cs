using System.Globalization;
using MLNet.Ssl.Networks;

namespace MLNet.Ssl.Inference;

/// <summary>What an encoder's file says beside its tensors: what their shapes do not
/// tell, and the preprocessing.</summary>
internal sealed record EncoderMetadata(string? Method, int? Heads, ResNetStem? Stem, BackboneOptions? Backbone,
    ImagePreprocessing? Preprocessing)
{
    private const string Library = "MLNet.Ssl";

    public static IReadOnlyDictionary<string, string> Of(Encoder encoder)
    {
        var metadata = new Dictionary<string, string> { ["format"] = "pt", ["library"] = Library };
        Add("method", encoder.Method);
        if (encoder.Backbone.Options is { } options && Backbones.Knows(options))
        {
            Add("backbone", BackboneJson.Write(options));
            foreach (var (key, value) in options.Untold) Add(key, value);
        }
        if (encoder is not ImageEncoder { Preprocessing: var preprocessing }) return metadata;
        Add("resize", preprocessing.Resize);
        Add("crop_size", preprocessing.CropSize);
        Add("interpolation", preprocessing.Interpolation);
        Add("mean", Text(preprocessing.Normalization.Mean));
        Add("std", Text(preprocessing.Normalization.Std));
        return metadata;

        void Add(string key, object? value)
        {
            if (value is not null) metadata[key] = Convert.ToString(value, CultureInfo.InvariantCulture)!;
        }
    }

    /// <summary>Reads what <see cref="Of"/> wrote; another library's metadata say nothing.</summary>
    public static EncoderMetadata Read(IReadOnlyDictionary<string, string> metadata)
    {
        if (!metadata.TryGetValue("library", out var library) || library != Library)
            return new(null, null, null, null, null);
        var backbone = metadata.TryGetValue("backbone", out var json) ? BackboneJson.Read(json) : null;
        return new(metadata.GetValueOrDefault("method"), Number("heads"), Name<ResNetStem>("stem"), backbone,
            backbone is { TakesTables: true } ? null : Images());

        ImagePreprocessing Images()
        {
            var preprocessing = new ImagePreprocessing
            {
                Resize = Number("resize"),
                CropSize = Number("crop_size"),
                Interpolation = Name<Interpolation>("interpolation") ?? Interpolation.Bicubic,
                Normalization = new(Triple("mean"), Triple("std")),
            };
            preprocessing.Validate();
            return preprocessing;
        }

        int? Number(string key) =>
            !metadata.TryGetValue(key, out var text) ? null
            : int.TryParse(text, NumberStyles.None, CultureInfo.InvariantCulture, out int value) && value > 0 ? value
            : throw Malformed(key, text);

        T? Name<T>(string key) where T : struct, Enum =>
            !metadata.TryGetValue(key, out var text) ? null : Enum.TryParse(text, out T value) && Enum.IsDefined(value)
                ? value : throw Malformed(key, text);

        (float, float, float) Triple(string key)
        {
            var text = metadata.GetValueOrDefault(key, "");
            var values = text.Split(' ');
            var numbers = new float[3];
            if (values.Length != 3) throw Malformed(key, text);
            for (int i = 0; i < 3; i++)
                if (!float.TryParse(values[i], NumberStyles.Float, CultureInfo.InvariantCulture, out numbers[i]))
                    throw Malformed(key, text);
            return (numbers[0], numbers[1], numbers[2]);
        }
    }

    private static string Text((float Red, float Green, float Blue) value) =>
        string.Create(CultureInfo.InvariantCulture, $"{value.Red} {value.Green} {value.Blue}");

    private static InvalidDataException Malformed(string key, string text) => new($"its metadata '{key}' is '{text}'.");
}
