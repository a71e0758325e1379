using System.Diagnostics;
using System.Globalization;

namespace MLNet.Ssl.Runs;

/// <summary>
/// A run's progress as lines of text: after the first step, at ends of epochs, and whenever
/// ten seconds have passed without one.
/// </summary>
internal sealed class ProgressLines(Action<string> write, string rows = "rows")
{
    // Of a thousand short epochs every tenth is told.
    private const int MostEpochs = 100;

    private const double WorthTelling = 0.05;

    private static readonly TimeSpan Silence = TimeSpan.FromSeconds(10), Long = TimeSpan.FromHours(12);

    private bool _hasBegun;
    private long _lastLine;
    private long _lastStep, _steps;
    private double _lossSum;

    /// <summary>Whether this step is the last one of an epoch that has a line of its own.</summary>
    public static bool EndsToldEpoch(long step, long totalSteps, int epochs)
    {
        long stepsPerEpoch = totalSteps / epochs, epoch = step / stepsPerEpoch;
        return step == totalSteps || (step % stepsPerEpoch == 0 && epoch % ((epochs - 1) / MostEpochs + 1) == 0);
    }

    public void Add(TrainingProgress progress)
    {
        if (!_hasBegun)
        {
            _hasBegun = true;
            write(First(progress));
            _lastLine = Stopwatch.GetTimestamp();
        }
        else
        {
            _steps += progress.Step - _lastStep;
            _lossSum += progress.Loss * (progress.Step - _lastStep);
        }
        _lastStep = progress.Step;
        bool ends = EndsToldEpoch(progress.Step, progress.TotalSteps, progress.Epochs);
        if (!ends && Stopwatch.GetElapsedTime(_lastLine) < Silence) return;
        write(Line(progress, _steps > 0 ? _lossSum / _steps : progress.Loss));
        (_lastLine, _steps, _lossSum) = (Stopwatch.GetTimestamp(), 0, 0);
    }

    /// <summary>A time in the two units that matter: 45 s, 2 min 5 s, 3 h 10 min, 2 d 4 h.</summary>
    public static string Duration(TimeSpan time) => Invariant(time switch
    {
        { TotalSeconds: < 9.95 } => $"{time.TotalSeconds:0.0} s",
        { TotalSeconds: < 60 } => $"{time.Seconds} s",
        { TotalHours: < 1 } => $"{time.Minutes} min {time.Seconds} s",
        { TotalDays: < 1 } => $"{time.Hours} h {time.Minutes} min",
        _ => $"{(long)time.TotalDays} d {time.Hours} h",
    });

    /// <summary>The share of the time that training waited for views, such as "20 % waiting for data";
    /// null where it hardly did.</summary>
    public static string? Wait(TrainingProgress p) =>
        p.DataWait >= WorthTelling ? Invariant($"{p.DataWait:0 %} waiting for data") : null;

    private string First(TrainingProgress p)
    {
        string step = p.Step == 1 ? "The first step is done" : Invariant($"Step {p.Step:N0} is done");
        string text = Invariant($"{step}: loss {p.Loss:0.000}, {p.RowsPerSecond:N0} {rows}/s; ")
            + Invariant($"about {Duration(p.Remaining)} for {p.TotalSteps - p.Step:N0} more steps, {p.Epochs:N0} ")
            + $"{(p.Epochs == 1 ? "epoch" : "epochs")} in all.";
        return p.Remaining < Long ? text : text + " A smaller network, fewer Epochs or MaxDuration shorten it.";
    }

    private string Line(TrainingProgress p, double loss) =>
        Invariant($"Epoch {p.Epoch:N0} of {p.Epochs:N0}, step {p.Step:N0} of {p.TotalSteps:N0}: loss {loss:0.000}, ")
        + Invariant($"{p.RowsPerSecond:N0} {rows}/s")
        + (Wait(p) is { } wait ? $", {wait}" : "")
        + (p.EmbeddingStd is { } deviation ? Invariant($", embedding std {deviation:0.00}") : "")
        + (p.RankMe is { } rank ? Invariant($", RankMe {rank:0.0}") : "")
        + (p.Alignment is { } alignment ? Invariant($", alignment {alignment:0.00}") : "")
        + (p.Uniformity is { } uniformity ? Invariant($", uniformity {uniformity:0.00}") : "")
        + (p.Step == p.TotalSteps ? "." : $"; about {Duration(p.Remaining)} left.");

    private static string Invariant(FormattableString text) => text.ToString(CultureInfo.InvariantCulture);
}
