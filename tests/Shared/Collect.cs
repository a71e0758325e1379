namespace MLNet.Ssl.Tests;

/// <summary>Hands a run's progress over as it comes.</summary>
internal sealed class Collect(Action<TrainingProgress> report) : IProgress<TrainingProgress>
{
    public void Report(TrainingProgress value) => report(value);
}
