using TorchSharp;
using TorchSharp.Modules;
using static Compat.Tests.TorchAssert;
using static TorchSharp.torch;

namespace Compat.Tests;

public class TorchOptimizerTests
{
    private static Parameter At(double value) => new(tensor(new[] { value }));

    // One step on the gradient g, whatever the value.
    private static void Step(optim.Optimizer optimizer, Parameter p, double g)
    {
        optimizer.zero_grad();
        (p * g).sum().backward();
        optimizer.step();
    }

    [Fact]
    public void SGD_FollowsMomentumDampeningDecayAndNesterov()
    {
        using var p = At(1);
        using var plain = optim.SGD([p], 0.1);
        Step(plain, p, 2);
        Close([0.8], p);

        using var q = At(1);
        using var momentum = optim.SGD([q], 0.1, momentum: 0.9, dampening: 0.5, weight_decay: 0.1);
        Step(momentum, q, 2);
        double v = 2 + 0.1 * 1, x = 1 - 0.1 * v;
        Close([x], q);
        Step(momentum, q, 2);
        v = 0.9 * v + 0.5 * (2 + 0.1 * x);
        Close([x - 0.1 * v], q);

        using var r = At(1);
        using var nesterov = optim.SGD([r], 0.1, momentum: 0.9, nesterov: true);
        Step(nesterov, r, 2);
        Close([1 - 0.1 * (2 + 0.9 * 2)], r);
        Assert.Throws<ArgumentException>(() => optim.SGD([r], 0.1, nesterov: true));
    }

    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public void AdamAndAdamW_FollowTheirFormulas(bool decoupled)
    {
        using var p = At(1);
        using optim.Optimizer optimizer = decoupled
            ? optim.AdamW([p], 0.1, 0.8, 0.9, 1e-3, 0.2)
            : optim.Adam([p], 0.1, 0.8, 0.9, 1e-3, 0.2);
        double x = 1, m = 0, s = 0;
        for (int t = 1; t <= 3; t++)
        {
            double g = t;
            Step(optimizer, p, g);
            if (decoupled) x -= 0.1 * 0.2 * x;
            else g += 0.2 * x;
            m = 0.8 * m + 0.2 * g;
            s = 0.9 * s + 0.1 * g * g;
            x -= 0.1 * (m / (1 - Math.Pow(0.8, t))) / (Math.Sqrt(s / (1 - Math.Pow(0.9, t))) + 1e-3);
            Close([x], p, 1e-12);
        }
    }

    [Fact]
    public void AdamW_HasNoDecayByDefault()
    {
        using var p = At(1);
        using var optimizer = optim.AdamW([p]);
        Step(optimizer, p, 0);
        Close([1], p, 0);
    }

    [Fact]
    public void Groups_HaveTheirOwnRatesAndOptions()
    {
        using Parameter a = At(1), b = At(1), frozen = At(1);
        using var optimizer = optim.SGD(
            [new SGD.ParamGroup([a, frozen], new SGD.Options { weight_decay = 0 }), new SGD.ParamGroup([b], new SGD.Options { LearningRate = 0.5 })],
            0.1, weight_decay: 1);
        var groups = optimizer.ParamGroups.ToList();
        Assert.Equal([0.1, 0.5], groups.Select(g => g.LearningRate));
        groups[0].LearningRate = 0.2;
        Assert.Equal(0.1, groups[0].InitialLearningRate);
        (a + b).sum().backward();
        optimizer.step();
        Close([0.8], a);
        Close([0], b);
        Close([1], frozen);
    }

    [Fact]
    public void AClosure_IsEvaluatedWithGradients()
    {
        using var p = At(3);
        using var optimizer = optim.SGD([p], 0.25);
        for (int i = 0; i < 20; i++)
        {
            var loss = optimizer.step(() =>
            {
                optimizer.zero_grad();
                var l = p.pow(2).sum();
                l.backward();
                return l;
            });
            Assert.True(loss.requires_grad);
        }
        Close([3 * Math.Pow(0.5, 20)], p, 1e-9);
    }

    [Fact]
    public void ClipGradNorm_ScalesAllGradientsTogether()
    {
        using Parameter a = At(0), b = At(0);
        (a * 3 + b * 4).sum().backward();
        Assert.Equal(5, nn.utils.clip_grad_norm_([a, b], 1), 6);
        Close([0.6], a.grad!);
        Close([0.8], b.grad!);
        nn.utils.clip_grad_norm_([a, b], 10);
        Close([0.8], b.grad!);
        nn.utils.clip_grad_value_([a, b], 0.7);
        Close([0.7], b.grad!);
    }

    [Fact]
    public void ASmallNetwork_LearnsXor()
    {
        var g = new Generator(2);
        using var model = nn.Sequential(nn.Linear(2, 16), new Lambda(x => x.tanh()), nn.Linear(16, 1));
        foreach (var p in model.parameters()) nn.init.normal_(p, 0, 0.5, g);
        using var optimizer = optim.Adam(model.parameters(), 0.05);
        var x = tensor(new float[] { 0, 0, 0, 1, 1, 0, 1, 1 }, [4, 2]);
        var y = tensor(new float[] { 0, 1, 1, 0 }, [4, 1]);
        double loss = 0;
        for (int i = 0; i < 200; i++)
        {
            using var scope = NewDisposeScope();
            optimizer.zero_grad();
            var l = nn.functional.mse_loss(model.call(x), y);
            l.backward();
            optimizer.step();
            loss = l.ToDouble();
        }
        Assert.InRange(loss, 0, 0.01);
    }
}
