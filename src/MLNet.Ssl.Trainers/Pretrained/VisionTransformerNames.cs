using System.Text.RegularExpressions;
using MLNet.Ssl.Weights;

namespace MLNet.Ssl.Pretrained;

/// <summary>
/// The names and parts that a vision transformer's weights have in the official code, in timm and in Hugging Face's
/// transformers, brought to one form: that of DINOv2's code.
/// </summary>
internal static partial class VisionTransformerNames
{
    /// <summary>What training and other libraries keep beside the weights.</summary>
    private static readonly HashSet<string> Beside = ["mask_token", "rope_embed.periods"];

    private static readonly (string Old, string New)[] OfBlocks =
    [
        ("layernorm_before.", "norm1."), ("layernorm_after.", "norm2."),
        ("attention.attention.query.", "attn.q."), ("attention.attention.key.", "attn.k."),
        ("attention.attention.value.", "attn.v."),
        ("attention.q_proj.", "attn.q."), ("attention.k_proj.", "attn.k."), ("attention.v_proj.", "attn.v."),
        ("attention.output.dense.", "attn.proj."), ("attention.o_proj.", "attn.proj."),
        ("intermediate.dense.", "mlp.fc1."), ("output.dense.", "mlp.fc2."),
        ("mlp.weights_in.", "mlp.w12."), ("mlp.weights_out.", "mlp.w3."),
        ("mlp.fc1_g.", "mlp.w1."), ("mlp.fc1_x.", "mlp.w2."),
        ("layer_scale1.lambda1", "ls1.gamma"), ("layer_scale2.lambda1", "ls2.gamma"),
    ];

    public static bool IsBeside(string name) =>
        Beside.Contains(name) || name.StartsWith("local_cls_norm.", StringComparison.Ordinal);

    /// <summary>DINOv3 has no table of positions.</summary>
    public static bool IsRotary(IReadOnlyDictionary<string, StoredTensor> tensors) =>
        !tensors.ContainsKey("pos_embed") && tensors.ContainsKey("register_tokens") && IsScaled(tensors);

    public static bool IsScaled(IReadOnlyDictionary<string, StoredTensor> tensors) =>
        tensors.ContainsKey("blocks.0.ls1.gamma") && tensors.ContainsKey("blocks.0.ls2.gamma");

    public static IReadOnlyDictionary<string, StoredTensor> Translate(IReadOnlyDictionary<string, StoredTensor> tensors)
    {
        var state = new Dictionary<string, StoredTensor>(tensors.Count);
        foreach (var (name, tensor) in tensors) state[Named(name)] = tensor;
        for (int i = 0; state.ContainsKey($"blocks.{i}.norm1.weight"); i++)
        {
            NameMlp(state, $"blocks.{i}.mlp.");
            JoinAttention(state, $"blocks.{i}.attn.");
        }
        if (IsRotary(state))
            for (int i = 0; state.ContainsKey($"blocks.{i}.norm1.weight"); i++)
                SilenceKeys(state, $"blocks.{i}.attn.qkv.");
        PlaceClassToken(state);
        return state;
    }

    private static string Named(string name)
    {
        if (name.StartsWith("embeddings.", StringComparison.Ordinal))
        {
            return name["embeddings.".Length..]
                .Replace("patch_embeddings.projection.", "patch_embed.proj.", StringComparison.Ordinal)
                .Replace("patch_embeddings.", "patch_embed.proj.", StringComparison.Ordinal)
                .Replace("position_embeddings", "pos_embed", StringComparison.Ordinal);
        }
        if (name is "storage_tokens" or "reg_token") return "register_tokens";
        if (name.StartsWith("layernorm.", StringComparison.Ordinal)) return "norm." + name["layernorm.".Length..];
        if (BlockOf().Match(name) is not { Success: true } block) return name;
        string rest = block.Groups["rest"].Value;
        foreach (var (old, own) in OfBlocks)
            if (rest.StartsWith(old, StringComparison.Ordinal)) rest = own + rest[old.Length..];
        rest = rest switch { "gamma_1" => "ls1.gamma", "gamma_2" => "ls2.gamma", _ => rest };
        return $"blocks.{block.Groups["number"].Value}.{rest}";
    }

    /// <summary>blocks.N, training's blocks.C.N, and Hugging Face's layer.N and layers.N.</summary>
    [GeneratedRegex(@"^(blocks\.(\d+\.)?|(model\.|encoder\.)?layers?\.)(?<number>\d+)\.(?<rest>\D.*)$")]
    private static partial Regex BlockOf();

