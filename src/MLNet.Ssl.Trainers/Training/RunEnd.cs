using System.Diagnostics;
using System.Globalization;
using MLNet.Ssl.Optimization;
using MLNet.Ssl.Runs;

namespace MLNet.Ssl.Training;

/// <summary>What may end a run before its last step, so that it returns what it learned;
/// and the line about its end.</summary>
internal sealed class RunEnd(TrainingOptions options, RunEvaluator? evaluator, StepClock first)
{
    private readonly long _start = Stopwatch.GetTimestamp();

    /// <summary>Whether the step that was just done is the last one.</summary>
    public bool IsReached => Reason is not null;

    private string? Reason =>
        options.StopToken.IsCancellationRequested ? "StopToken was cancelled"
        : options.MaxDuration is { } most && Stopwatch.GetElapsedTime(_start) >= most
        ? $"MaxDuration, {ProgressLines.Duration(most)}, is over"
        : evaluator?.IsOutOfPatience == true ? evaluator.OutOfPatience
        : null;

    /// <summary>What the log says at the end.</summary>
    /// <param name="clock">The step that would come next.</param>
    public string Describe(StepClock clock)
    {
        string took = ProgressLines.Duration(Stopwatch.GetElapsedTime(_start));
        string done = string.Create(CultureInfo.InvariantCulture, $"step {clock.Step:N0} of {clock.TotalSteps:N0}");
        if (clock.Step == clock.TotalSteps)
        {
            return string.Create(CultureInfo.InvariantCulture,
                $"The run is at its end, {done}; its {clock.Step - first.Step:N0} steps took {took}.");
        }
        return $"The run ends after {done}, {took}: {Reason ?? "another process was told so"}. What was learned is "
            + "returned"
            + (options.CheckpointFolder is null || evaluator?.IsOutOfPatience == true
                ? "." : "; Resume = true goes on from here.");
    }
}
