using System.Diagnostics;
using MLNet.Ssl.Runs;

namespace MLNet.Ssl.Cli.Terminal;

/// <summary>How far embedding is: drawn over itself on a terminal, else a line in ten seconds.</summary>
/// <param name="session">Who is told.</param>
/// <param name="total">Rows in all.</param>
internal sealed class RowsDisplay(Session session, long total)
{
    private readonly long _start = Stopwatch.GetTimestamp();
    private TimeSpan _waited;
    private long _done, _said;

    /// <summary>Adds rows, and the time that was spent waiting for their data.</summary>
    public void Add(long rows, TimeSpan waited)
    {
        _done += rows;
        _waited += waited;
        var every = session.IsTerminal ? TimeSpan.FromSeconds(0.5) : TimeSpan.FromSeconds(10);
        if (Stopwatch.GetElapsedTime(_said == 0 ? _start : _said) < every) return;
        _said = Stopwatch.GetTimestamp();
        var elapsed = Stopwatch.GetElapsedTime(_start);
        double speed = _done / elapsed.TotalSeconds;
        var left = TimeSpan.FromSeconds((total - _done) / speed);
        string line = FormattableString.Invariant($"embedded {_done:N0} of {total:N0} rows  {speed:0} rows/s  ")
            + FormattableString.Invariant(
                $"waited for data {_waited / elapsed:p0}  {ProgressLines.Duration(left)} left");
        session.Event(new
        {
            @event = "progress",
            rows = _done,
            total,
            rowsPerSecond = speed,
            dataWait = _waited / elapsed,
            remaining = left
        });
        if (session.IsTerminal) session.Error.Write($"\r{line}  ");
        else session.Say(line);
    }

    /// <summary>Leaves the drawn line.</summary>
    public void End()
    {
        if (session.IsTerminal && _said != 0) session.Error.WriteLine();
    }
}
