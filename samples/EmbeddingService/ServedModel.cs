using Microsoft.ML;
using Microsoft.ML.Data;
using Microsoft.ML.Transforms.Image;
using MLNet.Ssl;

namespace EmbeddingService;

/// <summary>The encoder that the service asks, out of a model of any shape.</summary>
public sealed class ServedModel : IDisposable
{
    private readonly ITransformer _model;

    public ServedModel(ITransformer model, string description)
    {
        _model = model;
        Encoder = Find(model)?.Encoder as ImageEncoder
            ?? throw new ArgumentException("The model has no transformer that embeds images.", nameof(model));
        Description =
            $"{description}: {Encoder.Method ?? "unknown method"}, embeddings of {Encoder.EmbeddingDimension} numbers";
    }

    public ImageEncoder Encoder { get; }

    public string Description { get; }

    public static ServedModel Load(string path) =>
        new(new MLContext().SelfSupervised().Model.Load(path, out _), Path.GetFileName(path));

    /// <summary>Learns from drawn images, so that the service can be tried at once.</summary>
    public static ServedModel Draw()
    {
        Console.WriteLine(
            "No --model is given: a small one learns from drawn images. Its embeddings are for trying the service, "
                + "not for use.");
        var ml = new MLContext(seed: 1);
        var images = ml.Data.LoadFromEnumerable(
            Enumerable.Range(0, 128).Select(i => new Drawing { Image = Rectangles(new Random(i)) }));
        var options = new SimClrOptions
        {
            Epochs = 3,
            BatchSize = 64,
            Backbone = ResNetOptions.ResNet18(ResNetStem.Small, width: 16),
        };
        return new(ml.SelfSupervised().SimClr("Embedding", "Image", options).Fit(images), "a model of drawn images");
    }

    public void Dispose() => (_model as IDisposable)?.Dispose();

    private static EmbeddingTransformer? Find(ITransformer model) =>
        model as EmbeddingTransformer
            ?? (model as IEnumerable<ITransformer>)?.Select(Find).FirstOrDefault(found => found is not null);

    private static MLImage Rectangles(Random random)
    {
        const int side = 32;
        var pixels = new byte[side * side * 4];
        for (int rectangle = 0; rectangle < 5; rectangle++)
        {
            var (left, top, color) = (random.Next(side), random.Next(side), new byte[3]);
            random.NextBytes(color);
            for (int y = rectangle == 0 ? 0 : top; y < (rectangle == 0 ? side : Math.Min(side, top + 12)); y++)
                for (int x = rectangle == 0 ? 0 : left; x < (rectangle == 0 ? side : Math.Min(side, left + 12)); x++)
                {
                    color.CopyTo(pixels, 4 * (y * side + x));
                    pixels[4 * (y * side + x) + 3] = 255;
                }
        }
        return MLImage.CreateFromPixels(side, side, MLPixelFormat.Rgba32, pixels);
    }

    private sealed class Drawing
    {
        [ImageType(32, 32)]
        public MLImage? Image { get; set; }
    }
}
