using System.CommandLine;
using System.Globalization;
using TorchSharp;
using static TorchSharp.torch;

namespace MLNet.Ssl.Benchmarks;

/// <summary>How near embeddings in bfloat16 are to those in single precision, of random weights and real
/// photos.</summary>
internal static class EmbeddingPrecision
{
    private static readonly (string Name, BackboneOptions Backbone)[] Networks =
    [
        ("ViT-S/16", VisionTransformerOptions.Small(16)),
        ("ResNet-50", ResNetOptions.ResNet50()),
    ];

    public static Command Command()
    {
        var photos = new Option<string>("--photos") { Description = "a folder of photos", Required = true };
        var device = new Option<string>("--device") { DefaultValueFactory = _ => "cpu" };
        var command = new Command("precision", "Embeddings of photos in bfloat16 beside those in single precision.")
        {
            photos, device,
        };
        command.SetAction(parsed =>
        {
            var images = Directory.EnumerateFiles(parsed.GetValue(photos)!, "*.jpg", SearchOption.AllDirectories)
                .Order().Select(RgbImages.Load).ToList();
            Console.WriteLine("| network | photos | cosine: mean | least | centred: mean | least | same neighbour |");
            Console.WriteLine("|---|---|---|---|---|---|---|");
            foreach (var (name, backbone) in Networks)
                Console.WriteLine(Row(name, backbone, images, torch.device(parsed.GetValue(device)!)));
        });
        return command;
    }

    private static string Row(string name, BackboneOptions options, List<RgbImage> images, Device device)
    {
        using var scope = NewDisposeScope();
        Tensor Embeddings(Precision precision)
        {
            using var generator = new Generator(1, CPU);
            using var encoder = new ImageEncoder(
                options.Create(generator).to(device), ImagePreprocessing.For(224), device)
            { Precision = precision };
            var values = new float[images.Count * encoder.EmbeddingDimension];
            encoder.Embed(images, values);
            return tensor(values, [images.Count, encoder.EmbeddingDimension]);
        }
        var (single, half) = (Embeddings(Precision.Float32), Embeddings(Precision.BFloat16));
        // What all images have in common makes any two embeddings of a random network alike.
        var mean = single.mean([0], keepdim: true);
        var (centred, other) = (single - mean, half - mean);
        Tensor Cosine(Tensor a, Tensor b) => nn.functional.cosine_similarity(a, b);
        Tensor Neighbour(Tensor x)
        {
            var unit = nn.functional.normalize(x);
            // Every image is nearest to itself.
            return (unit.matmul(unit.t()) - eye(images.Count) * 3).argmax(1);
        }
        var (cosine, apart) = (Cosine(single, half), Cosine(centred, other));
        double same = Neighbour(centred).eq(Neighbour(other)).to(float32).mean().ToSingle();
        return string.Create(CultureInfo.InvariantCulture,
            $"| {name} | {images.Count} | {cosine.mean().ToSingle():0.00000} | {cosine.min().ToSingle():0.00000} | "
            + $"{apart.mean().ToSingle():0.00000} | {apart.min().ToSingle():0.00000} | {same:0.000} |");
    }
}
