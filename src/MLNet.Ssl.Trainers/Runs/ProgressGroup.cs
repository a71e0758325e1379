using MLNet.Ssl.Runs;

namespace MLNet.Ssl;

/// <summary>Hands the progress of a run to several receivers, one after the other, on the training thread.</summary>
/// <example><code>
/// var options = new SimClrOptions { Progress = new ProgressGroup(new ConsoleProgress(), report, tensorBoard) };
/// </code></example>
public sealed class ProgressGroup : IProgress<TrainingProgress>, IRunObserver
{
    private readonly IProgress<TrainingProgress>[] _receivers;

    /// <summary>Joins receivers.</summary>
    /// <param name="receivers">Who is told, in this order; a <c>PretrainReport</c>, <see cref="TensorBoardWriter"/> or
    /// <see cref="ConsoleProgress"/> may be among them.</param>
    /// <exception cref="ArgumentNullException">A receiver is null.</exception>
    public ProgressGroup(params IReadOnlyList<IProgress<TrainingProgress>> receivers)
    {
        ArgumentNullException.ThrowIfNull(receivers);
        foreach (var receiver in receivers) ArgumentNullException.ThrowIfNull(receiver, nameof(receivers));
        _receivers = [.. receivers];
    }

    /// <inheritdoc/>
    public void Report(TrainingProgress value)
    {
        foreach (var receiver in _receivers) receiver.Report(value);
    }

    void IRunObserver.OnStart(RunDescription run)
    {
        foreach (var observer in _receivers.OfType<IRunObserver>()) observer.OnStart(run);
    }

    void IRunObserver.OnMessage(TrainingMessage message)
    {
        foreach (var observer in _receivers.OfType<IRunObserver>()) observer.OnMessage(message);
    }

    bool IRunObserver.WantsBaseline => _receivers.OfType<IRunObserver>().Any(observer => observer.WantsBaseline);

    void IRunObserver.OnBaseline(double? untrained, double chance)
    {
        foreach (var observer in _receivers.OfType<IRunObserver>()) observer.OnBaseline(untrained, chance);
    }

    void IRunObserver.OnEnd()
    {
        foreach (var observer in _receivers.OfType<IRunObserver>()) observer.OnEnd();
    }
}
