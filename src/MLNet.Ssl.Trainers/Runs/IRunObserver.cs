namespace MLNet.Ssl.Runs;

/// <summary>A receiver of progress that is also told what a run will do, and what it logs.</summary>
internal interface IRunObserver : IProgress<TrainingProgress>
{
    /// <summary>A run begins.</summary>
    void OnStart(RunDescription run);

    /// <summary>The run logs a line.</summary>
    void OnMessage(TrainingMessage message);

    /// <summary>Whether it takes <see cref="OnBaseline"/>, which costs an evaluation.</summary>
    bool WantsBaseline => false;

    /// <summary>What the accuracy that is measured is to be compared with.</summary>
    /// <param name="untrained">That of the encoder as it was before the run; null where nothing can be told
    /// then.</param>
    /// <param name="chance">That of always naming the most common class.</param>
    void OnBaseline(double? untrained, double chance) { }

    /// <summary>The run is over, also by an error.</summary>
    void OnEnd() { }
}

/// <summary>What a run will do.</summary>
/// <param name="Title">Such as "Pretraining with DINO".</param>
/// <param name="Options">Every option that what is learned depends on, as text by name,
/// Auto ones as they were chosen.</param>
/// <param name="Choices">What was chosen for Auto options, and why.</param>
/// <param name="Views">How images become views; none for rows of a table.</param>
/// <param name="ViewSeed">The seed that the views are drawn from.</param>
/// <param name="Threads">Processor threads.</param>
internal sealed record RunDescription(
    string Title,
    IReadOnlyDictionary<string, string> Options,
    IReadOnlyList<Choice> Choices,
    IReadOnlyList<ViewRecipe> Views,
    ulong ViewSeed,
    int Threads)
{
    /// <summary>Rows that are learned from; null where the run does not tell.</summary>
    public long? Rows { get; init; }
}
