using MLNet.Ssl.Data;
using MLNet.Ssl.Methods;
using MLNet.Ssl.Options;
using MLNet.Ssl.Runs;

namespace MLNet.Ssl;

/// <summary>
/// Measures a run while it learns: every few epochs a copy of the encoder embeds labelled rows, and a weighted kNN that
/// remembers the training ones classifies the test ones (<see cref="WeightedKnn"/>, temperature 0.07). The run learns
/// the same weights, bit by bit, with and without it. Where the run writes checkpoints
/// (<see cref="TrainingOptions.CheckpointFolder"/>), one is written whenever the accuracy is the best so far, and the
/// best one is kept beside the newest.
/// </summary>
/// <example><code>
/// var evaluation = new OnlineEvaluation(trainImages, trainLabels, testImages, testLabels)
/// {
///     EveryEpochs = 5,
///     BestEncoderPath = "best.safetensors",
/// };
/// using var encoder = Pretrainer.Fit(unlabelled, new DinoOptions { Evaluation = evaluation });
/// </code></example>
public sealed record OnlineEvaluation : IMeasurement
{
    /// <summary>Evaluates on images.</summary>
    /// <param name="trainImages">Images that the kNN remembers.</param>
    /// <param name="trainLabels">Their classes, from 0.</param>
    /// <param name="testImages">Images that it classifies.</param>
    /// <param name="testLabels">Their classes, from 0.</param>
    /// <exception cref="ArgumentException">A set is empty, a label negative, or there are not as
    /// many labels as images.</exception>
    public OnlineEvaluation(ImageStore trainImages, IReadOnlyList<int> trainLabels, ImageStore testImages,
        IReadOnlyList<int> testLabels)
    {
        TrainRows = EvaluationRows.Of(trainImages, trainLabels, nameof(trainLabels));
        TestRows = EvaluationRows.Of(testImages, testLabels, nameof(testLabels));
    }

    /// <inheritdoc cref="OnlineEvaluation(ImageStore, IReadOnlyList{int}, ImageStore, IReadOnlyList{int})"/>
    internal OnlineEvaluation(IImageSource trainImages, IReadOnlyList<int> trainLabels, IImageSource testImages,
        IReadOnlyList<int> testLabels)
    {
        TrainRows = EvaluationRows.Of(trainImages, trainLabels, nameof(trainLabels));
        TestRows = EvaluationRows.Of(testImages, testLabels, nameof(testLabels));
    }

    /// <summary>Evaluates on rows of a table.</summary>
    /// <param name="trainRows">Rows that the kNN remembers; they stay the caller's.</param>
    /// <param name="trainLabels">Their classes, from 0.</param>
    /// <param name="testRows">Rows that it classifies; they stay the caller's.</param>
    /// <param name="testLabels">Their classes, from 0.</param>
    /// <exception cref="ArgumentException">A label is negative, or there are not as many labels as rows.</exception>
    public OnlineEvaluation(TableStore trainRows, IReadOnlyList<int> trainLabels, TableStore testRows,
        IReadOnlyList<int> testLabels)
    {
        TrainRows = EvaluationRows.Of(trainRows, trainLabels, nameof(trainLabels));
        TestRows = EvaluationRows.Of(testRows, testLabels, nameof(testLabels));
    }

    /// <summary>Epochs from one measurement to the next; the end of the last epoch is always measured.</summary>
    /// <value>Default 1, range 1 and up.</value>
    public int EveryEpochs { get; init; } = 1;

    /// <summary>Neighbours k that vote; more than there are training rows means all.</summary>
    /// <value>Default 20, range 1 and up.</value>
    public int NumberOfNeighbors { get; init; } = 20;

    /// <summary>
    /// Ends the run, which returns what it learned, after so many measurements in a row that did not exceed
    /// the best accuracy: early stopping.
    /// </summary>
    /// <value>Default null: the run goes to its end. Range 1 and up.</value>
    public int? Patience { get; init; }

    /// <summary>
    /// Whether <c>Fit</c> returns the encoder of the best accuracy instead of the last one. In a resumed run it may be
    /// that of a checkpoint. Checkpoints stay what they are: states of the run.
    /// </summary>
    /// <value>Default false.</value>
    public bool ReturnBest { get; init; }

    /// <summary>
    /// File that holds the encoder of the best accuracy so far, as <see cref="Encoder.SaveSafeTensors(string)"/> writes
    /// it: replaced whenever a later one is better. A write that fails, say because the disk is full, ends the run with
    /// an <see cref="IOException"/>; the file before it stays.
    /// </summary>
    /// <value>Default null: none is written.</value>
    public string? BestEncoderPath { get; init; }

    /// <summary>Rows that the kNN remembers.</summary>
    internal EvaluationRows TrainRows { get; }

    /// <summary>Rows that it classifies.</summary>
    internal EvaluationRows TestRows { get; }

    internal void Validate(DataFacts facts)
    {
        Check.AtLeast(EveryEpochs, 1, "Evaluation.EveryEpochs");
        if (Patience is { } patience) Check.AtLeast(patience, 1, "Evaluation.Patience");
        Check.AtLeast(NumberOfNeighbors, 1, "Evaluation.NumberOfNeighbors");
        TrainRows.CheckKind(facts);
        TestRows.CheckKind(facts);
        if (BestEncoderPath is null) return;
        ArgumentException.ThrowIfNullOrWhiteSpace(BestEncoderPath, "Evaluation.BestEncoderPath");
        string folder = Path.GetDirectoryName(Path.GetFullPath(BestEncoderPath)) ?? BestEncoderPath;
        if (!Directory.Exists(folder) || Directory.Exists(BestEncoderPath))
        {
            throw new ArgumentException(
                $"Evaluation.BestEncoderPath is '{BestEncoderPath}'; expected a file in a folder that exists.",
                nameof(BestEncoderPath));
        }
    }
}
