using System.Globalization;
using MLNet.Ssl.Methods;
using MLNet.Ssl.Networks;
using MLNet.Ssl.Runs;
using TorchSharp;
using static TorchSharp.torch;

namespace MLNet.Ssl.Training;

/// <summary>Carries out an <see cref="OnlineEvaluation"/> on a copy of a method's encoder, in evaluation mode: the method itself is only read.</summary>
internal sealed class OnlineEvaluator : IDisposable
{
    private readonly OnlineEvaluation _evaluation;
    private readonly Method _method;
    private readonly Encoder _copy;
    private readonly Action<PretrainMessage>? _log;
    private double _best;

    /// <param name="options">Resolved options, with an evaluation.</param>
    /// <param name="method">The method whose encoder is measured.</param>
    /// <param name="encoderOf">Makes an encoder of a backbone.</param>
    /// <param name="best">The best accuracy before a run was interrupted; null for none.</param>
    /// <param name="device">Where the method is.</param>
    /// <param name="log">Receives every accuracy.</param>
    public OnlineEvaluator(
        PretrainOptions options, Method method, Func<Backbone, Encoder> encoderOf, double? best, Device device, Action<PretrainMessage>? log)
    {
        (_evaluation, _method, _best, _log) = (options.Evaluation!, method, best ?? double.NegativeInfinity, log);
        // Weights of its own, which are overwritten, from a generator of its own: the run's must not move.
        using var generator = new Generator(0, CPU);
        _copy = encoderOf(options.Backbone!.Create(generator).to(device));
    }

    public bool IsDueBefore(StepClock next) =>
        next.Step == next.TotalSteps || (next.Step % next.StepsPerEpoch == 0 && next.Epoch % _evaluation.EveryEpochs == 0);

    /// <summary>Measures the encoder as it is after <paramref name="epoch"/> epochs, and keeps it if it is the best.</summary>
    public double Measure(int epoch, out bool best)
    {
        using var scope = NewDisposeScope();
        using var noGrad = no_grad();
        _copy.Backbone.load_state_dict(_method.Encoder.state_dict());
        double accuracy = _evaluation.Accuracy(_copy);
        best = accuracy > _best;
        if (best)
        {
            _best = accuracy;
            if (_evaluation.BestEncoderPath is { } path) _copy.SaveSafeTensors(path);
        }
        var (train, test) = _evaluation.Rows;
        _log?.Invoke(new(false, string.Create(CultureInfo.InvariantCulture,
            $"Epoch {epoch}: kNN accuracy {accuracy:0.0000} (k = {_evaluation.NumberOfNeighbors}, T = 0.07, {train:N0} rows remembered, {test:N0} classified)")
            + (best ? ", the best so far." : $"; the best is {_best.ToString("0.0000", CultureInfo.InvariantCulture)}.")));
        return accuracy;
    }

    public void Dispose() => _copy.Dispose();
}
