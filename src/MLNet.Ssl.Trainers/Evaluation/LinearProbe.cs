using static TorchSharp.torch;

namespace MLNet.Ssl;

/// <summary>
/// The linear probe by which frozen features are measured: multinomial logistic regression by SGD, as the published protocols run it
/// (<see cref="LinearProbeOptions"/>), for many learning rates at once. Safe to use from several threads.
/// </summary>
/// <example><code>
/// using var probe = LinearProbe.Train(features, labels, classes, LinearProbeOptions.Dino, testFeatures, testLabels);
/// Console.WriteLine($"{probe.Chosen.Accuracy:p1} at {probe.Chosen.LearningRate}");
/// </code></example>
public sealed partial class LinearProbe : IFeatureClassifier
{
    private readonly Tensor _weight, _bias;

    private LinearProbe(Tensor weight, Tensor bias, IReadOnlyList<LinearProbeAccuracy> sweep, LinearProbeAccuracy chosen) =>
        (_weight, _bias, Sweep, Chosen) = (weight, bias, sweep, chosen);

    /// <summary>Width D of the features.</summary>
    public int Dimension => (int)_weight.shape[1];

    /// <summary>Number of classes C.</summary>
    public int NumberOfClasses => (int)_weight.shape[0];

    /// <summary>What every learning rate came to, in the options' order.</summary>
    public IReadOnlyList<LinearProbeAccuracy> Sweep { get; }

    /// <summary>The learning rate whose weights this probe has: the best on the validation rows, of equal ones the lowest.</summary>
    public LinearProbeAccuracy Chosen { get; }

    /// <summary>Trains on fixed features.</summary>
    /// <param name="features">Training features (N,D), float, on the device to train on.</param>
    /// <param name="labels">Class of each row (N), int64, 0 to <paramref name="numberOfClasses"/> − 1; at least two classes occur.</param>
    /// <param name="numberOfClasses">Number of classes C, at least 2.</param>
    /// <param name="options">Options. Null means the defaults.</param>
    /// <param name="validationFeatures">Features (M,D) that every rate is measured on. They are needed where there is a choice to make: several
    /// learning rates, or the best epoch.</param>
    /// <param name="validationLabels">Classes of the validation rows (M).</param>
    /// <exception cref="ArgumentException">Shapes that do not fit, features that are not finite, labels or options out of range, validation rows missing.
    /// </exception>
    /// <exception cref="InvalidOperationException">Training diverged at every learning rate.</exception>
    public static LinearProbe Train(Tensor features, Tensor labels, int numberOfClasses, LinearProbeOptions? options = null,
        Tensor? validationFeatures = null, Tensor? validationLabels = null)
    {
        ArgumentNullException.ThrowIfNull(features);
        return Train(_ => features, labels, numberOfClasses, options, validationFeatures, validationLabels);
    }

