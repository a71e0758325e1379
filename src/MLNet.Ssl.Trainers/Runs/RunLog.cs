namespace MLNet.Ssl.Runs;

/// <summary>Who hears what a run says: the log, and an observer among the receivers of progress.</summary>
internal static class RunLog
{
    /// <summary>The log that an observer hears too; of several processes rank 0's alone.</summary>
    public static Action<TrainingMessage>? Of(TrainingOptions options, Action<TrainingMessage>? log) =>
        World.Rank > 0 ? null : options.Progress is IRunObserver observer ? log + observer.OnMessage : log;

    /// <summary>What a process is told: of several, rank 0 alone writes and reports.</summary>
    public static T OfThisRank<T>(T options) where T : TrainingOptions => World.Rank == 0 ? options
        : (T)(options with { CheckpointFolder = null, Resume = false, Progress = null });

    /// <summary>Says what the run will do: every choice to the log, all of it to an observer.</summary>
    public static void Start(TrainingOptions options, RunDescription run, string name, Action<TrainingMessage>? log)
    {
        foreach (var choice in run.Choices) log?.Invoke(new(false, $"{name}: {choice}"));
        (options.Progress as IRunObserver)?.OnStart(run);
    }

    /// <summary>Tells an observer that the run is over.</summary>
    public static void End(TrainingOptions options) => (options.Progress as IRunObserver)?.OnEnd();
}
