using static TorchSharp.torch;

namespace MLNet.Ssl.Tests;

/// <summary>The encoder of the golden MoCo files: one linear layer over the flattened image.</summary>
internal sealed class LinearEncoder : Backbone
{
    private readonly Linear lin;

    public LinearEncoder(int inputs, int outputs, Generator generator)
        : base(nameof(LinearEncoder), outputs)
    {
        lin = new Linear(inputs, outputs, generator);
        RegisterComponents();
    }

    public override Tensor forward(Tensor input) => lin.call(input.flatten(1));
}

/// <summary>A head that does nothing.</summary>
internal sealed class NoHead : nn.Module<Tensor, Tensor>
{
    public NoHead()
        : base(nameof(NoHead)) { }

    public override Tensor forward(Tensor input) => input.alias();
}

/// <summary>Networks and MoCo v3 over them, filled by the golden rule under the official names.</summary>
internal sealed class GoldenMoCoV3 : IDisposable
{
    private readonly Generator _generator = new(1, CPU);

    public GoldenMoCoV3(GoldenFile golden, MixingOptions? mixing = null)
    {
        var p = golden.Params;
        var shapes = p.GetProperty("state_dict").EnumerateArray()
            .ToDictionary(e => e.GetProperty("name").GetString()!, e => (
                Kind: e.GetProperty("kind").GetString()!,
                Shape: e.GetProperty("shape").EnumerateArray().Select(v => v.GetInt32()).ToArray()));
        var (weight, predictor) = (shapes["base_encoder.lin.weight"].Shape, shapes["predictor.0.weight"].Shape);
        var options = new MoCoV3Options
        {
            Temperature = p.GetProperty("T").GetDouble(),
            KeyMomentum = p.GetProperty("momentum").GetDouble(),
            ImageSize = 8,
            View1 = ViewRecipes.MoCoV3View1(),
            View2 = ViewRecipes.MoCoV3View2(),
            Mixing = mixing,
        };
        var head = new MlpHeadOptions(weight[0])
        {
            HiddenDimension = predictor[0],
            OutputDimension = weight[0],
            BatchNorm = true,
            HiddenBias = false,
            OutputBias = false,
            OutputNorm = HeadOutputNorm.Plain,
        };
        // The networks are given, so that what they would be built from is not looked at.
        var settings = new MoCoV3Settings(
            new ResNetOptions(), head, head, OptimizerKind.AdamW, options.KeyMomentum.Value, options.Temperature.Value);
        Method = new(options, settings,
            new EncoderWithHead(new LinearEncoder(weight[1], weight[0], _generator), new NoHead(),
                new MlpHead(head, _generator)),
            new EncoderWithHead(new LinearEncoder(weight[1], weight[0], _generator), new NoHead()));
        using var _ = no_grad();
        using var scope = NewDisposeScope();
        var online = Method.Pair.Online.state_dict();
        Assert.Equal(shapes.Keys.Where(IsPredictor).Order(), online.Keys.Where(IsPredictor).Order());
        foreach (var (name, (kind, shape)) in shapes)
        {
            var target = name.StartsWith("momentum_encoder", StringComparison.Ordinal)
                ? Method.Pair.Target.state_dict()[Own(name)] : online[Own(name)];
            target.copy_(tensor(GoldenRules.Sine(name, kind, target.numel()), [.. shape.Select(v => (long)v)]));
        }
    }

    private static bool IsPredictor(string name) => name.StartsWith("predictor", StringComparison.Ordinal);

    public MoCoV3 Method { get; }

    /// <summary>The name in this library's networks.</summary>
    public static string Own(string name) =>
        name.Replace("base_encoder", "backbone").Replace("momentum_encoder", "backbone");

    /// <summary>Gradient of the loss by official parameter name.</summary>
    public Func<string, Tensor> Gradients(Tensor loss)
    {
        var gradients = new GradientBuffer(Method.Parameters);
        gradients.Backward(loss);
        var slots = gradients.Groups.SelectMany(g => g.Slots).ToList();
        return name => gradients.Views[slots.FindIndex(s => s.Name == Own(name))];
    }

    public void Dispose()
    {
        Method.Dispose();
        _generator.Dispose();
    }
}
