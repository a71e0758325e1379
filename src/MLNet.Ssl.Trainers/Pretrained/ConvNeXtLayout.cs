using MLNet.Ssl.Inference;
using MLNet.Ssl.Weights;

namespace MLNet.Ssl.Pretrained;

/// <summary>Names and shapes of a ConvNeXt's state dict: the official code's, with which timm's and
/// Hugging Face's are replaced.</summary>
internal sealed class ConvNeXtLayout : NetworkLayout
{
    private static readonly (string Old, string Own)[] OfBlocks =
    [
        ("depthwise_conv", "dwconv"), ("layer_norm", "norm"), ("pointwise_conv1", "pwconv1"),
        ("pointwise_conv2", "pwconv2"),
        ("conv_dw", "dwconv"), ("mlp.fc1", "pwconv1"), ("mlp.fc2", "pwconv2"),
    ];

    public override IReadOnlyList<string> Anchors { get; } =
        ["stages.0.0.dwconv.weight", "model.stages.0.layers.0.depthwise_conv.weight",
            "stages.0.layers.0.depthwise_conv.weight", "stages.0.blocks.0.conv_dw.weight"];

    public override IReadOnlyDictionary<string, StoredTensor> Translate(
        IReadOnlyDictionary<string, StoredTensor> tensors)
    {
        var state = tensors.ToDictionary(entry => Named(entry.Key), entry => entry.Value);
        // The official code has its last norm under two names.
        foreach (string name in state.Keys.Where(name => name.StartsWith("norms.", StringComparison.Ordinal)).ToList())
        {
            state.Remove(name, out var tensor);
            state.TryAdd("norm." + name.Split('.')[^1], tensor!);
        }
        return state;
    }

    private static string Named(string name) => name.Split('.') switch
    {
        ["model", .. var rest] => Named(string.Join('.', rest)),
        ["stem", .. var rest] => $"downsample_layers.0.{string.Join('.', rest)}",
        ["stages", var stage, "downsample" or "downsample_layers", .. var rest] =>
            $"downsample_layers.{stage}.{string.Join('.', rest)}",
        ["stages", var stage, "layers" or "blocks", var block, .. var rest] =>
            $"stages.{stage}.{block}.{InBlock(string.Join('.', rest))}",
        ["layer_norm", var part] => $"norm.{part}",
        ["head", "norm", var part] => $"norm.{part}",
        _ => name,
    };

    private static string InBlock(string name)
    {
        foreach (var (old, own) in OfBlocks)
            if (name.StartsWith(old + ".", StringComparison.Ordinal)) return own + name[old.Length..];
        return name;
    }

    public override BackboneOptions Infer(StoredNetwork network, PretrainedOptions options, EncoderMetadata metadata)
    {
        var (depths, widths) = (new List<int>(), new List<int>());
        for (int stage = 0; Has(stage, 0); stage++)
        {
            widths.Add((int)network.Shape($"stages.{stage}.0.dwconv.weight", 4)[0]);
            int count = 1;
            while (Has(stage, count)) count++;
            depths.Add(count);
        }
        return new ConvNeXtOptions { Depths = [.. depths], Widths = [.. widths] };

        bool Has(int stage, int block) => network.Tensors.ContainsKey($"stages.{stage}.{block}.dwconv.weight");
    }

    public override IEnumerable<(string Name, long[] Shape)> Shapes(BackboneOptions options)
    {
        var network = (ConvNeXtOptions)options;
        var (depths, widths) = (network.Depths, network.Widths);
        var state = new List<(string, long[])>();
        for (int stage = 0; stage < depths.Length; stage++)
        {
            long width = widths[stage], inputs = stage == 0 ? 3 : widths[stage - 1], side = stage == 0 ? 4 : 2;
            Add($"downsample_layers.{stage}.{(stage == 0 ? 0 : 1)}", width, inputs, side, side);
            Add($"downsample_layers.{stage}.{(stage == 0 ? 1 : 0)}", stage == 0 ? width : inputs);
            for (int i = 0; i < depths[stage]; i++)
            {
                string block = $"stages.{stage}.{i}.";
                Add(block + "dwconv", width, 1, 7, 7);
                Add(block + "norm", width);
                Add(block + "pwconv1", 4 * width, width);
                Add(block + "pwconv2", width, 4 * width);
                state.Add((block + "gamma", [width]));
            }
        }
        Add("norm", widths[^1]);
        return state;

        void Add(string layer, params long[] shape)
        {
            state.Add((layer + ".weight", shape));
            state.Add((layer + ".bias", [shape[0]]));
        }
    }
}
