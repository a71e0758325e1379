using TorchSharp;
using static TorchSharp.torch;

namespace MLNet.Ssl.Tests;

public sealed class GradientBufferTests : IDisposable
{
    private readonly DisposeScope _scope = NewDisposeScope();
    private readonly Generator _generator = new(1, CPU);
    private readonly EncoderWithHead _network;
    private readonly FlatParameters _parameters;
    private readonly Tensor _x;

    public GradientBufferTests()
    {
        _network = new(new LinearEncoder(9, 6, _generator), new MlpHead(new(6) { OutputDimension = 5 }, _generator));
        _parameters = new(_network);
        _x = randn([16, 9], generator: _generator);
    }

    public void Dispose()
    {
        _parameters.Dispose();
        _network.Dispose();
        _generator.Dispose();
        _scope.Dispose();
    }

    /// <summary>A step after another, of which the first leaves nothing.</summary>
    [Fact]
    public void GradientsOfOneAndOfOneOfManyAreTheSameToTheBit()
    {
        using GradientBuffer one = new(_parameters), ofMany = new(_parameters, isOneOfMany: true);
        for (int step = 1; step <= 2; step++)
        {
            one.Backward(_network.Pass(_x.Mul(step)).Output.exp().mean());
            ofMany.Backward(_network.Pass(_x.Mul(step)).Output.exp().mean());
            Assert.All(one.Flat.Zip(ofMany.Flat), pair => Assert.True(pair.First.Equals(pair.Second)));
            Assert.All(one.Flat, flat => Assert.True(flat.abs().max().item<float>() > 1e-3));
        }
        Assert.All(_network.parameters(), parameter => Assert.Null(parameter.grad));
    }

    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public void AParameterThatTheLossDoesNotReachIsNamed(bool isOneOfMany)
    {
        using var gradients = new GradientBuffer(_parameters, isOneOfMany);
        var features = _network.Backbone.call(_x);
        var error = Assert.Throws<InvalidOperationException>(() => gradients.Backward(features.mean()));
        Assert.Contains("'head.0.", error.Message, StringComparison.Ordinal);
        Assert.All(_network.parameters(), parameter => Assert.Null(parameter.grad));
    }

    /// <summary>As where a GPU has no memory left.</summary>
    [Fact]
    public void WhatFailsInTheBackwardPassIsAnException()
    {
        using var gradients = new GradientBuffer(_parameters);
        var loss = Spoiled();
        Assert.ThrowsAny<Exception>(() => gradients.Backward(loss));
        Assert.All(_network.parameters(), parameter => Assert.Null(parameter.grad));
        gradients.Backward(_network.Pass(_x).Output.exp().mean());
        Assert.All(gradients.Flat, flat => Assert.True(flat.isfinite().all().item<bool>()));
    }

    /// <summary>A loss of which the backward pass needs what was overwritten.</summary>
    private Tensor Spoiled()
    {
        var output = _network.Pass(_x).Output.exp();
        var loss = output.mean();
        using (no_grad()) output.zero_();
        return loss;
    }
}
