using System.Diagnostics;
using MLNet.Ssl.Methods;
using MLNet.Ssl.Optimization;
using MLNet.Ssl.Tensors;
using static TorchSharp.torch;

namespace MLNet.Ssl.Training;

/// <summary>Sums up the steps between two reports.</summary>
internal sealed class RunReport(ViewLoader loader, long firstStep)
{
    private static readonly TimeSpan Interval = TimeSpan.FromSeconds(0.5);

    private readonly long _runStart = Stopwatch.GetTimestamp();
    private readonly List<Tensor> _unread = [];
    private long _start = Stopwatch.GetTimestamp();
    private TimeSpan _waitedBefore;
    private long _steps, _rows;
    private TimeSpan? _firstStepTook;
    private double _lossSum;

    public bool IsDue => Stopwatch.GetElapsedTime(_start) >= Interval;

    /// <summary>What passed since the last report is not training time.</summary>
    public void Restart() => _start = Stopwatch.GetTimestamp();

    /// <param name="loss">Loss of a step.</param>
    /// <param name="rows">Rows of the step.</param>
    public void Add(Tensor loss, long rows)
    {
        _firstStepTook ??= Stopwatch.GetElapsedTime(_runStart);
        _steps++;
        _rows += rows;
        _unread.Add(loss.DetachFromDisposeScope());
    }

    /// <summary>Reads the losses of the steps since it was last called.</summary>
    /// <exception cref="ArithmeticException">One of them is not finite.</exception>
    public void CheckFinite(StepClock clock)
    {
        foreach (var loss in _unread)
        {
            _lossSum += loss.ToNumber();
            loss.Dispose();
        }
        _unread.Clear();
        if (double.IsFinite(_lossSum)) return;
        throw new ArithmeticException(
            $"the loss is not finite at step {clock.Step} (epoch {clock.Epoch + 1}): lower LearningRate, or clip "
            + "gradients.");
    }

    /// <summary>The report of the steps since the last one.</summary>
    public TrainingProgress Take(MethodOutput output, StepClock clock, double learningRate, bool measuresSpread)
    {
        var elapsed = Stopwatch.GetElapsedTime(_start);
        var run = Stopwatch.GetElapsedTime(_runStart);
        long done = clock.Step + 1;
        // A first step takes longer than others: kernels are chosen and memory is found.
        var (time, steps) = done - firstStep > 1 ? (run - _firstStepTook!.Value, done - firstStep - 1) : (run, 1);
        var remaining = time * ((clock.TotalSteps - done) / (double)steps);
        var progress = new TrainingProgress(
            done, clock.TotalSteps, clock.Epoch + 1, clock.Epochs, _lossSum / _steps, learningRate,
            _rows / elapsed.TotalSeconds, Math.Min(1, (loader.Waited - _waitedBefore) / elapsed), remaining,
            measuresSpread ? Spread(output.Embeddings) : null, output.TeacherEntropy?.ToNumber());
        (_start, _waitedBefore, _steps, _rows, _lossSum) = (Stopwatch.GetTimestamp(), loader.Waited, 0, 0, 0);
        return progress;
    }

    private static double Spread(Tensor embeddings)
    {
        using var scope = NewDisposeScope();
        return NtXent.Normalize(embeddings).std(0, true).mean().ToNumber() * Math.Sqrt(embeddings.size(1));
    }
}
