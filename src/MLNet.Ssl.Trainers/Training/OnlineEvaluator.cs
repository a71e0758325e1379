using System.Globalization;
using MLNet.Ssl.Checkpoints;
using MLNet.Ssl.Inference;
using MLNet.Ssl.Methods;
using MLNet.Ssl.Networks;
using MLNet.Ssl.Optimization;
using MLNet.Ssl.Runs;
using static TorchSharp.torch;

namespace MLNet.Ssl.Training;

/// <summary>Carries out an <see cref="OnlineEvaluation"/> on a copy of a method's encoder, in evaluation mode: the
/// method itself is only read.</summary>
internal sealed class OnlineEvaluator : IDisposable
{
    private readonly OnlineEvaluation _evaluation;
    private readonly Method _method;
    private readonly Encoder _copy;
    private readonly Action<TrainingMessage>? _log;

    // Weights of the best encoder of this process, beside the tensors that they belong
    // into; null where it is in a checkpoint.
    private List<(Tensor Live, Tensor Kept)>? _kept;
    private double? _best;
    private double _bestEpoch, _lastEpoch;

    /// <param name="evaluation">What is measured.</param>
    /// <param name="method">The method whose encoder is measured.</param>
    /// <param name="copy">An encoder of the same network, which is overwritten; it stays the caller's.</param>
    /// <param name="log">Receives every accuracy.</param>
    public OnlineEvaluator(OnlineEvaluation evaluation, Method method, Encoder copy, Action<TrainingMessage>? log) =>
        (_evaluation, _method, _copy, _log) = (evaluation, method, copy, log);

    /// <summary>Whether the accuracy has not risen for as long as it may.</summary>
    public bool IsOutOfPatience =>
        _evaluation.Patience is { } most && _best is not null
            && _lastEpoch - _bestEpoch >= most * (double)_evaluation.EveryEpochs;

    /// <summary>Takes over the best accuracy of before a run was interrupted, with the epochs until then.</summary>
    public void GoOn((double Score, double Epochs)? best)
    {
        if (best is { } before) (_best, _bestEpoch) = before;
    }

    public bool IsDueBefore(StepClock next) =>
        next.Step == next.TotalSteps
            || (next.Step % next.StepsPerEpoch == 0 && next.Epoch % _evaluation.EveryEpochs == 0);

    /// <summary>Measures the encoder as it is after the step, and keeps it if it is the best.</summary>
    public double Measure(StepClock step, out bool best)
    {
        using var scope = NewDisposeScope();
        using var noGrad = no_grad();
        _lastEpoch = step.Next.FractionalEpoch;
        _copy.Load(_method.Encoder.Weights());
        double accuracy = Accuracy(_evaluation, _copy);
        best = !(accuracy <= _best);
        if (best)
        {
            (_best, _bestEpoch) = (accuracy, _lastEpoch);
            if (_evaluation.ReturnBest) Keep();
            if (_evaluation.BestEncoderPath is { } path) _copy.SaveSafeTensors(path);
        }
        var (train, test) = (_evaluation.TrainRows.Count, _evaluation.TestRows.Count);
        _log?.Invoke(new(false, string.Create(CultureInfo.InvariantCulture,
            $"Epoch {step.Epoch + 1}: kNN accuracy {accuracy:0.0000} (k = {_evaluation.NumberOfNeighbors}, T = 0.07, ")
            + string.Create(CultureInfo.InvariantCulture, $"{train:N0} rows remembered, {test:N0} classified)")
            + (best ? ", the best so far."
                : string.Create(CultureInfo.InvariantCulture, $"; the best is {_best:0.0000}."))));
        return accuracy;
    }

    /// <summary>Measures what the run is to be compared with, before its first step.</summary>
    public void TellBaseline(IRunObserver observer)
    {
        using var noGrad = no_grad();
        _copy.Load(_method.Encoder.Weights());
        long common = _evaluation.TrainRows.Labels.CountBy(label => label).MaxBy(c => c.Value).Key;
        observer.OnBaseline(Accuracy(_evaluation, _copy),
            _evaluation.TestRows.Labels.Average(label => label == common ? 1.0 : 0));
    }

    /// <summary>Share of the test rows that a kNN classifies right.</summary>
    public static double Accuracy(OnlineEvaluation evaluation, Encoder encoder)
    {
        var (train, test, k) = (evaluation.TrainRows, evaluation.TestRows, evaluation.NumberOfNeighbors);
        int classes = 1 + (int)Math.Max(train.Labels.Max(), test.Labels.Max());
        using var scope = NewDisposeScope();
        var remembered = Embed(encoder, train);
        using var knn = new WeightedKnn(remembered, tensor(train.EmbeddedLabels), classes, k);
        var classified = Embed(encoder, test);
        return knn.Accuracy(classified, tensor(test.EmbeddedLabels), [k])[0].Accuracy;
    }

    /// <summary>Puts the weights of the best encoder back into the method, if that is what the run returns.</summary>
    public void TakeBest(RunCheckpoints checkpoints)
    {
        if (!_evaluation.ReturnBest || _best is not { } best) return;
        using var noGrad = no_grad();
        if (_kept is null && !checkpoints.TakeBest())
        {
            _log?.Invoke(new(true, "The best encoder is in no checkpoint any more: the last one is returned."));
            return;
        }
        foreach (var (live, kept) in _kept ?? []) live.copy_(kept);
        MixedPrecision.Refresh((_kept ?? []).Select(pair => pair.Live));
        _log?.Invoke(new(false, string.Create(CultureInfo.InvariantCulture,
            $"The encoder of epoch {Math.Ceiling(_bestEpoch):0} is returned: kNN accuracy {best:0.0000}.")));
    }

    public void Dispose() => Forget();

    private void Keep()
    {
        Forget();
        IEnumerable<Tensor> live = _method.Encoder.Weights().Values;
        if (_method.ProjectionHead is { } head) live = live.Concat(head.Weights().Values);
        _kept = [.. live.Select(tensor => (tensor, tensor.detach().clone().DetachFromDisposeScope()))];
    }

    private void Forget()
    {
        foreach (var (_, kept) in _kept ?? []) kept.Dispose();
        _kept = null;
    }

    private static Tensor Embed(Encoder encoder, EvaluationRows rows) => rows.Images is { } images
        ? ((ImageEncoder)encoder).Embed(images)
        : ((TableEncoder)encoder).Embed(rows.Table!);
}
