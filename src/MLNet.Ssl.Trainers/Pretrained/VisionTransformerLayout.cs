using System.Runtime.InteropServices;
using MLNet.Ssl.Inference;
using MLNet.Ssl.Networks;
using MLNet.Ssl.Weights;
using static TorchSharp.torch;

namespace MLNet.Ssl.Pretrained;

/// <summary>Names and shapes of a vision transformer's state dict, which DINO, MoCo v3, DeiT and timm share.</summary>
internal sealed class VisionTransformerLayout : NetworkLayout
{
    public override string Anchor => "patch_embed.proj.weight";

    /// <summary>The architecture that the shapes tell.</summary>
    /// <remarks>The number of heads is in no shape.</remarks>
    public override BackboneOptions Infer(StoredNetwork network, PretrainedOptions options, EncoderMetadata metadata)
    {
        var projection = network.Shape(Anchor, 4);
        var positions = network.Shape("pos_embed", 3);
        long width = projection[0], patch = projection[3], tokens = positions[1] - 1, side = (long)Math.Sqrt(tokens), hidden;
        if (tokens < 1 || side * side != tokens)
            throw new InvalidDataException($"tensor 'pos_embed' is ({StoredTensor.Text(positions)}); expected a class token and a square of patches.");
        hidden = network.Shape("blocks.0.mlp.fc1.weight", 2)[0];
        int depth = 0;
        while (network.Tensors.ContainsKey($"blocks.{depth}.norm1.weight")) depth++;
        bool isMoCoV3 = network.Has("base_encoder") || network.Has("momentum_encoder") || HasFixedPositions(network, (int)side, (int)width);
        double ratio = (double)hidden / width;
        return new VisionTransformerOptions
        {
            EmbeddingDimension = (int)width,
            PatchSize = (int)patch,
            ImageSize = checked((int)(side * patch)),
            Depth = depth,
            // The quotient may round down; a width times its ratio is cut to a whole number.
            MlpRatio = (int)(width * ratio) == hidden ? ratio : Math.BitIncrement(ratio),
            Heads = options.Heads ?? metadata.Heads ?? UsualHeads(width, isMoCoV3),
            Flavor = isMoCoV3 ? VisionTransformerFlavor.MoCoV3 : VisionTransformerFlavor.Dino,
        };
    }

    private static int UsualHeads(long width, bool isMoCoV3) => (width, isMoCoV3) switch
    {
        (384, true) => 12,
        (1280, _) => 16,
        _ when width % 64 == 0 => (int)(width / 64),
        _ => throw new InvalidDataException(
            $"the number of heads cannot be told from a width of {width}; set {nameof(PretrainedOptions)}.{nameof(PretrainedOptions.Heads)}."),
    };

    /// <summary>MoCo v3's positions are a formula, which tells a file of it under any names.</summary>
    private static bool HasFixedPositions(StoredNetwork network, int side, int width)
    {
        var stored = network.Tensors["pos_embed"];
        if (width % 4 != 0 || stored.Shape[2] != width || !is_floating_point(stored.Type)) return false;
        using var scope = NewDisposeScope();
        var positions = stored.Read().to(float32).contiguous();
        return MemoryMarshal.Cast<byte, float>(positions.bytes).SequenceEqual(SinCosPositions.Table(side, side, width), Near.Instance);
    }

    public override void CheckUntold(BackboneOptions backbone, StoredNetwork network, PretrainedOptions options, EncoderMetadata metadata)
    {
        // Heads are in no shape: weights for another number would fit and be wrong.
        if (backbone is not VisionTransformerOptions { Heads: var heads } || options.Heads == heads) return;
        int stored = ((VisionTransformerOptions)Infer(network, options, metadata)).Heads;
        if (stored == heads) return;
        throw new InvalidDataException($"its vision transformer has {stored} heads, the network {heads}; if the file's has {heads} too, set "
            + $"{nameof(PretrainedOptions)}.{nameof(PretrainedOptions.Heads)}.");
    }

    public override IEnumerable<(string Name, long[] Shape)> Shapes(BackboneOptions options) => Shapes((VisionTransformerOptions)options);

    public static IEnumerable<(string Name, long[] Shape)> Shapes(VisionTransformerOptions options)
    {
        long width = options.EmbeddingDimension, hidden = options.HiddenDimension, patch = options.PatchSize, side = options.ImageSize / patch;
        yield return ("cls_token", [1, 1, width]);
        yield return ("pos_embed", [1, 1 + side * side, width]);
        yield return ("patch_embed.proj.weight", [width, 3, patch, patch]);
        yield return ("patch_embed.proj.bias", [width]);
        for (int i = 0; i < options.Depth; i++)
        {
            foreach (var (name, outputs, inputs) in new[]
            {
                ("norm1", width, 0), ("attn.qkv", 3 * width, width), ("attn.proj", width, width),
                ("norm2", width, 0), ("mlp.fc1", hidden, width), ("mlp.fc2", width, hidden),
            })
            {
                yield return ($"blocks.{i}.{name}.weight", inputs == 0 ? [outputs] : [outputs, inputs]);
                yield return ($"blocks.{i}.{name}.bias", [outputs]);
            }
        }
        yield return ("norm.weight", [width]);
        yield return ("norm.bias", [width]);
    }

    /// <summary>Equal up to half precision.</summary>
    private sealed class Near : IEqualityComparer<float>
    {
        public static Near Instance { get; } = new();

        public bool Equals(float x, float y) => Math.Abs(x - y) < 5e-3f;

        public int GetHashCode(float value) => 0;
    }
}