    /// <summary>A gated MLP goes by four names, and its first two matrices may be one.</summary>
    private static void NameMlp(Dictionary<string, StoredTensor> state, string mlp)
    {
        bool gated = state.ContainsKey(mlp + "gate_proj.weight");
        Rename(state, mlp + "gate_proj", mlp + "w1");
        Rename(state, mlp + "up_proj", mlp + (gated ? "w2" : "fc1"));
        Rename(state, mlp + "down_proj", mlp + (gated ? "w3" : "fc2"));
        if (state.ContainsKey(mlp + "w1.weight"))
        {
            Rename(state, mlp + "fc2", mlp + "w3");
            foreach (string part in new[] { "weight", "bias" })
                Join(state, $"{mlp}w12.{part}", $"{mlp}w1.{part}", $"{mlp}w2.{part}");
        }
        if (state.TryGetValue(mlp + "fc1.weight", out var first)
            && state.TryGetValue(mlp + "fc2.weight", out var second)
            && first.Shape is [var rows, _] && second.Shape is [_, var columns] && rows == 2 * columns)
        {
            Rename(state, mlp + "fc1", mlp + "w12");
            Rename(state, mlp + "fc2", mlp + "w3");
        }
    }

    /// <summary>Queries, keys and values that stand alone become one matrix; a bias that is
    /// missing beside others is zero.</summary>
    private static void JoinAttention(Dictionary<string, StoredTensor> state, string attention)
    {
        Join(state, attention + "qkv.weight", attention + "q.weight", attention + "k.weight", attention + "v.weight");
        Join(state, attention + "qkv.bias", attention + "q.bias", attention + "k.bias", attention + "v.bias");
        Join(state, attention + "qkv.bias", attention + "q_bias", attention + "k_bias", attention + "v_bias");
    }

    /// <summary>DINOv3 masks the bias of its keys, or has no bias at all; softmax is blind to
    /// one, so here it is zero.</summary>
    private static void SilenceKeys(Dictionary<string, StoredTensor> state, string qkv)
    {
        bool masked = state.Remove(qkv + "bias_mask");
        if (!state.TryGetValue(qkv + "weight", out var weight) || weight.Shape is not [var rows, _] || rows % 3 != 0)
            return;
        if (!state.TryGetValue(qkv + "bias", out var bias))
            state[qkv + "bias"] = StoredTensor.Join([rows], (weight.Rows(0, 0), 0), (null, rows));
        else if (masked && bias.Shape is [var all] && all == rows)
        {
            long third = rows / 3;
            state[qkv + "bias"] = StoredTensor.Join([rows], (bias.Rows(0, third), third), (null, third),
                (bias.Rows(2 * third, third), third));
        }
    }

    /// <summary>timm's register networks have no position for the class token: it is in the token.</summary>
    private static void PlaceClassToken(Dictionary<string, StoredTensor> state)
    {
        if (!state.ContainsKey("register_tokens") || !state.TryGetValue("pos_embed", out var positions)) return;
        if (positions.Shape is not [1, var tokens, var width] || Math.Sqrt(tokens) % 1 != 0) return;
        state["pos_embed"] = StoredTensor.Join([1, 1 + tokens, width], (null, width), (positions, tokens * width));
    }

    private static void Rename(Dictionary<string, StoredTensor> state, string old, string name)
    {
        foreach (string part in new[] { ".weight", ".bias" })
            if (state.Remove(old + part, out var tensor)) state[name + part] = tensor;
    }

    /// <summary>Puts tensors of equal shape one above the other, zeros in place of one that is missing.</summary>
    private static void Join(Dictionary<string, StoredTensor> state, string name, params string[] parts)
    {
        if (parts.Select(part => state.GetValueOrDefault(part))
            .FirstOrDefault(tensor => tensor is not null) is not { Shape.Count: > 0 } first) return;
        var tensors = parts.Select(part => state.GetValueOrDefault(part)).ToArray();
        // What does not fit stays under its own name and is refused by it.
        if (tensors.Any(tensor => tensor is { } t && (!t.Shape.SequenceEqual(first.Shape) || t.IsExpanded))) return;
        if (first.Shape.Count > 1 && tensors.Contains(null)) return;
        foreach (string part in parts) state.Remove(part);
        state[name] = StoredTensor.Join([parts.Length * first.Shape[0], .. first.Shape.Skip(1)],
            [.. tensors.Select(t => (t, first.Count))]);
    }
}
