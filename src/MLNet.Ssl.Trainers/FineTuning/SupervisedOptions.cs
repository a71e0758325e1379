using MLNet.Ssl.Distributed;
using MLNet.Ssl.FineTuning;
using MLNet.Ssl.Options;
using MLNet.Ssl.Runs;

namespace MLNet.Ssl;

/// <summary>Options that fine-tuning and distillation share. A null stands for Auto.</summary>
public abstract record SupervisedOptions : TrainingOptions
{
    private protected SupervisedOptions() => Epochs = 30;

    /// <summary>Weight decay; biases, normalisation weights, positions and class token have none.</summary>
    /// <value>Auto: 0.05 for AdamW, else 0. Range 0 and up.</value>
    public double? WeightDecay { get; init; }

    /// <summary>Smallest area share of a crop; images are cropped and flipped, nothing else.</summary>
    /// <value>Auto: 0.5 up to 64 pixels, else 0.08. Range above 0 to 1.</value>
    public double? MinCropScale { get; init; }

    /// <summary>Measures the classifier on labelled images while it learns, ends the run when it gets no better, and
    /// returns the best; the images do not reach the training.</summary>
    /// <value>Default null: no validation, and the last classifier is returned.</value>
    [OutsideOfTheRun]
    public ClassifierValidation? Validation { get; init; }

    /// <summary>Name of the kind of run, for its log and report.</summary>
    internal abstract string Name { get; }

    /// <summary>Resolves and checks the options for training this backbone on so many images of that size.</summary>
    private protected SupervisedSettings Plan(BackboneOptions backbone, int rows, int imageSize, Choices choices)
    {
        CheckLimits();
        Check.AtLeast(Epochs, 1);
        bool transformer = backbone.PrefersAdamW;
        string network = $"for {backbone.Describe()}";
        int batch = choices.BatchSize(this, 64, rows);
        var optimizer = choices.Optimizer(this, transformer ? OptimizerKind.AdamW : OptimizerKind.Sgd, network);
        double rate = choices.LearningRate(this, DefaultRate(optimizer), $"for {optimizer}");
        double decay = choices.Choose(WeightDecay, optimizer == OptimizerKind.AdamW ? 0.05 : 0, $"for {optimizer}");
        double scale = choices.Choose(MinCropScale, imageSize <= 64 ? 0.5 : 0.08, $"for images of {imageSize} pixels");
        Check.AtLeast(decay, 0, nameof(WeightDecay));
        Check.Positive(scale, nameof(MinCropScale));
        Check.InRange(scale, 0, 1, nameof(MinCropScale));
        return new()
        {
            Epochs = Epochs,
            BatchSize = batch,
            WarmupEpochs = choices.WarmupEpochs(this, transformer ? Math.Min(5, Epochs / 10) : 0, network),
            Seed = choices.Seed(this),
            Threads = choices.Threads(this, Communicator.Current.Processors),
            Precision = choices.Precision(this, possible: true),
            Optimizer = optimizer,
            LearningRate = rate,
            WeightDecay = decay,
            MinCropScale = scale,
        };
    }

    private protected virtual double DefaultRate(OptimizerKind optimizer) =>
        optimizer switch { OptimizerKind.AdamW => 0.00025, OptimizerKind.Lars => 0.04, _ => 0.05 };
}
