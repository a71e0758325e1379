using static TorchSharp.torch;
using static TorchSharp.torch.nn;

namespace MLNet.Ssl.Tests;

/// <summary>Networks to export, with random weights and statistics.</summary>
internal static class OnnxNetworks
{
    private static readonly VisionTransformerOptions Transformer =
        new() { PatchSize = 4, EmbeddingDimension = 48, Depth = 3, Heads = 3, ImageSize = 32 };

    private static readonly TabularMlpOptions Numbers =
        new()
        {
            InputGroups = [7],
            NumericSlots = [0, 2, 6],
            NumberBins = 4,
            InputWidth = 8,
            HiddenWidths = [16],
            OutputWidth = 24
        };

    public static IReadOnlyDictionary<string, BackboneOptions> All { get; } = new Dictionary<string, BackboneOptions>
    {
        ["DINO transformer"] = Transformer,
        ["MoCo v3 transformer"] = Transformer with { Heads = 4, Flavor = VisionTransformerFlavor.MoCoV3 },
        ["DINOv2 transformer with registers"] =
            Transformer with { Registers = 4, LayerScale = 0.5, PositionOffset = 0, PositionAntialias = true },
        ["DINOv2 transformer, gated"] = Transformer with { LayerScale = 0.5, SwiGlu = true, MlpRatio = 2.7 },
        ["DINOv3 transformer"] =
            Transformer with { Registers = 4, LayerScale = 0.5, RotaryPositions = true, NormEpsilon = 1e-5 },
        ["transformer, class tokens of two blocks"] = Transformer with { LastBlocks = 2, Registers = 1 },
        ["transformer with the mean patch token"] =
            Transformer with { AveragePoolPatchTokens = true, Registers = 1 },
        ["ConvNeXt"] = new ConvNeXtOptions { Depths = [1, 2, 1], Widths = [12, 24, 40], LayerScale = 0.5 },
        ["ResNet-18, small stem"] = ResNetOptions.ResNet18(ResNetStem.Small, 16),
        ["ResNet-34, small stem of stride 2"] = ResNetOptions.ResNet34(ResNetStem.SmallStride2, 8),
        ["ResNet-50"] = ResNetOptions.ResNet50(width: 8),
        ["ResNet-101"] = ResNetOptions.ResNet101(width: 4),
        ["ResNet-152"] = ResNetOptions.ResNet152(width: 4),
        ["SimCLR v2's ResNet-50 with selective kernels"] =
            ResNetOptions.ResNet50(width: 8) with { SelectiveKernels = true },
        ["MoCo v3 transformer, convolutional stem"] =
            Transformer with
            {
                PatchSize = 16,
                Heads = 4,
                Flavor = VisionTransformerFlavor.MoCoV3,
                ConvolutionalStem = true,
                ImageSize = 64
            },
        ["perceptron"] = new TabularMlpOptions
        {
            InputGroups = [7],
            InputWidth = 8,
            HiddenWidths = [16, 12],
            OutputWidth = 24,
            MaxoutGroup = 3
        },
        ["perceptron of numbers in bins"] = Numbers with { NumberEmbedding = NumberEmbedding.PiecewiseLinear },
        ["perceptron of numbers in waves"] = Numbers with { NumberEmbedding = NumberEmbedding.Periodic },
        ["perceptron of three inputs"] =
            new TabularMlpOptions { InputGroups = [4, 1, 2], InputWidth = 8, HiddenWidths = [16], OutputWidth = 24 },
    };

    public static Encoder Encoder(string name, int size = 32)
    {
        var network = Create(name);
        return All[name] is TabularMlpOptions mlp
            ? new TableEncoder(network, new([.. Enumerable.Range(0, mlp.InputGroups!.Sum()).Select(i => 0.1f * i)],
                [.. Enumerable.Range(1, mlp.InputGroups!.Sum()).Select(i => 0.5f * i)]))
            : new ImageEncoder(network, ImagePreprocessing.For(size));
    }

    public static Backbone Create(string name)
    {
        var network = All[name].Create(new Generator(1));
        Randomize(network);
        return network;
    }

    /// <summary>Weights, statistics, scales and shifts that all matter; values stay of the order
    /// of one through any depth.</summary>
    public static void Randomize(Module network)
    {
        using var scope = NewDisposeScope();
        using var _ = no_grad();
        var generator = new Generator(2);
        foreach (var (name, tensor) in network.state_dict())
        {
            if (name.EndsWith("running_mean")) tensor.uniform_(-0.2, 0.2, generator);
            else if (name.EndsWith("running_var")) tensor.uniform_(0.5, 2, generator);
            else if (tensor.ndim == 1 && name.EndsWith("weight")) tensor.uniform_(0.3, 0.9, generator);
            else if (tensor.ndim == 1 && name.EndsWith("bias")) tensor.uniform_(-0.3, 0.3, generator);
            else if (tensor.ndim == 2) tensor.normal_(0, 1 / Math.Sqrt(tensor.size(1)), generator);
            else if (tensor.ndim == 4) tensor.normal_(0, Math.Sqrt(2.0 * tensor.size(0) / tensor.numel()), generator);
            else if (name is "cls_token" or "register_tokens" || (name == "pos_embed" && tensor.requires_grad))
                tensor.normal_(0, 0.5, generator);
        }
    }

    /// <summary>Noise about a colour: noise alone would average out to the same embedding.</summary>
    public static RgbImage[] Images(int count, int size) => [.. Enumerable.Range(0, count).Select(seed =>
    {
        var pixels = new byte[3 * size * size];
        var random = new Random(seed);
        int[] colour = [random.Next(156), random.Next(156), random.Next(156)];
        for (int i = 0; i < pixels.Length; i++) pixels[i] = (byte)(colour[i % 3] + random.Next(100));
        return new RgbImage(pixels, size, size);
    })];

    /// <summary>What ML.NET's ExtractPixels gives: values 0 to 255 in planes.</summary>
    public static float[] Planes(IEnumerable<RgbImage> images) =>
    [
        .. from image in images
           from channel in Enumerable.Range(0, 3)
           from i in Enumerable.Range(0, image.Width * image.Height)
           select (float)image.Pixels.Span[3 * i + channel],
    ];
}
