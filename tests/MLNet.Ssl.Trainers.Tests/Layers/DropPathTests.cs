using static TorchSharp.torch;

namespace MLNet.Ssl.Tests;

public class DropPathTests
{
    [Fact]
    public void TrainingDropsWholeSamplesAndKeepsTheExpectation()
    {
        using var scope = NewDisposeScope();
        using var layer = new DropPath(0.25);
        layer.train();
        using var _ = ForwardRandom.Use(new Generator(3));
        var sum = layer.call(ones(20000, 2, 3), ones(20000, 2, 3)).flatten(1);
        var perSample = sum.select(1, 0);
        Assert.True(sum.eq(perSample.unsqueeze(1)).all().item<bool>());
        double kept = 1 + 1 / 0.75;
        Assert.All(perSample.data<float>().ToArray(), v => Assert.True(v == 1 || Math.Abs(v - kept) < 1e-6));
        Assert.Equal(2, perSample.mean().item<float>(), 0.02);
    }

    [Fact]
    public void GradientsPassOnlyThroughKeptBranches()
    {
        using var scope = NewDisposeScope();
        using var layer = new DropPath(0.5);
        layer.train();
        var x = zeros(64, 1, requires_grad: true);
        var branch = ones(64, 1, requires_grad: true);
        using (ForwardRandom.Use(new Generator(3)))
        {
            var y = layer.call(x, branch);
            y.sum().backward();
            Assert.True(branch.grad!.eq(y).all().item<bool>());
        }
        Assert.True(x.grad!.eq(1).all().item<bool>());
    }

    [Fact]
    public void EvaluationIsAPlainSum()
    {
        using var scope = NewDisposeScope();
        using var layer = new DropPath(0.9);
        layer.eval();
        Assert.True(layer.call(ones(100), ones(100)).eq(2).all().item<bool>());
    }

    [Fact]
    public void ScopesOfRandomnessNestAndEnd()
    {
        using var outer = new Generator(1);
        using var inner = new Generator(2);
        using (ForwardRandom.Use(outer))
        {
            using (ForwardRandom.Use(inner)) Assert.Same(inner, ForwardRandom.Current);
            Assert.Same(outer, ForwardRandom.Current);
        }
        Assert.Throws<InvalidOperationException>(() => ForwardRandom.Current);
    }
}
