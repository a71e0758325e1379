using Microsoft.ML;
using Microsoft.ML.Runtime;
using MLNet.Ssl.Classification;
using MLNet.Ssl.DataView;
using MLNet.Ssl.Hosting;
using MLNet.Ssl.Runs;

namespace MLNet.Ssl;

/// <summary>
/// Trains a classifier of images from an encoder (<see cref="FineTuner"/>) or from another classifier
/// (<see cref="Distiller"/>).
/// </summary>
/// <remarks>
/// <para><b>Input and output columns.</b> Images, or paths or bytes of image files, as
/// <see cref="PretrainingEstimator"/> takes them, and a label, which is a key. Added are the predicted label, a key
/// with the label's values, and <c>Score</c>, a vector of one probability per class, as ML.NET's multiclass trainers
/// add them, so that <c>MulticlassClassification.Evaluate</c> and <c>MapKeyToValue</c> take them.</para>
/// <para>It runs where the encoder or the teacher is.</para>
/// </remarks>
public sealed class ImageClassificationEstimator : IEstimator<ImageClassificationTransformer>
{
    private readonly ImageClassificationColumns _columns;
    private readonly string? _label;
    private readonly bool _keepUnlabeled;
    private readonly int _imageSize;
    private readonly SupervisedOptions _options;
    private readonly Func<ImageRows, int, int, Action<TrainingMessage>, ImageClassifier> _train;
    private readonly ImageClassificationTransformer? _teacher;
    private readonly int _seed;
    private readonly IHost _host;

    private ImageClassificationEstimator(
        MLContext context, string name, ImageClassificationColumns columns, string? label, bool keepUnlabeled,
        int imageSize, SupervisedOptions options, Func<ImageRows, int, int, Action<TrainingMessage>,
        ImageClassifier> train,
        ImageClassificationTransformer? teacher = null)
    {
        columns.Validate();
        _ = ImageReading.Of(options, imageSize);
        _host = ((IHostEnvironment)context).Register(name);
        _seed = _host.Rand.Next();
        (_columns, _label, _keepUnlabeled, _imageSize, _options, _train, _teacher) =
            (columns, label, keepUnlabeled, imageSize, options, train, teacher);
    }

    internal static ImageClassificationEstimator FineTune(
        MLContext context, ImageClassificationColumns columns, EmbeddingTransformer encoder, FineTuneOptions? options)
    {
        ArgumentNullException.ThrowIfNull(encoder);
        var (images, o) = (encoder.ImageEncoder, options ?? new());
        return new(
            context, "FineTune", columns, columns.LabelColumnName, keepUnlabeled: false,
            FineTuner.SizeOf(images.Preprocessing), o,
            (rows, classes, seed, log) =>
                FineTuner.Fit(rows.Images, rows.Labels, classes, images, o with { DefaultSeed = seed }, log));
    }

    internal static ImageClassificationEstimator Distill(
        MLContext context, ImageClassificationColumns columns, string? label, ImageClassificationTransformer teacher,
        DistillOptions? options)
    {
        ArgumentNullException.ThrowIfNull(teacher);
        var (classifier, o) = (teacher.Classifier, options ?? new());
        return new(
            context, "Distill", columns, label, keepUnlabeled: true, FineTuner.SizeOf(classifier.Preprocessing), o,
            (rows, _, seed, log) =>
                Distiller.Fit(rows.Images, rows.Labels, classifier, o with { DefaultSeed = seed }, log), teacher);
    }

    /// <inheritdoc/>
    /// <exception cref="ArgumentOutOfRangeException">A column is missing or of another type.</exception>
    public SchemaShape GetOutputSchema(SchemaShape inputSchema)
    {
        ArgumentNullException.ThrowIfNull(inputSchema);
        _ = InputColumn.Find(inputSchema, _columns.FeatureColumnName, _columns.FeatureColumnName);
        if (_label is not null)
            return inputSchema.With(MulticlassColumns.For(_columns, LabelColumn.Find(inputSchema, _label)));
        return inputSchema.With(MulticlassColumns.For(
            new DataViewSchema.Builder().ToSchema(), _columns, _teacher!.Classifier.NumberOfClasses, _teacher.Label));
    }

    /// <summary>Reads the images and their labels, and trains.</summary>
    /// <param name="input">The training data, read once. Fine-tuning leaves out rows whose label is missing;
    /// distillation learns from them too.</param>
    /// <returns>The classifier; dispose of it, or of the chain it is in, to free it.</returns>
    /// <exception cref="ArgumentOutOfRangeException">A column is missing or of another type.</exception>
    /// <exception cref="ArgumentException">An option is out of range, or the label counts other classes than the
    /// teacher.</exception>
    /// <exception cref="InvalidOperationException">There is no row to learn from, or an image cannot be read; the
    /// message names column and row.</exception>
    /// <exception cref="IOException">The folder of checkpoints cannot be written; thrown before the images are read, or
    /// when a checkpoint is written.</exception>
    /// <exception cref="OperationCanceledException">The options' token was cancelled, which is seen at the next row or
    /// step.</exception>
    public ImageClassificationTransformer Fit(IDataView input)
    {
        ArgumentNullException.ThrowIfNull(input);
        using var channel = _host.Start("Fit");
        FineTuner.CheckFiles(_options);
        var images = input.Schema.Find("input", _columns.FeatureColumnName, ColumnAdvice.LostImages);
        ImageColumn.Check(images, "input");
        int classes = _teacher?.Classifier.NumberOfClasses ?? 0;
        DataViewSchema.Column? label = null;
        if (_label is not null)
        {
            label = LabelColumn.Find(input.Schema, _label, out int counted);
            if (_teacher is not null && counted != classes)
                throw new ArgumentException(
                    $"Label column '{_label}' counts {counted} classes, the teacher {classes}. Map both by one "
                        + "fitted MapValueToKey.");
            classes = counted;
        }
        var reader = new RowReader(input, images, label, _options.CancellationToken)
        {
            KeepUnlabeled = _keepUnlabeled,
            Log = RunLog.Of(_options, channel.Write),
        };
        using var rows = ImageRows.Read(
            reader, ImageReading.Of(_options, _imageSize), new(_options.OnUnreadableImage, _host));
        return new(_train(rows, classes, _seed, channel.Write), _columns, label?.Annotations ?? _teacher!.Label, _host)
        {
            OnUnreadableImage = _options.OnUnreadableImage,
            InputType = images.Type,
            ApplyExifOrientation = _options.ApplyExifOrientation,
        };
    }
}
