using System.Diagnostics;
using Spectre.Console;

namespace MLNet.Ssl.Cli.Terminal;

/// <summary>The progress of a run for people: a bar on a terminal; elsewhere a line an epoch, at most one in ten
/// seconds.</summary>
internal sealed class TrainingDisplay : IProgress<TrainingProgress>
{
    private static readonly TimeSpan Quiet = TimeSpan.FromSeconds(10);

    private readonly Session _session;
    private readonly ProgressTask? _bar;
    private int _epoch;
    private long _said;

    private TrainingDisplay(Session session, ProgressTask? bar) => (_session, _bar) = (session, bar);

    /// <summary>Shows the progress of what <paramref name="work"/> does.</summary>
    public static T Show<T>(Session session, Func<IProgress<TrainingProgress>, T> work)
    {
        if (!session.IsTerminal) return work(new TrainingDisplay(session, null));
        var console = AnsiConsole.Create(new() { Out = new AnsiConsoleOutput(session.Error) });
        return console.Progress().Columns(
                new TaskDescriptionColumn { Alignment = Justify.Left }, new ProgressBarColumn(), new PercentageColumn())
            .Start(context => work(new TrainingDisplay(session, context.AddTask("reading", maxValue: 1))));
    }

    public void Report(TrainingProgress value)
    {
        if (_bar is not null)
        {
            _bar.Description = Markup.Escape(Text(value));
            (_bar.MaxValue, _bar.Value) = (value.TotalSteps, value.Step);
            return;
        }
        bool last = value.Step == value.TotalSteps;
        if (!last && (value.Epoch == _epoch || (_said != 0 && Stopwatch.GetElapsedTime(_said) < Quiet))) return;
        (_epoch, _said) = (value.Epoch, Stopwatch.GetTimestamp());
        _session.Say(Text(value));
    }

    internal static string Text(TrainingProgress value)
    {
        string text =
            FormattableString.Invariant($"epoch {value.Epoch}/{value.Epochs}  step {value.Step}/{value.TotalSteps}  ")
            + FormattableString.Invariant($"loss {value.Loss:0.000}  {value.RowsPerSecond:0} rows/s  ")
            + FormattableString.Invariant($"waited for data {value.DataWait:p0}");
        if (value.KnnAccuracy is { } accuracy) text += FormattableString.Invariant($"  kNN {accuracy:p1}");
        return $"{text}  {Span(value.Remaining)} left";
    }

    /// <summary>Such as "2:05:09" or "05:09".</summary>
    public static string Span(TimeSpan time) => time.TotalHours >= 1
        ? FormattableString.Invariant($"{(long)time.TotalHours}:{time.Minutes:00}:{time.Seconds:00}")
        : FormattableString.Invariant($"{time.Minutes:00}:{time.Seconds:00}");
}
