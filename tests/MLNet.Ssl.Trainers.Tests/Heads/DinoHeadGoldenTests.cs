using static TorchSharp.torch;

namespace MLNet.Ssl.Tests;

[Trait("Category", "Golden")]
public class DinoHeadGoldenTests
{
    private static readonly GoldenFile File = Golden.Load("dino_head");

    public static TheoryData<string> Variants
    {
        get
        {
            var data = new TheoryData<string>();
            foreach (var variant in File.Params.GetProperty("variants").EnumerateObject()) data.Add(variant.Name);
            return data;
        }
    }

    [Theory]
    [MemberData(nameof(Variants))]
    public void OutputsAndGradientsAreTheOfficialOnes(string name)
    {
        using var scope = NewDisposeScope();
        var p = File.Params;
        var variant = p.GetProperty("variants").GetProperty(name);
        var arguments = variant.GetProperty("kwargs");
        using var head = new DinoHead(new DinoHeadOptions(p.GetProperty("in_dim").GetInt32())
        {
            OutputDimension = p.GetProperty("out_dim").GetInt32(),
            HiddenDimension = p.GetProperty("hidden_dim").GetInt32(),
            BottleneckDimension = p.GetProperty("bottleneck_dim").GetInt32(),
            Layers = arguments.TryGetProperty("nlayers", out var layers) ? layers.GetInt32() : 3,
            BatchNorm = arguments.TryGetProperty("use_bn", out var bn) && bn.GetBoolean(),
            NormLastLayer = !arguments.TryGetProperty("norm_last_layer", out var norm) || norm.GetBoolean(),
        }, new Generator(1));
        GoldenTensors.Fill(head, variant.GetProperty("state_dict"));
        head.train(name.EndsWith("_train"));
        Assert.Equal(variant.GetProperty("requires_grad").EnumerateArray().Select(v => v.GetString()!).Order(),
            head.named_parameters().Where(q => q.parameter.requires_grad).Select(q => q.name).Order());

        var x = File.Input("x").ToTensor();
        x.requires_grad = true;
        var output = head.call(x);
        (output * File.Input("grad_weights").ToTensor()).sum().backward();
        var state = head.state_dict();
        foreach (string expected in File.ExpectedNames.Where(n => n.StartsWith(name + ".")))
        {
            var actual = expected[(name.Length + 1)..] switch
            {
                "output" => output,
                "bottleneck_l2" => head.Bottleneck(x),
                "grad.x" => x.grad!,
                var n when n.StartsWith("grad.") => head.get_parameter(n["grad.".Length..])!.grad!,
                var n when n.StartsWith("after.") => state[n["after.".Length..]],
                var n => throw new NotSupportedException(n),
            };
            GoldenTensors.Close(expected, File.Expected(expected), actual, 2e-5);
        }
    }
}
