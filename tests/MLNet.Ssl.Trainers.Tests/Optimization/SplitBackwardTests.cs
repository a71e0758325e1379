using TorchSharp;
using static TorchSharp.torch;

namespace MLNet.Ssl.Tests;

public sealed class SplitBackwardTests : IDisposable
{
    private readonly DisposeScope _scope = NewDisposeScope();
    private readonly Generator _generator = new(1, CPU);
    private readonly ShardThreads _threads = new(2, 2);

    public void Dispose()
    {
        _threads.Dispose();
        _generator.Dispose();
        _scope.Dispose();
    }

    [Theory]
    [InlineData(true, new[] { 3, 2, 4 })]
    [InlineData(false, new[] { 9 })]
    public void GradientsAreAutograds(bool norm, int[] groups)
    {
        using var network = Network(groups, new(8) { BatchNorm = norm, HiddenDimension = 6, OutputDimension = 5 });
        using var parameters = new FlatParameters(network);
        using GradientBuffer expected = new(parameters), split = new(parameters);
        var x = randn([16, 9], generator: _generator);
        var target = randn([16, 5], generator: _generator);
        expected.Backward(Loss(network, x, target));
        using (var backward = new SplitBackward(network, split, _threads))
        {
            // What the step before left is replaced.
            foreach (var flat in split.Flat) flat.fill_(float.NaN);
            backward.Run(Loss(network, x, target));
        }
        for (int i = 0; i < expected.Views.Count; i++)
            Assert.True(expected.Views[i].allclose(split.Views[i], 1e-4, 1e-6), $"parameter {i}");
        Assert.True(expected.Flat.All(flat => flat.abs().max().item<float>() > 1e-3));
    }

    /// <summary>Both passes of a batch that goes twice through the network count, and a layer whose output
    /// two others take.</summary>
    [Fact]
    public void GradientsOfSeveralPassesAreSummed()
    {
        using var heads = new ReconstructionHeads(8, new(9, [6..9], 1, 2), _generator);
        using var network = Network([9], new(8) { OutputDimension = 5 }, heads);
        using var parameters = new FlatParameters(network);
        using GradientBuffer expected = new(parameters), split = new(parameters);
        Tensor x = randn([16, 9], generator: _generator), other = randn([16, 9], generator: _generator);
        Tensor Both() => network.Pass(x).Output.exp().mean()
            .Add(heads.Loss(heads.call(network.Backbone.call(other)), x, other));
        expected.Backward(Both());
        using (var backward = new SplitBackward(network, split, _threads)) backward.Run(Both());
        for (int i = 0; i < expected.Views.Count; i++)
            Assert.True(expected.Views[i].allclose(split.Views[i], 1e-4, 1e-6), $"parameter {i}");
        heads.Free();
    }

    [Fact]
    public void AParameterThatTheLossDoesNotReachIsNamed()
    {
        using var network = Network([9], new(8) { OutputDimension = 5 });
        using var parameters = new FlatParameters(network);
        using var gradients = new GradientBuffer(parameters);
        using var backward = new SplitBackward(network, gradients, _threads);
        var features = network.Backbone.call(randn([16, 9], generator: _generator));
        var error = Assert.Throws<InvalidOperationException>(() => backward.Run(features.mean()));
        Assert.Contains("'head.0.", error.Message, StringComparison.Ordinal);
    }

    [Fact]
    public void BehindItAutogradIsWhole()
    {
        using var network = Network([9], new(8) { OutputDimension = 5 });
        using var parameters = new FlatParameters(network);
        using var gradients = new GradientBuffer(parameters);
        var x = randn([16, 9], generator: _generator).requires_grad_();
        using (new SplitBackward(network, gradients, _threads))
        {
            using var noGrad = no_grad();
            // A pass that learns nothing is on no tape.
            Assert.False(network.call(x).requires_grad);
        }
        Assert.True(autograd.grad([network.call(x).exp().sum()], [x])[0].abs().max().item<float>() > 0);
    }

    private EncoderWithHead Network(int[] groups, MlpHeadOptions head, ReconstructionHeads? second = null)
    {
        var backbone = new TabularMlpOptions
        {
            InputGroups = groups,
            InputWidth = 7,
            HiddenWidths = [12, 10],
            OutputWidth = 32,
        };
        return new(backbone.Create(_generator), new MlpHead(head, _generator), secondHead: second);
    }

    private static Tensor Loss(EncoderWithHead network, Tensor x, Tensor target) =>
        nn.functional.mse_loss(network.call(x), target);
}
