using System.Runtime.InteropServices;
using MLNet.Ssl.Inference;
using MLNet.Ssl.Networks;
using MLNet.Ssl.Weights;
using static TorchSharp.torch;

namespace MLNet.Ssl.Pretrained;

/// <summary>Names and shapes of a vision transformer's state dict, which DINO, MoCo v3, DeiT and timm share.</summary>
internal sealed class VisionTransformerLayout : NetworkLayout
{
    public override IReadOnlyList<string> Anchors { get; } =
    [
        "patch_embed.proj.weight",
        // Hugging Face's, of DINO and DINOv2, and of DINOv3.
        "embeddings.patch_embeddings.projection.weight",
        "embeddings.patch_embeddings.weight",
    ];

    public override IReadOnlyDictionary<string, StoredTensor> Translate(
        IReadOnlyDictionary<string, StoredTensor> tensors) =>
        VisionTransformerNames.Translate(tensors);

    /// <summary>The architecture that names and shapes tell.</summary>
    /// <remarks>The number of heads is in no shape but DINOv3's periods.</remarks>
    public override BackboneOptions Infer(StoredNetwork network, PretrainedOptions options, EncoderMetadata metadata)
    {
        var projection = network.Shape("patch_embed.proj.weight", 4);
        int width = (int)projection[0], patch = (int)projection[3], depth = 0, side = 0;
        while (network.Tensors.ContainsKey($"blocks.{depth}.norm1.weight")) depth++;
        bool rotary = VisionTransformerNames.IsRotary(network.Tensors),
            scaled = VisionTransformerNames.IsScaled(network.Tensors);
        bool gated = network.Tensors.ContainsKey("blocks.0.mlp.w3.weight");
        long hidden = gated ? network.Shape("blocks.0.mlp.w3.weight", 2)[1]
            : network.Shape("blocks.0.mlp.fc1.weight", 2)[0];
        if (!rotary)
        {
            var positions = network.Shape("pos_embed", 3);
            long tokens = positions[1] - 1;
            side = (int)Math.Sqrt(tokens);
            if (tokens < 1 || (long)side * side != tokens)
                throw new InvalidDataException($"tensor 'pos_embed' is ({StoredTensor.Text(positions)}); expected a "
                    + "class token and a square of patches.");
        }
        bool isMoCoV3 = !rotary
            && (network.Has("base_encoder") || network.Has("momentum_encoder")
                || HasFixedPositions(network, side, width));
        int registers = network.Tensors.ContainsKey("register_tokens") ? (int)network.Shape("register_tokens", 3)[1]
            : 0;
        var (offset, antialias) = PositionRule(network, scaled, registers);
        double ratio = (double)hidden / width;
        return new VisionTransformerOptions
        {
            EmbeddingDimension = width,
            PatchSize = patch,
            // A table's size; without one the size that images usually have.
            ImageSize = checked(rotary ? Math.Max(1, 224 / patch) * patch : side * patch),
            Depth = depth,
            // The quotient may round down; a width times its ratio is cut to a whole number.
            MlpRatio = (int)(width * ratio) == hidden ? ratio : Math.BitIncrement(ratio),
            Heads = options.Heads ?? metadata.Heads ?? HeadsOfPeriods(network, width)
                ?? UsualHeads(width, isMoCoV3, scaled),
            Flavor = isMoCoV3 ? VisionTransformerFlavor.MoCoV3 : VisionTransformerFlavor.Dino,
            Registers = registers,
            LayerScale = scaled ? 1e-5 : null,
            SwiGlu = gated,
            NormEpsilon = rotary ? 1e-5 : 1e-6,
            RotaryPositions = rotary,
            PositionOffset = offset,
            PositionAntialias = antialias,
        };
    }

    /// <summary>Every library resamples the table of positions in its own way.</summary>
    private static (double Offset, bool Antialias) PositionRule(StoredNetwork network, bool scaled, int registers)
    {
        if (network.Had("embeddings.cls_token")) return (0, registers > 0);
        if (registers > 0) return (0, true);
        // timm's DINOv2 has no mask token, the official one has.
        return scaled && !network.Tensors.ContainsKey("mask_token") ? (0, true) : (0.1, false);
    }