    /// <summary>Trains on features that change from epoch to epoch, as those of augmented images do.</summary>
    /// <param name="epochFeatures">Gives the features (N,D) of an epoch, which counts from 0; rows are in the labels' order. What it gives for epoch 0
    /// is asked for once. The caller keeps ownership of the tensors.</param>
    /// <inheritdoc cref="Train(Tensor, Tensor, int, LinearProbeOptions, Tensor, Tensor)"/>
    public static LinearProbe Train(Func<int, Tensor> epochFeatures, Tensor labels, int numberOfClasses, LinearProbeOptions? options = null,
        Tensor? validationFeatures = null, Tensor? validationLabels = null)
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
            FeatureRows.Check(validationFeatures!, validationLabels!, numberOfClasses, nameof(validationFeatures), nameof(validationLabels));
            FeatureRows.CheckWidth(validationFeatures!, (int)features.shape[1], nameof(validationFeatures));
        }
        else if (options.LearningRates.Count > 1 || options.KeepsBestEpoch)
        {
            throw new ArgumentException(
                "There are no validation rows, but LearningRates has several to choose from, or KeepsBestEpoch an epoch.", nameof(validationFeatures));
        }

        using var scope = NewDisposeScope();
        using var mode = no_grad();
        var device = features.device;
        labels = labels.to(device);
        if (labels.min().item<long>() == labels.max().item<long>())
            throw new ArgumentException($"All {labels.shape[0]} labels are {labels.min().item<long>()}; expected at least two classes.", nameof(labels));

        int batch = (int)Math.Min(options.BatchSize, features.shape[0]);
        double scale = options.ScalesLearningRate ? batch / 256.0 : 1;
        var (weight, bias) = Initial(numberOfClasses, features.shape[1], options, device);
        using var sweep = new LinearProbeSweep(weight, bias, options, [.. options.LearningRates.Select(rate => rate * scale)]);
        var kept = new KeptWeights(sweep, validates ? (validationFeatures!.to(device), validationLabels!.to(device)) : null);
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
            if (options.KeepsBestEpoch || epoch == options.Epochs - 1) kept.Offer(epoch + 1);
        }

        LinearProbeAccuracy[] results = [.. options.LearningRates.Select((rate, r) => new LinearProbeAccuracy(
            rate, rate * scale, batch, kept.Epochs[r], losses[r], kept.Accuracies[r].Top1, kept.Accuracies[r].TopK, LabelRank.TopK(numberOfClasses)))];
        int best = Enumerable.Range(0, results.Length).OrderByDescending(r => results[r].Accuracy).ThenBy(r => results[r].LearningRate).First();
        var (chosenWeight, chosenBias) = kept.Of(best);
        if (!chosenWeight.isfinite().all().item<bool>() || !chosenBias.isfinite().all().item<bool>())
            throw new InvalidOperationException($"Training diverged at every learning rate ({string.Join(", ", options.LearningRates)}): the features are too large.");
        return new(chosenWeight.DetachFromDisposeScope(), chosenBias.DetachFromDisposeScope(), results, results[best]);
    }

    /// <summary>Scores before the softmax, x·Wᵀ + b.</summary>
    /// <param name="features">Features (N,D), float.</param>
    /// <returns>Logits (N,C) on the probe's device; the caller disposes of them.</returns>
    /// <exception cref="ArgumentException">The width is not that of the training features.</exception>
    public Tensor Score(Tensor features)
    {
        FeatureRows.CheckWidth(features, Dimension, nameof(features));
        using var scope = NewDisposeScope();
        using var mode = no_grad();
        return addmm(_bias, features.to(_weight.device), _weight.transpose(0, 1), 1, 1).MoveToOuterDisposeScope();
    }

    /// <summary>Class probabilities, the softmax of <see cref="Score"/>.</summary>
    /// <inheritdoc cref="Score"/>
    /// <returns>Probabilities (N,C), each row summing to 1, on the probe's device; the caller disposes of them.</returns>
    public Tensor Probabilities(Tensor features)
    {
        using var scope = NewDisposeScope();
        return Score(features).softmax(-1).MoveToOuterDisposeScope();
    }

    /// <summary>Accuracy on labelled features.</summary>
    /// <param name="features">Features (N,D), float.</param>
    /// <param name="labels">Class of each row (N), int64, 0 to C − 1.</param>
    /// <exception cref="ArgumentException">Shapes that do not fit, features that are not finite, labels out of range.</exception>
    public ProbeAccuracy Accuracy(Tensor features, Tensor labels)
    {
        FeatureRows.Check(features, labels, NumberOfClasses);
        using var scope = NewDisposeScope();
        return LabelRank.Accuracy(Score(features), labels.to(_weight.device));
    }

    /// <summary>Frees the weights.</summary>
    public void Dispose()
    {
        _weight.Dispose();
        _bias.Dispose();
    }

    private static (Tensor Weight, Tensor Bias) Initial(int classes, long width, LinearProbeOptions options, Device device)
    {
        using var generator = new Generator((ulong)options.Seed, CPU);
        var weight = zeros(classes, width);
        if (options.Initialization == ProbeInitialization.Normal) weight.normal_(0, 0.01, generator);
        // By the inverse distribution function: the normal distribution has this share within two deviations.
        const double Within = 0.954499736;
        if (options.Initialization == ProbeInitialization.TruncatedNormal)
            weight.uniform_(-Within, Within, generator).erfinv_().mul_(Math.Sqrt(2.0 / width));
        return (weight.to(device), zeros(classes, device: device));
    }
}
