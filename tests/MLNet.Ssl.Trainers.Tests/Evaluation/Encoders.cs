using static TorchSharp.torch;

namespace MLNet.Ssl.Tests;

/// <summary>Small encoders with random weights.</summary>
internal static class Encoders
{
    public static VisionTransformerOptions Small { get; } =
        new() { ImageSize = 16, PatchSize = 4, EmbeddingDimension = 24, Depth = 2, Heads = 3 };

    public static ImageEncoder Transformer(VisionTransformerOptions? options = null) =>
        new((options ?? Small).Create(new Generator(3)), ImagePreprocessing.For(16));

    public static ImageEncoder ResNet() => new(
        new ResNetOptions { BlocksPerStage = [1, 1], Width = 4, Stem = ResNetStem.Small }.Create(new Generator(3)),
        ImagePreprocessing.For(16));
}