    /// <summary>DINOv3's code stores a period for every fourth channel of a head.</summary>
    private static int? HeadsOfPeriods(StoredNetwork network, int width)
    {
        if (!network.Tensors.ContainsKey("rope_embed.periods")) return null;
        long head = 4 * network.Shape("rope_embed.periods", 1)[0];
        return width % head == 0 ? (int)(width / head) : null;
    }

    private static int UsualHeads(long width, bool isMoCoV3, bool scaled) => (width, isMoCoV3) switch
    {
        (384, true) => 12,
        (1280, _) when !scaled => 16,
        _ when width % 64 == 0 => (int)(width / 64),
        _ => throw new InvalidDataException(
            $"the number of heads cannot be told from a width of {width}; set "
            + $"{nameof(PretrainedOptions)}.{nameof(PretrainedOptions.Heads)}."),
    };

    /// <summary>MoCo v3's positions are a formula, which tells a file of it under any names.</summary>
    private static bool HasFixedPositions(StoredNetwork network, int side, int width)
    {
        var stored = network.Tensors["pos_embed"];
        if (width % 4 != 0 || stored.Shape[2] != width || !is_floating_point(stored.Type)) return false;
        using var scope = NewDisposeScope();
        var positions = stored.Read().to(float32).contiguous();
        return MemoryMarshal.Cast<byte, float>(positions.bytes)
            .SequenceEqual(SinCosPositions.Table(side, side, width), Near.Instance);
    }

    public override void CheckUntold(BackboneOptions backbone, StoredNetwork network, PretrainedOptions options,
        EncoderMetadata metadata)
    {
        // Heads are in no shape: weights for another number would fit and be wrong.
        if (backbone is not VisionTransformerOptions { Heads: var heads } || options.Heads == heads) return;
        int stored = ((VisionTransformerOptions)Infer(network, options, metadata)).Heads;
        if (stored == heads) return;
        throw new InvalidDataException(
            $"its vision transformer has {stored} heads, the network {heads}; if the file's has {heads} too, set "
            + $"{nameof(PretrainedOptions)}.{nameof(PretrainedOptions.Heads)}.");
    }

    public override IEnumerable<(string Name, long[] Shape)> Shapes(BackboneOptions options) =>
        Shapes((VisionTransformerOptions)options);

    public static IEnumerable<(string Name, long[] Shape)> Shapes(VisionTransformerOptions options)
    {
        long width = options.EmbeddingDimension, hidden = options.HiddenDimension, patch = options.PatchSize,
            side = options.ImageSize / patch;
        yield return ("cls_token", [1, 1, width]);
        if (!options.RotaryPositions) yield return ("pos_embed", [1, 1 + side * side, width]);
        if (options.Registers > 0) yield return ("register_tokens", [1, options.Registers, width]);
        yield return ("patch_embed.proj.weight", [width, 3, patch, patch]);
        yield return ("patch_embed.proj.bias", [width]);
        (string Name, long Outputs, long Inputs)[] mlp = options.SwiGlu
            ? [("mlp.w12", 2 * hidden, width), ("mlp.w3", width, hidden)]
            : [("mlp.fc1", hidden, width), ("mlp.fc2", width, hidden)];
        (string Name, long Outputs, long Inputs)[] layers =
            [("norm1", width, 0), ("attn.qkv", 3 * width, width), ("attn.proj", width, width), ("norm2", width, 0),
                .. mlp];
        for (int i = 0; i < options.Depth; i++)
        {
            foreach (var (name, outputs, inputs) in layers)
            {
                yield return ($"blocks.{i}.{name}.weight", inputs == 0 ? [outputs] : [outputs, inputs]);
                yield return ($"blocks.{i}.{name}.bias", [outputs]);
            }
            if (options.LayerScale is null) continue;
            yield return ($"blocks.{i}.ls1.gamma", [width]);
            yield return ($"blocks.{i}.ls2.gamma", [width]);
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
