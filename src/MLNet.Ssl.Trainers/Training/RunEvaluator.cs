using System.Globalization;
using MLNet.Ssl.Checkpoints;
using MLNet.Ssl.Methods;
using MLNet.Ssl.Networks;
using MLNet.Ssl.Optimization;
using MLNet.Ssl.Runs;
using static TorchSharp.torch;

namespace MLNet.Ssl.Training;

/// <summary>Measures what a run learns on labelled rows, between epochs, and knows when the accuracy was best: early
/// stopping, and the best weights for the end. The run itself is only read.</summary>
internal abstract class RunEvaluator(IMeasurement told, Action<TrainingMessage>? log) : IDisposable
{
    // The best weights of this process, beside the tensors that they belong into; null where
    // they are in a checkpoint.
    private List<(Tensor Live, Tensor Kept)>? _kept;
    private double? _best;
    private double _bestEpoch, _lastEpoch;

    /// <summary>Whether the accuracy has not risen for as long as it may.</summary>
    public bool IsOutOfPatience =>
        told.Patience is { } most && _best is not null && _lastEpoch - _bestEpoch >= most * (double)told.EveryEpochs;

    /// <summary>Whether the run returns what was best, and not what it learned last.</summary>
    public bool ReturnsBest => told.ReturnBest;

    /// <summary>Why a run out of patience ends.</summary>
    public string OutOfPatience => $"the {Accuracy} no longer rises ({Option}.{nameof(IMeasurement.Patience)})";

    /// <summary>What is measured, such as "kNN accuracy".</summary>
    protected abstract string Accuracy { get; }

    /// <summary>The option that asked for it.</summary>
    protected abstract string Option { get; }

    /// <summary>How it is measured, and on how many rows.</summary>
    protected abstract string Protocol { get; }

    /// <summary>The rows that it is measured on.</summary>
    protected abstract IEnumerable<EvaluationRows> Measured { get; }

    /// <summary>The live tensors, masters in single precision, that are kept where they are the best.</summary>
    protected abstract IEnumerable<Tensor> Learned { get; }

    /// <summary>What is measured, how and on which rows: accuracies of another measure do not compare.</summary>
    public string Measure =>
        $"{Accuracy}: {Protocol}; {string.Join(", ", Measured.Select(rows => rows.Fingerprint))}";

    /// <summary>Takes over the best accuracy of before a run was interrupted, with the epochs until then and those
    /// until the last accuracy.</summary>
    public void GoOn((double Score, double Epochs, double Newest)? best)
    {
        if (best is { } before) (_best, _bestEpoch, _lastEpoch) = before;
    }

    public bool IsDueBefore(StepClock next) =>
        next.Step == next.TotalSteps || (next.Step % next.StepsPerEpoch == 0 && next.Epoch % told.EveryEpochs == 0);

    /// <summary>Measures what was learned after the step, and keeps it if it is the best; of equals the first one
    /// is.</summary>
    /// <exception cref="OperationCanceledException">The token is cancelled, which is looked at before every image:
    /// nothing was measured.</exception>
    public double MeasureAfter(StepClock step, CancellationToken cancellation, out bool best)
    {
        using var scope = NewDisposeScope();
        using var noGrad = no_grad();
        double accuracy = MeasureNow(cancellation);
        _lastEpoch = step.Next.FractionalEpoch;
        best = !(accuracy <= _best);
        if (best)
        {
            (_best, _bestEpoch) = (accuracy, _lastEpoch);
            if (ReturnsBest) Keep();
            OnBest();
        }
        log?.Invoke(new(false, string.Create(CultureInfo.InvariantCulture,
            $"Epoch {step.Epoch + 1}: {Accuracy} {accuracy:0.0000} ({Protocol})") + (best ? ", the best so far."
                : string.Create(CultureInfo.InvariantCulture, $"; the best is {_best:0.0000}."))));
        return accuracy;
    }

    /// <summary>Measures what the run is to be compared with, before its first step.</summary>
    public abstract void TellBaseline(IRunObserver observer, CancellationToken cancellation);

    /// <summary>The progress with an accuracy that was measured.</summary>
    public abstract TrainingProgress With(TrainingProgress progress, double accuracy);

    /// <summary>Puts the best weights back, if that is what the run returns.</summary>
    public void TakeBest(RunCheckpoints checkpoints)
    {
        if (!ReturnsBest || _best is not { } best) return;
        using var noGrad = no_grad();
        if (_kept is null && !checkpoints.TakeBest())
        {
            log?.Invoke(new(true, "The best weights are in no checkpoint any more: the last ones are returned."));
            return;
        }
        foreach (var (live, kept) in _kept ?? []) live.copy_(kept);
        MixedPrecision.Refresh((_kept ?? []).Select(pair => pair.Live));
        log?.Invoke(new(false, string.Create(CultureInfo.InvariantCulture,
            $"What was learned by epoch {Math.Ceiling(_bestEpoch):0} is returned: {Accuracy} {best:0.0000}.")));
    }

    public void Dispose() => Forget();

    /// <summary>The accuracy of what is learned now.</summary>
    protected abstract double MeasureNow(CancellationToken cancellation);

    /// <summary>What was just measured is the best so far.</summary>
    protected virtual void OnBest() { }

    private void Keep()
    {
        Forget();
        _kept = [.. Learned.Select(tensor => (tensor, tensor.detach().clone().DetachFromDisposeScope()))];
    }

    private void Forget()
    {
        foreach (var (_, kept) in _kept ?? []) kept.Dispose();
        _kept = null;
    }
}
