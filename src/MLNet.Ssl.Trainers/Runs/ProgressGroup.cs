using MLNet.Ssl.Runs;

namespace MLNet.Ssl;

/// <summary>Hands the progress of a run to several receivers, one after the other, on the training thread.</summary>
/// <example><code>
/// var options = new SimClrOptions { Progress = new ProgressGroup(bar, report, tensorBoard) };
/// </code></example>
public sealed class ProgressGroup : IProgress<PretrainProgress>, IRunObserver
{
    private readonly IProgress<PretrainProgress>[] _receivers;

    /// <summary>Joins receivers.</summary>
    /// <param name="receivers">Who is told, in this order; a <c>PretrainReport</c> or <see cref="TensorBoardWriter"/> may be among them.</param>
    /// <exception cref="ArgumentNullException">A receiver is null.</exception>
    public ProgressGroup(params IReadOnlyList<IProgress<PretrainProgress>> receivers)
    {
        ArgumentNullException.ThrowIfNull(receivers);
        foreach (var receiver in receivers) ArgumentNullException.ThrowIfNull(receiver, nameof(receivers));
        _receivers = [.. receivers];
    }

    /// <inheritdoc/>
    public void Report(PretrainProgress value)
    {
        foreach (var receiver in _receivers) receiver.Report(value);
    }

    void IRunObserver.Begin(PretrainOptions options, IReadOnlyList<string> reasons)
    {
        foreach (var observer in _receivers.OfType<IRunObserver>()) observer.Begin(options, reasons);
    }

    void IRunObserver.Say(PretrainMessage message)
    {
        foreach (var observer in _receivers.OfType<IRunObserver>()) observer.Say(message);
    }
}
