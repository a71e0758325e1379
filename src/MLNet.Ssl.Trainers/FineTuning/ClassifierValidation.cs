using MLNet.Ssl.Data;
using MLNet.Ssl.Methods;
using MLNet.Ssl.Options;
using MLNet.Ssl.Runs;

namespace MLNet.Ssl;

/// <summary>
/// Measures a classifier while it is fine-tuned or distilled: every few epochs a copy of it, in evaluation mode, names
/// the classes of images that are not trained on. The run can end when the accuracy no longer rises, and returns the
/// classifier of the best one. The run learns the same weights, bit by bit, with and without it. Where it writes
/// checkpoints (<see cref="TrainingOptions.CheckpointFolder"/>), one is written whenever the accuracy is the best so
/// far, and the best one is kept beside the newest.
/// </summary>
/// <remarks>
/// What is chosen by these images looks better on them than it is: a figure for others takes a test set of its own.
/// </remarks>
/// <example><code>
/// var options = new FineTuneOptions
/// {
///     Epochs = 100,
///     Validation = new(validationImages, validationLabels) { Patience = 10 },
/// };
/// using var classifier = FineTuner.Fit(images, labels, 10, encoder, options);
/// </code></example>
public sealed record ClassifierValidation : IMeasurement
{
    /// <summary>Validates on images.</summary>
    /// <param name="images">Images that are not trained on.</param>
    /// <param name="labels">Their classes, from 0.</param>
    /// <exception cref="ArgumentException">There are no images, a label is negative, or there are not as many labels as
    /// images.</exception>
    public ClassifierValidation(ImageStore images, IReadOnlyList<int> labels)
        : this((IImageSource)images, labels)
    {
    }

    /// <inheritdoc cref="ClassifierValidation(ImageStore, IReadOnlyList{int})"/>
    internal ClassifierValidation(IImageSource images, IReadOnlyList<int> labels) =>
        Rows = EvaluationRows.Of(images, labels, nameof(labels));

    /// <summary>Epochs from one measurement to the next; the end of the last epoch is always measured.</summary>
    /// <value>Default 1, range 1 and up.</value>
    public int EveryEpochs { get; init; } = 1;

    /// <summary>Ends the run after so many measurements in a row that did not exceed the best accuracy: early
    /// stopping.</summary>
    /// <value>Default null: the run goes to its end. Range 1 and up.</value>
    public int? Patience { get; init; }

    /// <summary>
    /// Whether the classifier of the best accuracy is returned, of several the earliest, instead of the last one. In a
    /// resumed run it may be that of a checkpoint. Checkpoints stay what they are: states of the run.
    /// </summary>
    /// <value>Default true.</value>
    public bool ReturnBest { get; init; } = true;

    /// <summary>The images.</summary>
    internal EvaluationRows Rows { get; }

    /// <summary>Refuses options that are out of range, and classes that the classifier does not have.</summary>
    internal void Validate(int classes)
    {
        Check.AtLeast(EveryEpochs, 1, "Validation.EveryEpochs");
        if (Patience is { } patience) Check.AtLeast(patience, 1, "Validation.Patience");
        int row = Array.FindIndex(Rows.Labels, label => label >= classes);
        if (row < 0) return;
        throw new ArgumentException(
            $"Label {row} of the validation is {Rows.Labels[row]}; expected 0 to {classes - 1}.",
            nameof(SupervisedOptions.Validation));
    }
}
