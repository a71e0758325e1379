using System.Globalization;
using MLNet.Ssl.Inference;
using MLNet.Ssl.Methods;
using MLNet.Ssl.Networks;
using MLNet.Ssl.Runs;
using static TorchSharp.torch;

namespace MLNet.Ssl.Training;

/// <summary>Carries out an <see cref="OnlineEvaluation"/> on a copy of a method's encoder, in evaluation
/// mode.</summary>
/// <param name="evaluation">What is measured.</param>
/// <param name="method">The method whose encoder is measured.</param>
/// <param name="copy">An encoder of the same network, which is overwritten; it stays the caller's.</param>
/// <param name="log">Receives every accuracy.</param>
internal sealed class OnlineEvaluator(
    OnlineEvaluation evaluation, Method method, Encoder copy, Action<TrainingMessage>? log)
    : RunEvaluator(evaluation, log)
{
    protected override string Accuracy => "kNN accuracy";

    protected override string Option => nameof(PretrainOptions.Evaluation);

    protected override string Protocol => string.Create(CultureInfo.InvariantCulture,
        $"k = {evaluation.NumberOfNeighbors}, T = 0.07, {evaluation.TrainRows.Count:N0} rows remembered, ")
        + string.Create(CultureInfo.InvariantCulture, $"{evaluation.TestRows.Count:N0} classified");

    protected override IEnumerable<EvaluationRows> Measured => [evaluation.TrainRows, evaluation.TestRows];

    protected override IEnumerable<Tensor> Learned => method.ProjectionHead is { } head
        ? method.Encoder.Weights().Values.Concat(head.Weights().Values)
        : method.Encoder.Weights().Values;

    public override TrainingProgress With(TrainingProgress progress, double accuracy) =>
        progress with { KnnAccuracy = accuracy };

    public override void TellBaseline(IRunObserver observer, CancellationToken cancellation)
    {
        using var noGrad = no_grad();
        long common = evaluation.TrainRows.Labels.CountBy(label => label).MaxBy(c => c.Value).Key;
        observer.OnBaseline(MeasureNow(cancellation),
            evaluation.TestRows.Labels.Average(label => label == common ? 1.0 : 0));
    }

    protected override double MeasureNow(CancellationToken cancellation)
    {
        copy.Load(method.Encoder.Weights());
        return AccuracyOf(evaluation, copy, cancellation);
    }

    protected override void OnBest()
    {
        if (evaluation.BestEncoderPath is { } path) copy.SaveSafeTensors(path);
    }

    /// <summary>Share of the test rows that a kNN classifies right.</summary>
    private static double AccuracyOf(OnlineEvaluation evaluation, Encoder encoder, CancellationToken cancellation)
    {
        var (train, test, k) = (evaluation.TrainRows, evaluation.TestRows, evaluation.NumberOfNeighbors);
        int classes = 1 + (int)Math.Max(train.Labels.Max(), test.Labels.Max());
        using var scope = NewDisposeScope();
        var remembered = Embed(encoder, train, cancellation);
        if (!remembered.isfinite().all().item<bool>())
            throw new ArithmeticException(
                "the embeddings of the evaluation are not finite: lower LearningRate, or clip gradients.");
        using var knn = new WeightedKnn(remembered, tensor(train.EmbeddedLabels), classes, k);
        var classified = Embed(encoder, test, cancellation);
        return knn.Accuracy(classified, tensor(test.EmbeddedLabels), [k])[0].Accuracy;
    }

    private static Tensor Embed(Encoder encoder, EvaluationRows rows, CancellationToken cancellation) =>
        rows.Images is { } images
        ? ((ImageEncoder)encoder).Embed(images, cancellation: cancellation)
        : ((TableEncoder)encoder).Embed(rows.Table!);
}
