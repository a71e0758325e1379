using static TorchSharp.torch;

namespace MLNet.Ssl.Tests;

/// <summary>Overlapping classes around centres, by the golden hash rule, so that other
/// programs can draw the same rows.</summary>
internal static class Blobs
{
    public const int Width = 6;

    /// <summary>Rows (count, 6) = centre of class (i mod classes) + noise in −1..1, and their classes.</summary>
    public static (Tensor Features, Tensor Labels) Draw(int classes, uint centerSeed, double spread, int count,
        uint seed)
    {
        var centers = GoldenRules.Hash32((long)classes * Width, centerSeed, spread, 0);
        var noise = GoldenRules.Hash32((long)count * Width, seed, 1, 0);
        var values = new float[noise.Length];
        for (int i = 0; i < values.Length; i++)
            values[i] = (float)centers[i / Width % classes * Width + i % Width] + (float)noise[i];
        return (tensor(values, [count, Width]),
            tensor([.. Enumerable.Range(0, count).Select(i => (long)(i % classes))]));
    }
}
