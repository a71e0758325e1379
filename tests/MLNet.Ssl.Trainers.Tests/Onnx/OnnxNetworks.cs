using TorchSharp.Modules;
using static TorchSharp.torch;
using static TorchSharp.torch.nn;

namespace MLNet.Ssl.Tests;

/// <summary>Networks to export, with random weights and statistics.</summary>
internal static class OnnxNetworks
{
    private static readonly VisionTransformerOptions Transformer =
        new() { PatchSize = 4, EmbeddingDimension = 48, Depth = 3, Heads = 3, ImageSize = 32 };

    public static IReadOnlyDictionary<string, BackboneOptions> All { get; } = new Dictionary<string, BackboneOptions>
    {
        ["DINO transformer"] = Transformer,
        ["MoCo v3 transformer"] = Transformer with { Heads = 4, Flavor = VisionTransformerFlavor.MoCoV3 },
        ["ResNet-18, small stem"] = ResNetOptions.ResNet18(ResNetStem.Small, 16),
        ["ResNet-34, small stem of stride 2"] = ResNetOptions.ResNet34(ResNetStem.SmallStride2, 8),
        ["ResNet-50"] = ResNetOptions.ResNet50(width: 8),
        ["ResNet-101"] = ResNetOptions.ResNet101(width: 4),
        ["ResNet-152"] = ResNetOptions.ResNet152(width: 4),
    };

    public static Backbone Create(string name)
    {
        var network = All[name].Create(new Generator(1));
        Randomize(network);
        return network;
    }

    /// <summary>Weights, statistics, scales and shifts that all matter; values stay of the order of one through any depth.</summary>
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
            else if (name == "cls_token" || (name == "pos_embed" && tensor.requires_grad)) tensor.normal_(0, 0.5, generator);
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

/// <summary>An image network of the operators that no backbone uses yet, and its export.</summary>
internal sealed class OperatorBackbone : Backbone, IOnnxLayer
{
    private readonly Conv2d conv;
    private readonly BatchNorm norm;
    private readonly Linear fc;
    private readonly BatchNorm plain;
    private readonly Sequential gelu;

    public OperatorBackbone() : base(nameof(OperatorBackbone), 6)
    {
        var generator = new Generator(3);
        conv = new Conv2d(3, 8, 3, 1, generator);
        norm = new BatchNorm(8);
        fc = new Linear(8, 18, generator, hasBias: false);
        plain = new BatchNorm(18, gamma: null, beta: false);
        gelu = Sequential(new Gelu());
        RegisterComponents();
    }

    public override Tensor forward(Tensor x)
    {
        x = norm.call(conv.call(x));
        x = x * functional.softmax(x.mean([2, 3], true), 1);
        x = functional.pad(x, [0, 1, 0, 1]);
        // Means of 2×2 windows of a 7×7 map: the last ones are halves and a quarter, which the border's zeros dilute.
        var counts = functional.pad(ones(1, 1, 7, 7), [0, 1, 0, 1]);
        x = Windows(x) / Windows(counts);
        x = plain.call(fc.call(x.mean([2, 3])));
        return gelu.call(x.view(-1, 6, 3).max(2).Item1 - x.sigmoid().narrow(1, 0, 6));
    }

    private static Tensor Windows(Tensor x) => x.view(x.size(0), x.size(1), 4, 2, 4, 2).sum([3L, 5L]);

    string IOnnxLayer.Export(OnnxGraph graph, string x)
    {
        x = norm.Export(graph, conv.Export(graph, x));
        x = graph.Mul(x, graph.Softmax(graph.ReduceMean(x, keepDimensions: true, 2, 3), axis: 1));
        x = graph.AveragePool(x, kernel: 2, stride: 2, ceiling: true);
        x = plain.Export(graph, fc.Export(graph, graph.ReduceMean(x, keepDimensions: false, 2, 3)));
        x = graph.Sub(graph.Maxout(x, pieces: 3), graph.Slice(graph.Sigmoid(x), 0, 6, 1));
        return graph.Apply(gelu, x);
    }
}
