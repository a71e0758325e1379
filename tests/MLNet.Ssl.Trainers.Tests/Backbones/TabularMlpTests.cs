using TorchSharp;
using static TorchSharp.torch;
using static TorchSharp.torch.nn;

namespace MLNet.Ssl.Tests;

public class TabularMlpTests
{
    private static readonly TabularMlpOptions Small =
        new() { InputGroups = [3, 1, 2], InputWidth = 4, HiddenWidths = [8, 6], OutputWidth = 12, MaxoutGroup = 4 };

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
        Tensor Linear(Tensor input, string name) =>
            functional.linear(input, state[$"{name}.weight"], state[$"{name}.bias"]);
        var h = cat([Linear(x.narrow(1, 0, 3), "input.0"), Linear(x.narrow(1, 3, 1), "input.1"),
            Linear(x.narrow(1, 4, 2), "input.2")], 1);
        // Fresh batch norms in evaluation mode divide by √(1 + 1e-5).
        for (int i = 0; i < 2; i++) h = Linear(h, $"hidden.{i}.linear").div(Math.Sqrt(1 + 1e-5)).clamp_min(0);
        h = Linear(h, "output");
        var expected =
            stack([h.narrow(1, 0, 4).amax([1]), h.narrow(1, 4, 4).amax([1]), h.narrow(1, 8, 4).amax([1])], 1);
        Assert.True(network.call(x).allclose(expected, 1e-5, 1e-6), "the features differ from the formula");
    }

    [Fact]
    public void ThePublishedNetworksHaveThePublishedWidths()
    {
        Assert.Equal((2048, 2048),
            (TabularMlpOptions.CovType.EmbeddingDimension, TabularMlpOptions.Higgs.EmbeddingDimension));
        using var covType = Create(TabularMlpOptions.CovType with { HiddenWidths = [16], OutputWidth = 8 });
        Assert.Equal(["input.0.weight", "input.0.bias", "input.1.weight"],
            covType.named_parameters().Take(3).Select(p => p.name));
        Assert.Equal([192L, 64], new[] { covType.get_parameter("hidden.0.linear.weight")!.size(1),
            covType.get_parameter("input.2.weight")!.size(0) });
        using var higgs = Create(TabularMlpOptions.Higgs with { HiddenWidths = [16], OutputWidth = 8 });
        Assert.Contains("input_bn.running_mean", higgs.state_dict().Keys);
    }

    [Fact]
    public void EveryParameterGetsAGradient()
    {
        using var scope = NewDisposeScope();
        using var network = Create(Small with { InputGroups = [6] });
        network.call(rand(16, 6)).pow(2).sum().backward();
        Assert.All(network.named_parameters(), p =>
            Assert.True(p.parameter.grad is { } g && g.isfinite().all().item<bool>(), p.name));
    }

    [Fact]
    public void WidthsThatDoNotFitAreRefusedByName()
    {
        Assert.Contains("OutputWidth is 10",
            Assert.Throws<ArgumentException>(() => Create(Small with { OutputWidth = 10 })).Message);
        Assert.Contains("InputGroups is []",
            Assert.Throws<ArgumentException>(() => Create(Small with { InputGroups = null })).Message);
        Assert.Contains("HiddenWidths is [0]",
            Assert.Throws<ArgumentException>(() => Create(Small with { HiddenWidths = [0] })).Message);
        Assert.Contains("6 slots in all; rows have 7",
            Assert.Throws<ArgumentException>(() => Small.ValidateColumns(7)).Message);
        using var network = Create(Small);
        using var scope = NewDisposeScope();
        Assert.Contains("expected (B,6)", Assert.Throws<ArgumentException>(() => network.call(rand(2, 5))).Message);
    }

    [Theory]
    [InlineData(NumberEmbedding.PiecewiseLinear)]
    [InlineData(NumberEmbedding.Periodic)]
    public void NumbersAreEmbeddedByTheFormulasOfThePaper(NumberEmbedding embedding)
    {
        using var scope = NewDisposeScope();
        var options =
            Small with { InputGroups = [6], NumberEmbedding = embedding, NumericSlots = [1, 4], NumberBins = 5 };
        using var generator = new Generator(1, CPU);
        using var layer = new EmbeddedNumbers(options, generator);
        var rows = rand(20, 6).mul(8).sub(4);
        var result = layer.call(rows);
        Assert.Equal(layer.Width, result.size(1));
        for (int row = 0; row < 20; row++)
        {
            float[] x = rows[row].data<float>().ToArray();
            List<double> expected = [x[0], x[2], x[3], x[5]];
            double[] numbers = [x[1], x[4]];
            if (embedding == NumberEmbedding.PiecewiseLinear)
            {
                foreach (double v in numbers)
                {
                    for (int bin = 0; bin < 5; bin++)
                    {
                        double passed = v - (bin - 2.5);
                        expected.Add(passed < 0 && bin > 0 ? 0 : passed > 1 && bin < 4 ? 1 : passed);
                    }
                }
            }
            else
            {
                var frequency = layer.get_parameter("frequency")!;
                double[] angles = [.. from i in Enumerable.Range(0, 2) from k in Enumerable.Range(0, 5) select 2
                    * Math.PI * frequency[i, k].ToSingle() * numbers[i]];
                expected.AddRange([.. numbers, .. angles.Select(Math.Sin), .. angles.Select(Math.Cos)]);
            }
            float[] actual = result[row].data<float>().ToArray();
            for (int i = 0; i < expected.Count; i++) Assert.Equal(expected[i], actual[i], 1e-5);
        }
        using var network = Create(options);
        network.call(rows).pow(2).sum().backward();
        Assert.All(network.named_parameters(), p =>
            Assert.True(p.parameter.grad is { } g && g.isfinite().all().item<bool>(), p.name));
    }

    [Theory]
    [InlineData(null, "NumericSlots is null")]
    [InlineData(new[] { 4, 1 }, "slots from 0 to 5, ascending")]
    [InlineData(new[] { 6 }, "slots from 0 to 5, ascending")]
    public void SlotsToEmbedThatCannotBeAreRefusedByName(int[]? slots, string named)
    {
        var options =
            Small with { InputGroups = [6], NumberEmbedding = NumberEmbedding.Periodic, NumericSlots = slots };
        Assert.Contains(named, Assert.Throws<ArgumentException>(() => Create(options)).Message);
        Assert.Contains("must be one group",
            Assert.Throws<ArgumentException>(() => Create(options with { InputGroups = [3, 3] })).Message);
    }
}
