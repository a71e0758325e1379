using System.Diagnostics;
using System.Text.Json;
using Xunit.Sdk;

namespace MLNet.Ssl.Soak;

/// <summary>What a part has tried so far, for as long as it may try; printed while it runs, so that it is
/// known after a crash too.</summary>
internal sealed class Tally(double seconds)
{
    /// <summary>Failures of a kind that are told in full; all are counted.</summary>
    private const int MostTold = 5;

    private static readonly TimeSpan PrintEvery = TimeSpan.FromMilliseconds(200);

    private readonly Lock _lock = new();
    private readonly Stopwatch _clock = Stopwatch.StartNew();
    private readonly Dictionary<string, Row> _rows = [];
    private TimeSpan _printed;
    private long _peakOfOthers;

    /// <param name="Lost">Ended with an exception, or with the process.</param>
    /// <param name="Wrong">Ended with another result than expected.</param>
    internal sealed record Row(long Tried, long Lost, long Wrong);

    internal sealed record State(Dictionary<string, Row> Rows, long PeakBytes);

    public bool IsTimeLeft => _clock.Elapsed.TotalSeconds < seconds;

    /// <summary>Does it once. An assertion that fails makes it wrong, any other exception lost.</summary>
    public async Task Try(string what, Func<Task> once)
    {
        Exception? failure = null;
        try
        {
            await once();
        }
        catch (Exception e)
        {
            failure = e;
        }
        lock (_lock)
        {
            var row = _rows.GetValueOrDefault(what, new(0, 0, 0));
            row = row with { Tried = row.Tried + 1 };
            if (failure is XunitException) row = row with { Wrong = row.Wrong + 1 };
            else if (failure is not null) row = row with { Lost = row.Lost + 1 };
            _rows[what] = row;
            if (failure is not null && row.Lost + row.Wrong <= MostTold) Console.Error.WriteLine($"{what}: {failure}");
            if (failure is not null || _clock.Elapsed - _printed > PrintEvery) Print();
        }
    }

    public void Try(string what, Action once) => Try(what, () =>
    {
        once();
        return Task.CompletedTask;
    }).GetAwaiter().GetResult();

    /// <summary>The memory of another process counts too, if it is the most.</summary>
    public void TakePeak(long bytes)
    {
        lock (_lock) _peakOfOthers = Math.Max(_peakOfOthers, bytes);
    }

    public void Print()
    {
        lock (_lock)
        {
            _printed = _clock.Elapsed;
            using var process = Process.GetCurrentProcess();
            Console.WriteLine(
                JsonSerializer.Serialize(new State(_rows, Math.Max(_peakOfOthers, process.PeakWorkingSet64))));
        }
    }
}
