using System.Diagnostics;
using MLNet.Ssl.Runs;

namespace MLNet.Ssl.Reports;

/// <summary>
/// What a report knows of a run: copies of its reports, options and warnings, and the time it took so far.
/// </summary>
internal sealed class RunRecord
{
    private readonly long _start = Stopwatch.GetTimestamp();

    public List<TrainingProgress> Reports { get; } = [];

    public List<string> Warnings { get; } = [];

    /// <summary>What the run was to do; null where it did not tell.</summary>
    public RunDescription? Description { get; init; }

    /// <summary>What the measured accuracy is to be compared with; null where none is measured.</summary>
    public (double? Untrained, double Chance)? Baseline { get; set; }

    /// <summary>From the beginning to the last report.</summary>
    public TimeSpan Duration { get; private set; }

    public void Add(TrainingProgress progress)
    {
        Reports.Add(progress);
        Duration = Stopwatch.GetElapsedTime(_start);
    }
}
