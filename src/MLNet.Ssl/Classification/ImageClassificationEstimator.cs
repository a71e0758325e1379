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
    private readonly Func<ImageRows, int, SupervisedOptions, Action<TrainingMessage>, ImageClassifier> _train;
    private readonly ImageClassificationTransformer? _teacher;
    private readonly ValidationView? _validation;
    private readonly int _seed;
    private readonly IHost _host;

    private ImageClassificationEstimator(
        MLContext context, string name, ImageClassificationColumns columns, string? label, bool keepUnlabeled,
        int imageSize, SupervisedOptions options,
        Func<ImageRows, int, SupervisedOptions, Action<TrainingMessage>, ImageClassifier> train,
        ImageClassificationTransformer? teacher = null)
    {
        columns.Validate();
        _ = ImageReading.Of(options, imageSize);
        _host = ((IHostEnvironment)context).Register(name);
        _seed = _host.Rand.Next();
        (_columns, _label, _keepUnlabeled, _imageSize, _options, _train, _teacher) =
            (columns, label, keepUnlabeled, imageSize, options, train, teacher);
    }

    private ImageClassificationEstimator(ImageClassificationEstimator other, ValidationView validation) =>
        (_columns, _label, _keepUnlabeled, _imageSize, _options, _train, _teacher, _seed, _host, _validation) =
        (other._columns, other._label, other._keepUnlabeled, other._imageSize, other._options, other._train,
            other._teacher, other._seed, other._host, validation);

    internal static ImageClassificationEstimator FineTune(
        MLContext context, ImageClassificationColumns columns, EmbeddingTransformer encoder, FineTuneOptions? options)
    {
        ArgumentNullException.ThrowIfNull(encoder);
        var images = encoder.ImageEncoder;
        return new(
            context, "FineTune", columns, columns.LabelColumnName, keepUnlabeled: false,
            FineTuner.SizeOf(images.Preprocessing), options ?? new(),
            (rows, classes, told, log) =>
                FineTuner.Fit(rows.Images, rows.Labels, classes, images, (FineTuneOptions)told, log));
    }

    internal static ImageClassificationEstimator Distill(
        MLContext context, ImageClassificationColumns columns, string? label, ImageClassificationTransformer teacher,
        DistillOptions? options)
    {
        ArgumentNullException.ThrowIfNull(teacher);
        var classifier = teacher.Classifier;
        return new(
            context, "Distill", columns, label, keepUnlabeled: true, FineTuner.SizeOf(classifier.Preprocessing),
            options ?? new(),
            (rows, _, told, log) =>
                Distiller.Fit(rows.Images, rows.Labels, classifier, (DistillOptions)told, log), teacher);
    }

    /// <summary>
    /// Measures the classifier while it learns, on labelled images (<see cref="ClassifierValidation"/>): early
    /// stopping, and the best classifier instead of the last one.
    /// </summary>
    /// <remarks>
    /// The accuracy is in the log and in <see cref="TrainingProgress.ValidationAccuracy"/>. It takes the place of
    /// <see cref="SupervisedOptions.Validation"/>.
    /// </remarks>
    /// <param name="validation">Images that are not trained on, in a column of the same name, and labels; rows without
    /// a label are left out.</param>
    /// <param name="labelColumnName">Column of the classes, a key by the same fitted <c>MapValueToKey</c> as what is
    /// learned; null for the name of the label that is trained on.</param>
    /// <param name="everyEpochs">Epochs from one measurement to the next; the end is always measured. Default 1, range
    /// 1 and up.</param>
    /// <param name="patience">Measurements without a better accuracy after which the run ends; null for none.</param>
    /// <param name="returnBest">Whether <see cref="Fit"/> returns the classifier of the best accuracy instead of the
    /// last one.</param>
    /// <returns>An estimator that also measures; this one stays as it is.</returns>
    /// <exception cref="ArgumentException">No label column is named, and none is trained on.</exception>
    public ImageClassificationEstimator WithValidation(
        IDataView validation, string? labelColumnName = null, int everyEpochs = 1, int? patience = null,
        bool returnBest = true)
    {
        ArgumentNullException.ThrowIfNull(validation);
        string label = labelColumnName ?? _label ?? throw new ArgumentException(
            "No label is trained on: name the column of the validation's.", nameof(labelColumnName));
        ArgumentException.ThrowIfNullOrEmpty(label, nameof(labelColumnName));
        return new(this, new(validation, label)
        {
            EveryEpochs = everyEpochs,
            Patience = patience,
            ReturnBest = returnBest,
        });
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
    /// <exception cref="ArgumentException">An option is out of range, or the labels have other classes than the
    /// teacher.</exception>
    /// <exception cref="InvalidOperationException">There is no row to learn from, or an image cannot be read; the
    /// message names column and row.</exception>
    /// <exception cref="ArithmeticException">The loss is not finite.</exception>
    /// <exception cref="InvalidDataException">All checkpoints of the run to resume are damaged.</exception>
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
            if (_teacher is not null)
                LabelColumn.CheckSame("the teacher and the training data", (ulong)classes, _teacher.Label, label.Value);
            classes = counted;
        }
        var annotations = label?.Annotations ?? _teacher!.Label;
        _validation?.Check(_columns.FeatureColumnName, classes, annotations);
        var reading = ImageReading.Of(_options, _imageSize);
        var log = RunLog.Of(_options, channel.Write);
        using var held = Validation(reading, log);
        var reader = new RowReader(input, images, label, _options.CancellationToken)
        {
            KeepUnlabeled = _keepUnlabeled,
            Log = log,
        };
        using var rows = ImageRows.Read(reader, reading, new(_options.OnUnreadableImage, _host));
        var told = _options with
        {
            DefaultSeed = _seed,
            Validation = held is null ? _options.Validation : _validation!.Of(held),
        };
        return new(_train(rows, classes, told, channel.Write), _columns, annotations, _host)
        {
            OnUnreadableImage = _options.OnUnreadableImage,
            InputType = images.Type,
            ApplyExifOrientation = _options.ApplyExifOrientation,
        };
    }

    private ImageRows? Validation(ImageReading reading, Action<TrainingMessage>? log)
    {
        if (_validation is null) return null;
        log?.Invoke(new(false, "The rows of the validation are read."));
        return _validation.Read(_columns.FeatureColumnName, reading, new(_options.OnUnreadableImage, _host),
            _options.CancellationToken);
    }
}
