using System.Text.Json;
using Microsoft.ML.Data;
using MLNet.Ssl.DataView;
using MLNet.Ssl.ModelFiles;
using MLNet.Ssl.Networks;

namespace MLNet.Ssl.Onnx;

/// <summary>What an encoder's preprocessing is told, as the text that stands in every row of a saved chain.</summary>
/// <param name="Images">The preprocessing.</param>
/// <param name="Width">Width of images that are vectors of pixels; 0 otherwise.</param>
/// <param name="Height">Height of them.</param>
/// <param name="Planar">Whether a colour's values stand together.</param>
/// <param name="ApplyExifOrientation">Whether files are turned as their EXIF data say.</param>
internal sealed record PreprocessorSettings(
    SavedImagePreprocessing Images, int Width, int Height, bool Planar, bool ApplyExifOrientation)
{
    public static string Write(ImagePreprocessing preprocessing, DataViewType? column, bool applyExifOrientation)
    {
        var (width, height, planar) = (column is null ? null : ImageColumn.PixelSize(column)) ?? default;
        return JsonSerializer.Serialize(
            new PreprocessorSettings(SavedImagePreprocessing.Of(preprocessing), width, height, planar,
                applyExifOrientation),
            BackboneJson.Options);
    }

    public static PreprocessorSettings Read(string text) =>
        JsonSerializer.Deserialize<PreprocessorSettings>(text, BackboneJson.Options)
        ?? throw new InvalidDataException("The settings of a saved encoder's preprocessing are null.");
}

/// <summary>An encoder's own preprocessing as a step of a saved chain. Safe to share between threads.</summary>
internal sealed class Preprocessor
{
    // Read once: the text is that of the row before, nearly always.
    private volatile Told? _told;

    private sealed record Told(string Text, ImagePreprocessing Preprocessing, PreprocessorSettings Settings);

    /// <summary>The network's input of an image.</summary>
    public void Apply(MLImage? image, ReadOnlySpan<char> settings, ref VBuffer<float> pixels)
    {
        if (image is null) throw new InvalidOperationException("There is no image.");
        if (image.Refusal() is { } refusal) throw new InvalidOperationException($"The image is not taken: {refusal}");
        Apply(image.ToRgbImage(), Read(settings).Preprocessing, ref pixels);
    }

    /// <summary>The network's input of an image file.</summary>
    public void Apply(string path, ReadOnlySpan<char> settings, ref VBuffer<float> pixels)
    {
        var told = Read(settings);
        Apply(RgbImages.Load(path, told.Settings.ApplyExifOrientation), told.Preprocessing, ref pixels);
    }

    /// <summary>The network's input of an image file's bytes.</summary>
    public void Apply(VBuffer<byte> file, ReadOnlySpan<char> settings, ref VBuffer<float> pixels)
    {
        var told = Read(settings);
        var image = RgbImages.Decode(file.DenseValues().ToArray(), told.Settings.ApplyExifOrientation);
        Apply(image, told.Preprocessing, ref pixels);
    }

    /// <summary>The network's input of an image that is a vector of pixels.</summary>
    public void Apply(VBuffer<float> values, ReadOnlySpan<char> settings, ref VBuffer<float> pixels)
    {
        var told = Read(settings);
        var (width, height, planar) = (told.Settings.Width, told.Settings.Height, told.Settings.Planar);
        if (values.Length != 3L * width * height)
            throw new InvalidOperationException(
                $"The vector has {values.Length} values; the model was fitted on pixels of {width}×{height}.");
        Apply(ImageColumn.OfPixels(values.DenseValues().ToArray(), (width, height, planar)), told.Preprocessing,
            ref pixels);
    }

    private static void Apply(RgbImage image, ImagePreprocessing preprocessing, ref VBuffer<float> pixels)
    {
        var (width, height) = preprocessing.OutputSize(image.Width, image.Height);
        var editor = VBufferEditor.Create(ref pixels, 3 * width * height);
        preprocessing.Apply(image, editor.Values);
        pixels = editor.Commit();
    }

    private Told Read(ReadOnlySpan<char> settings)
    {
        if (_told is { } told && settings.SequenceEqual(told.Text)) return told;
        string text = settings.ToString();
        var read = PreprocessorSettings.Read(text);
        return _told = new(text, read.Images.Restore(), read);
    }
}
