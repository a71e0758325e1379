namespace MLNet.Ssl.Runs;

/// <summary>A receiver of progress that also hears what a run was told and says.</summary>
internal interface IRunObserver : IProgress<PretrainProgress>
{
    /// <summary>A run begins, with these resolved options; a reason for each that was chosen, as "Name = value: reason".</summary>
    void Begin(PretrainOptions options, IReadOnlyList<string> reasons);

    /// <summary>A line of the run's log.</summary>
    void Say(PretrainMessage message);
}
