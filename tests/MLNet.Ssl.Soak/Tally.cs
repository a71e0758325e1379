using System.Diagnostics;
using System.Text.Json;
using Xunit.Sdk;

namespace MLNet.Ssl.Soak;

/// <summary>What a part has tried so far, for as long as it may try; printed while it runs, so that it is known after a crash too.</summary>
internal sealed class Tally(double seconds)
{
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
        var row = new Row(1, 0, 0);
        try
        {
            await once();
        }
        catch (Exception e)
        {
            row = e is XunitException ? row with { Wrong = 1 } : row with { Lost = 1 };
            Console.Error.WriteLine($"{what}: {e}");
        }
        lock (_lock)
        {
            var sum = _rows.GetValueOrDefault(what, new(0, 0, 0));
            _rows[what] = new(sum.Tried + 1, sum.Lost + row.Lost, sum.Wrong + row.Wrong);
            if (_clock.Elapsed - _printed > PrintEvery || row.Lost + row.Wrong > 0) Print();
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
            Console.WriteLine(JsonSerializer.Serialize(new State(_rows, Math.Max(_peakOfOthers, process.PeakWorkingSet64))));
        }
    }
}
