using System.Text.RegularExpressions;
using static TorchSharp.torch;

namespace MLNet.Ssl.Tests;

[Trait("Category", "Golden")]
public class ResNetGoldenTests
{
    public static TheoryData<string, string, string> Cases
    {
        get
        {
            var data = new TheoryData<string, string, string>();
            foreach (string file in new[] { "resnet18_forward", "resnet50_forward" })
                foreach (var (fill, mode) in Golden.Load(file).ExpectedNames.Select(n => n.Split('.'))
                    .Select(n => (n[0], n[1])).Distinct())
                    data.Add(file, fill, mode);
            return data;
        }
    }

    [Theory]
    [MemberData(nameof(Cases))]
    public void FeaturesStatisticsAndGradientsAreTorchvisions(string fileName, string fill, string mode)
    {
        var file = Golden.Load(fileName);
        using var scope = NewDisposeScope();
        using var network = new ResNet(Options(file.Params.GetProperty("arch").GetString()!), new Generator(1));
        Assert.Equal(file.Params.GetProperty("feature_dim").GetInt32(), network.EmbeddingDimension);
        GoldenTensors.Fill(network, file.Params.GetProperty("state_dict"), fill);
        network.train(mode == "train");
        string prefix = $"{fill}.{mode}.";
        var names = file.ExpectedNames.Where(n => n.StartsWith(prefix)).ToList();
        bool gradients = names.Any(n => n.Contains(".grad"));

        using var _ = set_grad_enabled(gradients);
        var features = network.call(file.Input("x").ToTensor());
        if (gradients)
        {
            var weights = file.Input("grad_weights").ToTensor();
            (features.narrow(1, 0, weights.shape[1]) * weights).sum().backward();
        }

        var state = network.state_dict();
        foreach (string name in names)
        {
            var expected = file.Expected(name);
            var actual = name[prefix.Length..] switch
            {
                "features" => features.narrow(1, 0, expected.Shape[1]),
                var n when n.StartsWith("after.") => Cut(state[n["after.".Length..]], expected),
                var n when n.StartsWith("grad.") => Gradient(network, n["grad.".Length..], expected),
                var n when n.StartsWith("grad_l2.") => Gradient(network, n["grad_l2.".Length..], null).norm(),
                var n => throw new NotSupportedException(n),
            };
            GoldenTensors.Close(name, expected, actual,
                file.Params.GetProperty("relative_tolerance").GetProperty(name).GetDouble(), relative: true);
        }
    }

    private static ResNetOptions Options(string architecture) => architecture switch
    {
        "resnet18" => ResNetOptions.ResNet18(),
        "resnet34" => ResNetOptions.ResNet34(),
        "resnet50" => ResNetOptions.ResNet50(),
        "resnet101" => ResNetOptions.ResNet101(),
        "resnet152" => ResNetOptions.ResNet152(),
        _ => throw new NotSupportedException(architecture),
    };

    private static Tensor Gradient(nn.Module network, string name, GoldenArray? expected)
    {
        var rows = Regex.Match(name, @"^(.+)\[(\d+):(\d+)\]$");
        if (rows.Success) name = rows.Groups[1].Value;
        var gradient = network.named_parameters().Single(p => p.name == name).parameter.grad!;
        if (rows.Success) return gradient.narrow(0, long.Parse(rows.Groups[2].Value),
            long.Parse(rows.Groups[3].Value) - long.Parse(rows.Groups[2].Value));
        return expected is null ? gradient : Cut(gradient, expected);
    }

    private static Tensor Cut(Tensor t, GoldenArray expected) => t.ndim == 1 ? t.narrow(0, 0, expected.Shape[0]) : t;
}
