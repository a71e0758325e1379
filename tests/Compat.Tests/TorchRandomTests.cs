using TorchSharp;
using static Compat.Tests.TorchAssert;
using static TorchSharp.torch;

namespace Compat.Tests;

/// <summary>Alone, because the global generator is everybody's.</summary>
[Collection("global generator")]
public class TorchRandomTests
{
    [CollectionDefinition("global generator", DisableParallelization = true)]
    public sealed class GlobalGenerator;

    [Fact]
    public void TheGlobalSeed_RepeatsTheStream()
    {
        manual_seed(5);
        var first = rand(3);
        var state = get_rng_state();
        var second = randn(3);
        manual_seed(5);
        Close(first, rand(3), 0);
        set_rng_state(state);
        Close(second, randn(3), 0);
        // The first numbers of PyTorch's own CPU generator for seed 0.
        manual_seed(0);
        Close([0.4962566, 0.7682218, 0.0884774], rand(3), 1e-6);
    }

    [Fact]
    public void AGenerator_IsItsOwnStream()
    {
        var generator = new Generator(9);
        manual_seed(1);
        var a = randn(4, generator: generator);
        manual_seed(2);
        var b = randn(4, generator: new Generator(9));
        Close(a, b, 0);
        var state = generator.get_state();
        var next = randperm(10, generator: generator);
        generator.set_state(state);
        Close(next, randperm(10, generator: generator), 0);
        generator.manual_seed(9);
        Assert.Equal(9, generator.initial_seed());
        Close(a, empty(4).normal_(generator: generator), 0);
        Close(full([1000], 0.3).bernoulli(new Generator(3)), full([1000], 0.3).bernoulli(new Generator(3)), 0);
        Close(multinomial(ones(10), 5, generator: new Generator(3)), multinomial(ones(10), 5, generator: new Generator(3)), 0);
        Close(randint(0, 100, [5], generator: new Generator(3)), randint(0, 100, [5], generator: new Generator(3)), 0);
        Assert.NotEqual(rand(8).data<float>().ToArray(), rand(8).data<float>().ToArray());
    }

    [Fact]
    public void Distributions_HaveTheirMoments()
    {
        var g = new Generator(4);
        var u = empty(20000).uniform_(-2, 4, g);
        Assert.InRange(u.mean().ToDouble(), 0.9, 1.1);
        Assert.InRange(u.min().ToDouble(), -2, -1.99);
        var n = empty(20000).normal_(3, 2, g);
        Assert.InRange(n.mean().ToDouble(), 2.9, 3.1);
        Assert.InRange(n.std().ToDouble(), 1.95, 2.05);
        Assert.InRange(empty(20000).bernoulli_(0.25, g).mean().ToDouble(), 0.23, 0.27);
        var t = nn.init.trunc_normal_(empty(20000), 0, 1, -1, 1, g);
        Assert.InRange(t.abs().max().ToDouble(), 0.99, 1);
        // The variance of a standard normal cut at ±1.
        Assert.InRange(t.var().ToDouble(), 0.281, 0.301);
        Assert.InRange((nn.functional.dropout(ones(20000), 0.3) == 0).@float().mean().ToDouble(), 0.28, 0.32);
    }
}
