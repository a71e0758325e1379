using System.Diagnostics;

namespace MLNet.Ssl.Reports;

/// <summary>
/// What a report knows of a run: copies of its reports, options and warnings, and the time it took so far.
/// </summary>
internal sealed class RunRecord
{
    private readonly long _start = Stopwatch.GetTimestamp();

    public List<PretrainProgress> Reports { get; } = [];

    public List<string> Warnings { get; } = [];

    /// <summary>Resolved; null where the run did not tell.</summary>
    public PretrainOptions? Options { get; init; }

    /// <summary>"Name = value: reason" for each option that was chosen.</summary>
    public IReadOnlyList<string> Reasons { get; init; } = [];

    /// <summary>From the beginning to the last report.</summary>
    public TimeSpan Duration { get; private set; }

    public void Add(PretrainProgress progress)
    {
        Reports.Add(progress);
        Duration = Stopwatch.GetElapsedTime(_start);
    }
}
