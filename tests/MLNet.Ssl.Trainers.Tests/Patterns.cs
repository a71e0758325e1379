using static TorchSharp.torch;

namespace MLNet.Ssl.Tests;

/// <summary>
/// A small drawn image set: four textures of random period and phase, under random brightness, contrast, shading and
/// noise. Brightness tells images apart for an untrained network and nothing of their class.
/// </summary>
internal static class Patterns
{
    public const int Classes = 4;
    public const int Side = 24;

    public static (ImageStore Images, int[] Labels) Draw(int count, int seed)
    {
        var random = new Random(seed);
        var images = new ImageStore();
        var labels = new int[count];
        var pixels = new byte[Side * Side * 3];
        for (int i = 0; i < count; i++)
        {
            labels[i] = i % Classes;
            double level = random.Next(60, 196), contrast = (10 + 40 * random.NextDouble()) * (random.Next(2) * 2 - 1);
            double shadeX = (random.NextDouble() - 0.5) * 8, shadeY = (random.NextDouble() - 0.5) * 8;
            double wave = 2 * Math.PI / (4 + 4 * random.NextDouble()), left = random.NextDouble() * 8,
                top = random.NextDouble() * 8;
            for (int y = 0; y < Side; y++)
                for (int x = 0; x < Side; x++)
                {
                    double u = Math.Sin(wave * (x + left)), v = Math.Sin(wave * (y + top));
                    double texture = labels[i] switch
                    {
                        0 => u,
                        1 => v,
                        2 => 1.4 * u * v,
                        _ => Math.Sin(wave * Math.Sqrt((x - 12) * (x - 12) + (y - 12) * (y - 12)) + left),
                    };
                    double gray =
                        level + shadeX * (x - 12) + shadeY * (y - 12) + contrast * texture + random.Next(-20, 21);
                    pixels.AsSpan((y * Side + x) * 3, 3).Fill((byte)Math.Clamp(gray, 0, 255));
                }
            images.Add(pixels, Side, Side);
        }
        return (images, labels);
    }

    /// <summary>Accuracy of a weighted kNN on frozen embeddings.</summary>
    public static double KnnAccuracy(ImageEncoder encoder, (ImageStore Images, int[] Labels) train,
        (ImageStore Images, int[] Labels) test)
    {
        int d = encoder.EmbeddingDimension;
        Tensor Embed(ImageStore images)
        {
            var result = new float[images.Count * d];
            encoder.Embed([.. Enumerable.Range(0, images.Count).Select(i => images[i])], result);
            return tensor(result, [images.Count, d]);
        }
        using var scope = NewDisposeScope();
        using var knn =
            new WeightedKnn(Embed(train.Images), tensor(Array.ConvertAll(train.Labels, l => (long)l)), Classes);
        var predicted = knn.Score(Embed(test.Images)).argmax(1).data<long>().ToArray();
        return predicted.Zip(test.Labels, (p, l) => p == l ? 1.0 : 0).Average();
    }
}
