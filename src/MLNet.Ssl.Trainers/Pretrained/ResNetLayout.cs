using MLNet.Ssl.Inference;
using MLNet.Ssl.Weights;

namespace MLNet.Ssl.Pretrained;

/// <summary>Names and shapes of a ResNet's state dict, which torchvision, DINO, MoCo and timm share; those of Hugging
/// Face are brought to them.</summary>
internal sealed class ResNetLayout : NetworkLayout
{
    private const string Convolution = "convolution";

    // The second is an nn.Sequential of torchvision's parts, as lightly trains it; the third Hugging Face's.
    public override IReadOnlyList<string> Anchors { get; } =
        ["layer1.0.conv1.weight", "4.0.conv1.weight", "encoder.stages.0.layers.0.layer.0.convolution.weight"];

    public override IReadOnlyDictionary<string, StoredTensor> Translate(
        IReadOnlyDictionary<string, StoredTensor> tensors) =>
        tensors.ContainsKey(Anchors[0]) ? tensors
            : tensors.ToDictionary(entry => Named(entry.Key), entry => entry.Value);

    private static string Named(string name) => name.Split('.') switch
    {
        ["0", .. var rest] => $"conv1.{string.Join('.', rest)}",
        ["1", .. var rest] => $"bn1.{string.Join('.', rest)}",
        [['4' or '5' or '6' or '7'] stage, .. var rest] => $"layer{stage[0] - '3'}.{string.Join('.', rest)}",
        ["embedder", "embedder", var part, var leaf] => $"{(part == Convolution ? "conv1" : "bn1")}.{leaf}",
        ["encoder", "stages", [>= '0' and <= '8'] stage, "layers", var block, "shortcut", var part, var leaf] =>
            $"layer{stage[0] - '0' + 1}.{block}.downsample.{(part == Convolution ? 0 : 1)}.{leaf}",
        ["encoder", "stages", [>= '0' and <= '8'] stage, "layers", var block, "layer", [>= '0' and <= '8'] layer,
            var part, var leaf] =>
            $"layer{stage[0] - '0' + 1}.{block}.{(part == Convolution ? "conv" : "bn")}{layer[0] - '0' + 1}.{leaf}",
        _ => name,
    };

    /// <summary>The architecture that the shapes tell.</summary>
    /// <remarks>The stride of a 3×3 stem is in no shape.</remarks>
    public override BackboneOptions Infer(StoredNetwork network, PretrainedOptions options, EncoderMetadata metadata)
    {
        var stem = network.Shape("conv1.weight", 4);
        var blocks = new List<int>();
        while (Has(blocks.Count, 0))
        {
            int count = 1;
            while (Has(blocks.Count, count)) count++;
            blocks.Add(count);
        }
        return new ResNetOptions
        {
            Width = (int)stem[0],
            Stem = options.Stem ?? metadata.Stem ?? (stem[3] == 3 ? ResNetStem.Small : ResNetStem.ImageNet),
            Block = network.Tensors.ContainsKey("layer1.0.conv3.weight") ? ResNetBlock.Bottleneck : ResNetBlock.Basic,
            BlocksPerStage = [.. blocks],
        };

        bool Has(int stage, int block) => network.Tensors.ContainsKey($"layer{stage + 1}.{block}.conv1.weight");
    }

    public override IEnumerable<(string Name, long[] Shape)> Shapes(BackboneOptions options) =>
        Shapes((ResNetOptions)options);

    public static IEnumerable<(string Name, long[] Shape)> Shapes(ResNetOptions options)
    {
        long side = options.Stem == ResNetStem.ImageNet ? 7 : 3, channels = options.Width;
        var state = new List<(string, long[])>();
        Add("conv1", "bn1", channels, 3, side);
        for (int stage = 0; stage < options.BlocksPerStage.Length; stage++)
        {
            long width = (long)options.Width << stage, outputs = width * options.Expansion;
            for (int i = 0; i < options.BlocksPerStage[stage]; i++, channels = outputs)
            {
                string block = $"layer{stage + 1}.{i}.";
                bool isBasic = options.Block == ResNetBlock.Basic;
                Add(block + "conv1", block + "bn1", width, channels, isBasic ? 3 : 1);
                Add(block + "conv2", block + "bn2", width, width, 3);
                if (!isBasic) Add(block + "conv3", block + "bn3", outputs, width, 1);
                if (i == 0 && (stage > 0 || channels != outputs))
                    Add(block + "downsample.0", block + "downsample.1", outputs, channels, 1);
            }
        }
        return state;

        void Add(string convolution, string norm, long outputs, long inputs, long kernel)
        {
            state.Add(($"{convolution}.weight", [outputs, inputs, kernel, kernel]));
            foreach (string name in new[] { "weight", "bias", "running_mean", "running_var" })
                state.Add(($"{norm}.{name}", [outputs]));
            state.Add(($"{norm}.{StateDictMatch.Counter}", []));
        }
    }
}
