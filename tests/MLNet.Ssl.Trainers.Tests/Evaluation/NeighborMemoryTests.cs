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
        Assert.SkipUnless(OperatingSystem.IsLinux(), "only Linux tells the peak of a process's memory");
        using var scope = NewDisposeScope();
        var (queries, bank) = (randn(Queries, 4), randn(Bank, 4));
        using var knn = new WeightedKnn(bank, zeros(Bank, dtype: ScalarType.Int64), 1, Neighbors);
        knn.Score(queries.narrow(0, 0, 600)).Dispose();
        long before = ResetPeak();
        knn.Score(queries);
        long grown = Peak() - before;
        Assert.True(grown < 60L << 20, $"{grown} bytes");
    }

    private static long ResetPeak()
    {
        try { File.WriteAllText("/proc/self/clear_refs", "5"); }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException) { Assert.SkipWhen(true, "the peak cannot be reset here: " + e.Message); }
        return Peak();
    }

    private static long Peak() =>
        1024 * long.Parse(File.ReadLines("/proc/self/status").First(line =>
            line.StartsWith("VmHWM", StringComparison.Ordinal)).Split(' ', StringSplitOptions.RemoveEmptyEntries)[1]);
}
