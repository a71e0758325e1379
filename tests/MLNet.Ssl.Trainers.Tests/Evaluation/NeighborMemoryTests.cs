using static TorchSharp.torch;

namespace MLNet.Ssl.Tests;

[Collection(nameof(Alone))]
public sealed class NeighborMemoryTests
{
    [Fact]
    public void SearchingHoldsTilesOfTheProductsOnly()
    {
        // All products would be 1,600 MB.
        const int Queries = 20_000, Bank = 20_000, Neighbors = 10;
        using var scope = NewDisposeScope();
        var (queries, bank) = (randn(Queries, 4), randn(Bank, 4));
        using var knn = new WeightedKnn(bank, zeros(Bank, dtype: ScalarType.Int64), 1, Neighbors);
        knn.Score(queries.narrow(0, 0, 600)).Dispose();
        long before = PeakMemory.Reset();
        knn.Score(queries);
        long grown = PeakMemory.Read() - before;
        Assert.True(grown < 60L << 20, $"{grown} bytes");
    }
}
