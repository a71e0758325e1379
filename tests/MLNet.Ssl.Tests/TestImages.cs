using Microsoft.ML;
using Microsoft.ML.Data;
using Microsoft.ML.Transforms.Image;

namespace MLNet.Ssl.Tests;

/// <summary>A row with an image, which counts how often it is read.</summary>
internal sealed class ImageRow(int number, MLImage? image, string label = "")
{
    private int _reads;

    public int Number => number;

    public string Label => label;

    [ImageType(8, 8)]
    public MLImage Image
    {
        get
        {
            Interlocked.Increment(ref _reads);
            return image!;
        }
    }

    public int Reads() => _reads;
}

/// <summary>An image to predict from.</summary>
internal sealed class ImageInput
{
    [ImageType(8, 8)]
    public MLImage? Image { get; set; }
}

internal sealed class EmbeddedRow
{
    public int Number { get; set; }

    public string Label { get; set; } = "";

    public float[] Embedding { get; set; } = [];
}

internal static class TestImages
{
    public const int Size = 16;

    /// <summary>A small encoder that is not trained: what it learns is not the matter here.</summary>
    public static SimClrOptions Untrained { get; } = new()
    {
        Epochs = 0,
        ImageSize = Size,
        Threads = 1,
        Backbone = new ResNetOptions { BlocksPerStage = [1, 1], Width = 8, Stem = ResNetStem.Small },
    };

    public static byte[] Rgb(int seed, int width = Size, int height = Size)
    {
        var pixels = new byte[3 * width * height];
        new Random(seed).NextBytes(pixels);
        return pixels;
    }

    public static MLImage Image(int seed, MLPixelFormat format = MLPixelFormat.Bgra32, byte alpha = 255,
        int width = Size, int height = Size)
    {
        var rgb = Rgb(seed, width, height);
        var pixels = new byte[4 * width * height];
        for (int i = 0; i < width * height; i++)
            for (int c = 0; c < 4; c++)
                pixels[4 * i + c] = c == 3 ? alpha : rgb[3 * i + (format == MLPixelFormat.Rgba32 ? c : 2 - c)];
        return MLImage.CreateFromPixels(width, height, format, pixels);
    }

    /// <summary>Images of two labels, which differ in brightness.</summary>
    public static ImageRow[] Rows(int count) =>
        [.. Enumerable.Range(0, count).Select(i => new ImageRow(i, Image(i), i % 2 == 0 ? "even" : "odd"))];

    public static IDataView View(this MLContext ml, IEnumerable<ImageRow> rows) => ml.Data.LoadFromEnumerable(rows);

    public static EmbeddedRow[] Embeddings(this MLContext ml, IDataView view) =>
        [.. ml.Data.CreateEnumerable<EmbeddedRow>(view, reuseRowObject: false, ignoreMissingColumns: true)];

    public static void AssertClose(IEnumerable<float> expected, IEnumerable<float> actual, float tolerance = 1e-5f)
    {
        var (e, a) = (expected.ToArray(), actual.ToArray());
        Assert.Equal(e.Length, a.Length);
        for (int i = 0; i < e.Length; i++) Assert.InRange(a[i], e[i] - tolerance, e[i] + tolerance);
    }
}
