namespace MLNet.Ssl.Runs;

/// <summary>Who hears what a run says: the log, and an observer among the receivers of progress.</summary>
internal static class RunLog
{
    /// <summary>The log that an observer hears too.</summary>
    public static Action<TrainingMessage>? Of(TrainingOptions options, Action<TrainingMessage>? log) =>
        options.Progress is IRunObserver observer ? log + observer.OnMessage : log;

    /// <summary>Says what the run will do: every choice to the log, all of it to an observer.</summary>
    public static void Start(TrainingOptions options, RunDescription run, string name, Action<TrainingMessage>? log)
    {
        foreach (var choice in run.Choices) log?.Invoke(new(false, $"{name}: {choice}"));
        (options.Progress as IRunObserver)?.OnStart(run);
    }

    /// <summary>Tells an observer that the run is over.</summary>
    public static void End(TrainingOptions options) => (options.Progress as IRunObserver)?.OnEnd();
}
