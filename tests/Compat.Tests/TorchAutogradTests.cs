using System.Runtime.InteropServices;
using TorchSharp.Modules;
using static Compat.Tests.TorchAssert;
using static TorchSharp.torch;
using F = TorchSharp.torch.nn.functional;

namespace Compat.Tests;

public class TorchAutogradTests
{
    private static Tensor Random(params long[] size) => randn(size, float64, generator: new Generator(7));

    [Fact]
    public void Gradients_MatchFiniteDifferences()
    {
        var fixedWeight = Random(4, 3);
        GradientMatches(x => x.exp() * x.sin(), Random(5));
        GradientMatches(x => x.matmul(fixedWeight.t()).tanh(), Random(2, 3));
        GradientMatches(x => x.softmax(-1).pow(2), Random(2, 3));
        GradientMatches(x => x.logsumexp(1), Random(3, 4));
        GradientMatches(x => x.gelu(), Random(6));
        GradientMatches(x => x[.., 1..].mean([0]), Random(3, 3));
        GradientMatches(x => F.layer_norm(x, [3], fixedWeight[0], fixedWeight[1]).pow(3), Random(2, 3));
        GradientMatches(x => F.cross_entropy(x, tensor(new long[] { 2, 0 }), label_smoothing: 0.1), Random(2, 3));
        GradientMatches(x => F.scaled_dot_product_attention(x, x.flip(0), x), Random(4, 3));
        GradientMatches(x => x / x.norm(1, true), Random(2, 3));
        GradientMatches(x => F.conv2d(x, fixedWeight.reshape(1, 1, 4, 3)).pow(2), Random(1, 1, 5, 4));
        GradientMatches(x => linalg.inv(x + 5 * eye(2, dtype: float64)), Random(2, 2));
    }

    [Fact]
    public void Backward_AccumulatesAndRefusesATwiceUsedGraph()
    {
        var x = ones(3, requires_grad: true);
        var y = (x * x).sum();
        y.backward();
        Assert.Throws<ExternalException>(() => (y * y).backward());
        (x * x).sum().backward();
        Close([4, 4, 4], x.grad!);
        x.grad = null;
        Assert.Null(x.grad);
        Assert.True(x.is_leaf);
        Assert.False(y.is_leaf);
        Assert.Contains("grad can be implicitly created", Assert.Throws<ExternalException>(() => (x * 2).backward()).Message);
    }

    [Fact]
    public void Grad_ReturnsNullForUnusedInputs_AndDifferentiatesTwice()
    {
        var x = tensor(3.0, requires_grad: true);
        var unused = tensor(1.0, requires_grad: true);
        var first = autograd.grad([x.pow(3)], [x, unused], create_graph: true, allow_unused: true);
        Close([27], first[0]);
        Assert.Null(first[1]);
        Close([18], autograd.grad([first[0]], [x])[0]);
        Assert.Throws<ExternalException>(() => autograd.grad([x.pow(2)], [unused]));
        autograd.backward([x * 2, x * 3], [tensor(1.0), tensor(10.0)]);
        Close([32], x.grad!);
    }

    [Fact]
    public void Modes_RestoreWhatWasBefore()
    {
        var x = ones(1, requires_grad: true);
        using (no_grad())
        {
            Assert.False(is_grad_enabled());
            using (enable_grad()) Assert.True((x * 2).requires_grad);
            Assert.False((x * 2).requires_grad);
        }
        Assert.True(is_grad_enabled());
        using (set_grad_enabled(false)) Assert.False((x * 2).requires_grad);
        Tensor inferred;
        using (inference_mode())
        {
            Assert.True(is_inference_mode_enabled());
            inferred = ones(2) * 2;
        }
        Assert.False(is_inference_mode_enabled());
        Assert.Throws<ExternalException>(() => inferred * x);
        Assert.False(x.detach().requires_grad);
    }

    [Fact]
    public void FlatParameters_ShareMemoryAndAccumulateIntoTheFlatGradient()
    {
        using var module = nn.Sequential(nn.Linear(3, 4), new Lambda(x => x.relu()), nn.Linear(4, 2));
        var input = randn([5, 3], generator: new Generator(1));
        module.call(input).pow(2).sum().backward();
        var expected = cat(module.parameters().Select(p => p.grad!.reshape(-1)).ToArray());
        var flat = nn.utils.parameters_to_vector(module.parameters()).detach();
        var flatGrad = zeros_like(flat);
        using (no_grad())
        {
            long offset = 0;
            foreach (var p in module.parameters())
            {
                long count = p.numel();
                var shape = p.shape;
                p.set_(flat.narrow(0, offset, count).view(shape));
                p.grad = flatGrad.narrow(0, offset, count).view(shape);
                offset += count;
            }
        }
        module.call(input).pow(2).sum().backward();
        Close(expected, flatGrad);
        module.call(input).pow(2).sum().backward();
        Close(expected * 2, flatGrad);
        flatGrad.zero_();
        module.call(input).pow(2).sum().backward();
        Close(expected, flatGrad);
        var before = module.call(input).detach();
        flat.mul_(0.5);
        Assert.False(module.call(input).allclose(before));
        Close(flat, nn.utils.parameters_to_vector(module.parameters()));
    }

    [Fact]
    public void TwoThreads_TrainAtOnce_AndTheirGradientsSumToTheWhole()
    {
        var weight = randn([6, 3], generator: new Generator(2));
        var input = randn([8, 6], generator: new Generator(3));
        using var whole = new Parameter(weight.clone());
        input.matmul(whole).tanh().pow(2).sum().backward();
        var halves = input.chunk(2);
        var grads = new Tensor[2];
        var failures = new Exception?[2];
        var threads = Enumerable.Range(0, 2).Select(i => new Thread(() =>
        {
            try
            {
                set_num_threads(1);
                for (int step = 0; step < 200; step++)
                {
                    using var scope = NewDisposeScope();
                    var own = new Parameter(weight.clone());
                    halves[i].matmul(own).tanh().pow(2).sum().backward();
                    grads[i] = own.grad!.DetachFromDisposeScope();
                }
            }
            catch (Exception e)
            {
                failures[i] = e;
            }
        })).ToList();
        threads.ForEach(t => t.Start());
        threads.ForEach(t => t.Join());
        Assert.All(failures, Assert.Null);
        Close(whole.grad!, grads[0] + grads[1]);
    }
}
