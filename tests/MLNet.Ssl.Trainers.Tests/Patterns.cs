using static TorchSharp.torch;

namespace MLNet.Ssl.Tests;

/// <summary>A small drawn image set: four shapes in random colours, places and sizes over a random background, so that colour says nothing of the class.</summary>
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
        Span<byte> ink = stackalloc byte[3], paper = stackalloc byte[3];
        for (int i = 0; i < count; i++)
        {
            labels[i] = i % Classes;
            do
            {
                random.NextBytes(ink);
                random.NextBytes(paper);
            }
            while (Math.Abs(ink[0] - paper[0]) + Math.Abs(ink[1] - paper[1]) + Math.Abs(ink[2] - paper[2]) < 200);
            double cx = random.Next(9, 15), cy = random.Next(9, 15), r = 5 + 4 * random.NextDouble();
            for (int y = 0; y < Side; y++)
                for (int x = 0; x < Side; x++)
                {
                    double dx = (x - cx) / r, dy = (y - cy) / r;
                    bool inside = labels[i] switch
                    {
                        0 => dx * dx + dy * dy <= 1,
                        1 => Math.Abs(dx) <= 1 && Math.Abs(dy) <= 1 && (int)Math.Floor(y / 2.0) % 2 == 0,
                        2 => Math.Abs(dx) <= 1 && Math.Abs(dy) <= 1 && (int)Math.Floor(x / 2.0) % 2 == 0,
                        _ => (Math.Abs(dx) <= 0.3 || Math.Abs(dy) <= 0.3) && Math.Abs(dx) <= 1 && Math.Abs(dy) <= 1,
                    };
                    for (int c = 0; c < 3; c++)
                        pixels[(y * Side + x) * 3 + c] = (byte)Math.Clamp((inside ? ink[c] : paper[c]) + random.Next(-20, 21), 0, 255);
                }
            images.Add(pixels, Side, Side);
        }
        return (images, labels);
    }

    /// <summary>Accuracy of a weighted kNN on frozen embeddings.</summary>
    public static double KnnAccuracy(Encoder encoder, (ImageStore Images, int[] Labels) train, (ImageStore Images, int[] Labels) test)
    {
        int d = encoder.EmbeddingDimension;
        Tensor Embed(ImageStore images)
        {
            var result = new float[images.Count * d];
            encoder.Embed([.. Enumerable.Range(0, images.Count).Select(i => images[i])], result);
            return tensor(result, [images.Count, d]);
        }
        using var scope = NewDisposeScope();
        using var knn = new WeightedKnn(Embed(train.Images), tensor(Array.ConvertAll(train.Labels, l => (long)l)), Classes);
        var predicted = knn.Score(Embed(test.Images)).argmax(1).data<long>().ToArray();
        return predicted.Zip(test.Labels, (p, l) => p == l ? 1.0 : 0).Average();
    }
}
