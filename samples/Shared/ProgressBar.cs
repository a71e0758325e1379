using Spectre.Console;

namespace MLNet.Ssl.Samples;

/// <summary>A bar on the console that follows a training run.</summary>
public static class ProgressBar
{
    /// <summary>Shows the bar while work is done.</summary>
    /// <param name="rowName">What a row is called, in the plural.</param>
    /// <param name="work">The work; it passes its argument on as <see cref="TrainingOptions.Progress"/>.</param>
    public static T Show<T>(string rowName, Func<IProgress<TrainingProgress>, T> work) =>
        AnsiConsole.Progress()
            .Columns(
                new TaskDescriptionColumn { Alignment = Justify.Left }, new ProgressBarColumn(),
                new PercentageColumn())
            .Start(context =>
            {
                var bar = context.AddTask("starting", maxValue: 1);
                return work(new Reporter(progress =>
                {
                    bar.Description = FormattableString.Invariant(
                        $"epoch {progress.Epoch}/{progress.Epochs}  loss {progress.Loss:0.000}  ")
                        + FormattableString.Invariant(
                            $"{progress.RowsPerSecond:0} {rowName}/s  {progress.Remaining:mm\\:ss} left");
                    bar.MaxValue = progress.TotalSteps;
                    bar.Value = progress.Step;
                }));
            });

    /// <summary>Reports at once, on the training thread; <see cref="Progress{T}"/> would reorder the reports.</summary>
    private sealed class Reporter(Action<TrainingProgress> report) : IProgress<TrainingProgress>
    {
        public void Report(TrainingProgress value) => report(value);
    }
}
