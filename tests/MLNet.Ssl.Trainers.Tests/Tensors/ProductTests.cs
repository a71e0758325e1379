using TorchSharp;
using static TorchSharp.torch;

namespace MLNet.Ssl.Tests;

public sealed class ProductTests : IDisposable
{
    private readonly DisposeScope _scope = NewDisposeScope();
    private readonly Generator _generator = new(1, CPU);

    public void Dispose()
    {
        _generator.Dispose();
        _scope.Dispose();
    }

    [Fact]
    public void VectorsThatDoNotFitAreAnException()
    {
        Tensor queries = randn([4, 3], generator: _generator), keys = randn([4, 5], generator: _generator);
        Assert.ThrowsAny<Exception>(() => Contrast.Logits(queries, keys));
        Assert.ThrowsAny<Exception>(() => Contrast.QueueLogits(queries, queries, keys, 0.1));
    }

    [Theory]
    [InlineData(new long[] { 2, 3 }, new long[] { 2, 3 })]
    [InlineData(new long[] { 1, 1 }, new long[] { 2, 3 })]
    [InlineData(new long[] { 2, 3 }, new long[] { 2, 1 })]
    public void ProductsOfMatricesAreMatmulsToTheBit(long[] left, long[] right)
    {
        Tensor x = randn([.. left, 4, 5], generator: _generator), y = randn([.. right, 5, 6], generator: _generator);
        Assert.True(x.matmul(y).Equals(x.Products(y)));
    }
}
