using System.Globalization;
using MLNet.Ssl.Inference;
using MLNet.Ssl.Methods;
using MLNet.Ssl.Networks;
using MLNet.Ssl.Optimization;
using static TorchSharp.torch;

namespace MLNet.Ssl.Training;

/// <summary>Carries out an <see cref="OnlineEvaluation"/> on a copy of a method's encoder, in evaluation mode: the method itself is only read.</summary>
internal sealed class OnlineEvaluator : IDisposable
{
    private readonly OnlineEvaluation _evaluation;
    private readonly Method _method;
    private readonly Encoder _copy;
    private readonly Action<TrainingMessage>? _log;

    /// <param name="evaluation">What is measured.</param>
    /// <param name="method">The method whose encoder is measured.</param>
    /// <param name="copy">An encoder of the same network, which is overwritten.</param>
    /// <param name="log">Receives every accuracy.</param>
    public OnlineEvaluator(OnlineEvaluation evaluation, Method method, Encoder copy, Action<TrainingMessage>? log) =>
        (_evaluation, _method, _copy, _log) = (evaluation, method, copy, log);

    /// <summary>The best accuracy so far, also that of before a run was interrupted; null for none.</summary>
    public double? Best { get; set; }

    public bool IsDueBefore(StepClock next) =>
        next.Step == next.TotalSteps || (next.Step % next.StepsPerEpoch == 0 && next.Epoch % _evaluation.EveryEpochs == 0);

    /// <summary>Measures the encoder as it is after <paramref name="epoch"/> epochs, and keeps it if it is the best.</summary>
    public double Measure(int epoch, out bool best)
    {
        using var scope = NewDisposeScope();
        using var noGrad = no_grad();
        _copy.Load(_method.Encoder.Weights());
        double accuracy = Accuracy(_evaluation, _copy);
        best = !(accuracy <= Best);
        if (best)
        {
            Best = accuracy;
            if (_evaluation.BestEncoderPath is { } path) _copy.SaveSafeTensors(path);
        }
        var (train, test) = (_evaluation.TrainRows.Count, _evaluation.TestRows.Count);
        _log?.Invoke(new(false, string.Create(CultureInfo.InvariantCulture,
            $"Epoch {epoch}: kNN accuracy {accuracy:0.0000} (k = {_evaluation.NumberOfNeighbors}, T = 0.07, ")
            + string.Create(CultureInfo.InvariantCulture, $"{train:N0} rows remembered, {test:N0} classified)")
            + (best ? ", the best so far." : string.Create(CultureInfo.InvariantCulture, $"; the best is {Best:0.0000}."))));
        return accuracy;
    }

    /// <summary>Share of the test rows that a kNN classifies right.</summary>
    public static double Accuracy(OnlineEvaluation evaluation, Encoder encoder)
    {
        var (train, test, k) = (evaluation.TrainRows, evaluation.TestRows, evaluation.NumberOfNeighbors);
        int classes = 1 + (int)Math.Max(train.Labels.Max(), test.Labels.Max());
        using var scope = NewDisposeScope();
        using var knn = new WeightedKnn(Embed(encoder, train), tensor(train.Labels), classes, k);
        return knn.Accuracy(Embed(encoder, test), tensor(test.Labels), [k])[0].Accuracy;
    }

    public void Dispose() => _copy.Dispose();

    private static Tensor Embed(Encoder encoder, EvaluationRows rows) => rows.Images is { } images
        ? ((ImageEncoder)encoder).Embed(images)
        : ((TableEncoder)encoder).Embed(rows.Table!);
}
