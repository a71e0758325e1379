using static TorchSharp.torch;
using static TorchSharp.torch.nn;

namespace MLNet.Ssl.Tests;

public class TabularMlpTests
{
    private static readonly TabularMlpOptions Small = new() { InputGroups = [3, 1, 2], InputWidth = 4, HiddenWidths = [8, 6], OutputWidth = 12, MaxoutGroup = 4 };

    private static Backbone Create(TabularMlpOptions options)
    {
        using var generator = new Generator(1, CPU);
        return options.Create(generator);
    }

    [Fact]
    public void ForwardIsTheFormulaOfThePaper()
    {
        using var scope = NewDisposeScope();
        using var network = Create(Small);
        network.eval();
        var state = network.state_dict();
        var x = rand(5, 6);
        Tensor Linear(Tensor input, string name) => functional.linear(input, state[$"{name}.weight"], state[$"{name}.bias"]);
        var h = cat([Linear(x.narrow(1, 0, 3), "input.0"), Linear(x.narrow(1, 3, 1), "input.1"), Linear(x.narrow(1, 4, 2), "input.2")], 1);
        // Fresh batch norms in evaluation mode divide by √(1 + 1e-5).
        for (int i = 0; i < 2; i++) h = Linear(h, $"hidden.{i}.linear").div(Math.Sqrt(1 + 1e-5)).clamp_min(0);
        h = Linear(h, "output");
        var expected = stack([h.narrow(1, 0, 4).amax([1]), h.narrow(1, 4, 4).amax([1]), h.narrow(1, 8, 4).amax([1])], 1);
        Assert.True(network.call(x).allclose(expected, 1e-5, 1e-6), "the features differ from the formula");
    }

    [Fact]
    public void ThePublishedNetworksHaveThePublishedWidths()
    {
        Assert.Equal((2048, 2048), (TabularMlpOptions.CovType.EmbeddingDimension, TabularMlpOptions.Higgs.EmbeddingDimension));
        using var covType = Create(TabularMlpOptions.CovType with { HiddenWidths = [16], OutputWidth = 8 });
        Assert.Equal(["input.0.weight", "input.0.bias", "input.1.weight"], covType.named_parameters().Take(3).Select(p => p.name));
        Assert.Equal([192L, 64], new[] { covType.get_parameter("hidden.0.linear.weight")!.size(1), covType.get_parameter("input.2.weight")!.size(0) });
        using var higgs = Create(TabularMlpOptions.Higgs with { HiddenWidths = [16], OutputWidth = 8 });
        Assert.Contains("input_bn.running_mean", higgs.state_dict().Keys);
    }

    [Fact]
    public void EveryParameterGetsAGradient()
    {
        using var scope = NewDisposeScope();
        using var network = Create(Small with { InputGroups = [6] });
        network.call(rand(16, 6)).pow(2).sum().backward();
        Assert.All(network.named_parameters(), p => Assert.True(p.parameter.grad is { } g && g.isfinite().all().item<bool>(), p.name));
    }

    [Fact]
    public void WidthsThatDoNotFitAreRefusedByName()
    {
        Assert.Contains("OutputWidth is 10", Assert.Throws<ArgumentException>(() => Create(Small with { OutputWidth = 10 })).Message);
        Assert.Contains("InputGroups is []", Assert.Throws<ArgumentException>(() => Create(Small with { InputGroups = null })).Message);
        Assert.Contains("HiddenWidths is [0]", Assert.Throws<ArgumentException>(() => Create(Small with { HiddenWidths = [0] })).Message);
        Assert.Contains("6 slots in all; rows have 7", Assert.Throws<ArgumentException>(() => Small.ValidateColumns(7)).Message);
        using var network = Create(Small);
        using var scope = NewDisposeScope();
        Assert.Contains("expected (B,6)", Assert.Throws<ArgumentException>(() => network.call(rand(2, 5))).Message);
    }
}
