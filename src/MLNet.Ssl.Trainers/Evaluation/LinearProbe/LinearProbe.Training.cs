using MLNet.Ssl.Evaluation;
using MLNet.Ssl.Options;
using MLNet.Ssl.Tensors;
using static TorchSharp.torch;

namespace MLNet.Ssl;

/// <content>Training.</content>
public sealed partial class LinearProbe
{
    /// <summary>Trains on fixed features.</summary>
    /// <param name="features">Training features (N,D), float, on the device to train on.</param>
    /// <param name="labels">Class of each row (N), int64, 0 to <paramref name="numberOfClasses"/> − 1; at least two
    /// classes occur.</param>
    /// <param name="numberOfClasses">Number of classes C, at least 2.</param>
    /// <param name="options">Options. Null means the defaults.</param>
    /// <param name="validationFeatures">Features (M,D) that every rate is measured on. They are needed where there is a
    /// choice to make: several learning rates, or the best epoch.</param>
    /// <param name="validationLabels">Classes of the validation rows (M).</param>
    /// <exception cref="ArgumentException">Shapes that do not fit, features that are not finite, labels or options out
    /// of range, validation rows missing.
    /// </exception>
    /// <exception cref="InvalidOperationException">Training diverged at every learning rate.</exception>
    public static LinearProbe Train(Tensor features, Tensor labels, int numberOfClasses,
        LinearProbeOptions? options = null, Tensor? validationFeatures = null, Tensor? validationLabels = null)
    {
        ArgumentNullException.ThrowIfNull(features);
        return Train(_ => features, labels, numberOfClasses, options, validationFeatures, validationLabels);
    }

    /// <summary>Trains on features that change from epoch to epoch, as those of augmented images do.</summary>
    /// <param name="epochFeatures">Gives the features (N,D) of an epoch, which counts from 0; rows are in the labels'
    /// order. What it gives for epoch 0 is asked for once. The caller keeps ownership of the tensors.</param>
    /// <inheritdoc cref="Train(Tensor, Tensor, int, LinearProbeOptions, Tensor, Tensor)"/>
    public static LinearProbe Train(Func<int, Tensor> epochFeatures, Tensor labels, int numberOfClasses,
        LinearProbeOptions? options = null, Tensor? validationFeatures = null, Tensor? validationLabels = null)
    {
        ArgumentNullException.ThrowIfNull(epochFeatures);
        options ??= new();
        options.Validate();
        Check.AtLeast(numberOfClasses, 2);
        var features = epochFeatures(0);
        FeatureRows.Check(features, labels, numberOfClasses);
        bool validates = validationFeatures is not null || validationLabels is not null;
        if (validates)
        {
            FeatureRows.Check(validationFeatures!, validationLabels!, numberOfClasses, nameof(validationFeatures),
                nameof(validationLabels));
            FeatureRows.CheckWidth(validationFeatures!, (int)features.shape[1], nameof(validationFeatures));
        }
        else if (options.LearningRates.Count > 1 || options.KeepsBestEpoch)
        {
            throw new ArgumentException(
                "There are no validation rows, but LearningRates has several to choose from, "
                + "or KeepsBestEpoch an epoch.", nameof(validationFeatures));
        }

        using var scope = NewDisposeScope();
        using var mode = no_grad();
        var device = features.device;
        labels = labels.to(device);
        if (labels.min().item<long>() == labels.max().item<long>())
            throw new ArgumentException(
                $"All {labels.shape[0]} labels are {labels.min().item<long>()}; expected at least two classes.",
                nameof(labels));

        int batch = (int)Math.Min(options.BatchSize, features.shape[0]);
        double scale = options.ScalesLearningRate ? batch / 256.0 : 1;
        var (weight, bias) = Initial(numberOfClasses, features.shape[1], options, device);
        using var sweep =
            new LinearProbeSweep(weight, bias, options, [.. options.LearningRates.Select(rate => rate * scale)]);
        var kept = new KeptWeights(
            sweep, validates ? (validationFeatures!.to(device), validationLabels!.to(device)) : null);
        double[] losses = [];
        for (int epoch = 0; epoch < options.Epochs; epoch++)
        {
            options.CancellationToken.ThrowIfCancellationRequested();
            if (epoch > 0)
            {
                features = epochFeatures(epoch);
                FeatureRows.Check(features, labels, numberOfClasses, nameof(epochFeatures));
                FeatureRows.CheckWidth(features, (int)weight.shape[1], nameof(epochFeatures));
            }
            losses = sweep.Epoch(features, labels, batch, epoch);
            if (options.KeepsBestEpoch || epoch == options.Epochs - 1) kept.Update(epoch + 1);
        }

        LinearProbeAccuracy[] results = [.. options.LearningRates.Select((rate, r) => new LinearProbeAccuracy(
            rate, rate * scale, batch, kept.Epochs[r], losses[r], kept.Accuracies[r].Top1, kept.Accuracies[r].TopK,
            LabelRank.TopK(numberOfClasses)))];
        int best = Enumerable.Range(0, results.Length).OrderByDescending(r => results[r].Accuracy)
            .ThenBy(r => results[r].LearningRate).First();
        var (chosenWeight, chosenBias) = kept.Of(best);
        if (!chosenWeight.isfinite().all().item<bool>() || !chosenBias.isfinite().all().item<bool>())
        {
            throw new InvalidOperationException(
                $"Training diverged at every learning rate ({string.Join(", ", options.LearningRates)}): "
                + "the features are too large.");
        }
        return new(chosenWeight.DetachFromDisposeScope(), chosenBias.DetachFromDisposeScope(), results, results[best]);
    }

    private static (Tensor Weight, Tensor Bias) Initial(int classes, long width, LinearProbeOptions options,
        Device device)
    {
        using var generator = new Generator((ulong)options.Seed, CPU);
        var weight = zeros(classes, width);
        if (options.Initialization == ProbeInitialization.Normal) weight.normal_(0, 0.01, generator);
        // By the inverse distribution function: the normal distribution has this share within two deviations.
        const double Within = 0.954499736;
        if (options.Initialization == ProbeInitialization.TruncatedNormal)
            weight.uniform_(-Within, Within, generator).erfinv_().Mul_(Math.Sqrt(2.0 / width));
        return (weight.to(device), zeros(classes, device: device));
    }
}
