using System.Globalization;
using MLNet.Ssl.Inference;
using MLNet.Ssl.Methods;
using MLNet.Ssl.Networks;
using MLNet.Ssl.Runs;
using MLNet.Ssl.Tensors;
using MLNet.Ssl.Training;
using static TorchSharp.torch;

namespace MLNet.Ssl.FineTuning;

/// <summary>Carries out a <see cref="ClassifierValidation"/> on a copy of the classifier that is trained.</summary>
/// <param name="validation">What is measured.</param>
/// <param name="method">Trains the classifier, which is all of its state.</param>
/// <param name="network">The classifier.</param>
/// <param name="copy">One of the same architecture, which is overwritten; it stays the caller's.</param>
/// <param name="log">Receives every accuracy.</param>
internal sealed class ValidationEvaluator(
    ClassifierValidation validation, Method method, ClassifierNetwork network, ImageEncoder copy,
    Action<TrainingMessage>? log)
    : RunEvaluator(validation, log)
{
    protected override string Accuracy => "validation accuracy";

    protected override string Option => nameof(SupervisedOptions.Validation);

    protected override string Protocol =>
        string.Create(CultureInfo.InvariantCulture, $"{validation.Rows.Count:N0} images");

    protected override IEnumerable<EvaluationRows> Measured => [validation.Rows];

    protected override IEnumerable<Tensor> Learned => method.State.Select(entry => entry.Value);

    public override TrainingProgress With(TrainingProgress progress, double accuracy) =>
        progress with { ValidationAccuracy = accuracy };

    // A classifier that has learned nothing yet names one class alone.
    public override void TellBaseline(IRunObserver observer, CancellationToken cancellation) =>
        observer.OnBaseline(null,
            validation.Rows.Labels.CountBy(label => label).Max(c => c.Value) / (double)validation.Rows.Count);

    protected override double MeasureNow(CancellationToken cancellation)
    {
        copy.Load(network.Weights());
        var predicted = copy.Embed(validation.Rows.Images!, cancellation: cancellation).argmax(1);
        // What stands in the place of an image that could not be read is known by now.
        var labels = tensor(validation.Rows.EmbeddedLabels).to(predicted.device);
        return predicted.eq(labels).to(ScalarType.Float64).mean().ToNumber();
    }
}
