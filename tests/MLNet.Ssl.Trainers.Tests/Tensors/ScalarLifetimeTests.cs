namespace MLNet.Ssl.Tests;

/// <summary>A Scalar that is finalised while a native call reads it ends a run, or changes its numbers: none may
/// be left to the collector.</summary>
[Collection(nameof(Alone))]
public sealed class ScalarLifetimeTests
{
    [Fact]
    public void EveryMethodTrainsUnderTwoCollectingThreadsAsWithoutThem()
    {
        var expected = SmallRuns.All.Keys.ToDictionary(name => name, Train);
        using var stop = new CancellationTokenSource();
        var collectors = Enumerable.Range(0, 2).Select(_ => new Thread(() =>
        {
            while (!stop.IsCancellationRequested)
            {
                GC.Collect(0);
                GC.WaitForPendingFinalizers();
            }
        })).ToList();
        collectors.ForEach(thread => thread.Start());
        try
        {
            foreach (string name in SmallRuns.All.Keys) SmallRuns.AssertSame(expected[name], Train(name));
        }
        finally
        {
            stop.Cancel();
            collectors.ForEach(thread => thread.Join());
        }
    }

    /// <summary>40 steps.</summary>
    private static Dictionary<string, byte[]> Train(string name) =>
        SmallRuns.Train(SmallRuns.Of(name) with { Epochs = 10 });
}
