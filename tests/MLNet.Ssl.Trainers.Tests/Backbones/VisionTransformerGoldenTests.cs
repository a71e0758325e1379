using System.Text.RegularExpressions;
using static TorchSharp.torch;

namespace MLNet.Ssl.Tests;

[Trait("Category", "Golden")]
public class VisionTransformerGoldenTests
{
    private static readonly GoldenFile File = Golden.Load("vit_forward");

    public static TheoryData<string> Sizes
    {
        get
        {
            var data = new TheoryData<string>();
            foreach (var size in File.Params.GetProperty("sizes_h_w").EnumerateArray())
                data.Add($"{size[0].GetInt64()}x{size[1].GetInt64()}");
            return data;
        }
    }

    private static VisionTransformer Filled()
    {
        var p = File.Params;
        var network = new VisionTransformer(new VisionTransformerOptions
        {
            ImageSize = p.GetProperty("img_size").GetInt32(),
            PatchSize = p.GetProperty("patch_size").GetInt32(),
            EmbeddingDimension = p.GetProperty("embed_dim").GetInt32(),
            Depth = p.GetProperty("depth").GetInt32(),
            Heads = p.GetProperty("num_heads").GetInt32(),
            MlpRatio = p.GetProperty("mlp_ratio").GetDouble(),
        }, new Generator(1));
        GoldenTensors.Fill(network, p.GetProperty("state_dict"));
        network.eval();
        return network;
    }

    [Theory]
    [MemberData(nameof(Sizes))]
    public void OutputsAndGradientsAreTheOfficialOnes(string size)
    {
        using var scope = NewDisposeScope();
        using var network = Filled();
        var names = File.ExpectedNames.Where(n => n.EndsWith("_" + size) || n.StartsWith($"grad_{size}.")).ToList();
        Assert.Contains("cls_" + size, names);
        var x = File.Input("x_" + size).ToTensor();
        if (names.Any(n => n.StartsWith("grad_")))
        {
            x.requires_grad = true;
            (network.call(x) * File.Input("grad_weights").ToTensor()).sum().backward();
        }
        foreach (string name in names)
            GoldenTensors.Close(name, File.Expected(name), Actual(network, x, name, size), name.StartsWith("grad_")
                ? 5e-5 : 1e-5);
    }

    private static Tensor Actual(VisionTransformer network, Tensor x, string name, string size)
    {
        if (name == "cls_" + size) return network.call(x);
        if (name == "last_selfattention_" + size) return network.LastSelfAttention(x);
        if (name == "pos_embed_" + size) return network.Positions(x.shape[2], x.shape[3]);
        if (Regex.Match(name, @"^intermediate_n(\d+)_(\d+)_") is { Success: true } layer)
            return network.IntermediateLayers(x, int.Parse(layer.Groups[1].Value))[int.Parse(layer.Groups[2].Value)];
        string of = name[$"grad_{size}.".Length..];
        if (Regex.Match(of, @"^x_sample(\d+)_channel(\d+)$") is { Success: true } input)
            return x.grad!.select(0, long.Parse(input.Groups[1].Value)).select(0, long.Parse(input.Groups[2].Value));
        if (Regex.Match(of, @"^(.+)_rows(\d+)_(\d+)$") is { Success: true } rows)
        {
            long first = long.Parse(rows.Groups[2].Value), last = long.Parse(rows.Groups[3].Value);
            return Gradient(network, rows.Groups[1].Value).narrow(0, first, last - first + 1);
        }
        return Gradient(network, of);
    }

    private static Tensor Gradient(nn.Module network, string name) =>
        network.named_parameters().Single(p => p.name == name).parameter.grad!;
}
