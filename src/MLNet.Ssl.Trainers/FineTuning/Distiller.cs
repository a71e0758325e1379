using MLNet.Ssl.Data;
using MLNet.Ssl.FineTuning;
using MLNet.Ssl.Methods;
using MLNet.Ssl.Networks;
using MLNet.Ssl.Optimization;
using TorchSharp;
using static TorchSharp.torch;

namespace MLNet.Ssl;

/// <summary>Trains a student by what a classifier says of images, which need no labels (SimCLR v2: Chen et al.,
/// arXiv 2006.10029, section 2).</summary>
public static class Distiller
{
    /// <summary>Distils the teacher, on the teacher's device.</summary>
    /// <param name="images">The training images.</param>
    /// <param name="labels">Class of every image from 0, or −1 for none; null for none at all.</param>
    /// <param name="teacher">The classifier; it stays as it is, and is asked in evaluation mode.</param>
    /// <param name="options">How; null means all defaults.</param>
    /// <param name="log">Receives what was chosen, and where the run is saved.</param>
    /// <exception cref="ArgumentException">An option or a label is out of range, or there are not two images;
    /// thrown before training.</exception>
    /// <exception cref="ArithmeticException">The loss is not finite.</exception>
    /// <exception cref="OperationCanceledException">The options' token was cancelled; the message says where the run is
    /// saved.</exception>
    /// <exception cref="IOException">The folder of checkpoints cannot be written or is in use.</exception>
    /// <exception cref="InvalidDataException">All checkpoints of the run to resume are damaged.</exception>
    public static ImageClassifier Fit(
        ImageStore images, IReadOnlyList<int>? labels, ImageClassifier teacher, DistillOptions? options = null,
        Action<TrainingMessage>? log = null) =>
        Fit((IImageSource)images, labels, teacher, options, log);

    internal static ImageClassifier Fit(
        IImageSource images, IReadOnlyList<int>? labels, ImageClassifier teacher, DistillOptions? options,
        Action<TrainingMessage>? log)
    {
        ArgumentNullException.ThrowIfNull(images);
        ArgumentNullException.ThrowIfNull(teacher);
        var known = labels ?? [.. Enumerable.Repeat(-1, images.Count)];
        FineTuner.CheckLabels(images, known, teacher.NumberOfClasses, least: -1);
        int size = FineTuner.SizeOf(teacher.Preprocessing);
        options ??= new();
        options.Validation?.Validate(teacher.NumberOfClasses);
        var backbone = options.Student ?? teacher.Backbone;
        using var run = SupervisedRun.Open(
            options, (told, choices) =>
                told.PlanFor(teacher.Backbone, images.Count, size, choices), teacher.Preprocessing,
            images.Count, teacher.Device, log);
        if (options.Alpha < 1 && known.All(label => label < 0))
        {
            throw new ArgumentException(
                $"Alpha is {options.Alpha}, but no image has a label; without labels it must be 1.",
                nameof(options.Alpha));
        }
        if (backbone.TakesTables)
        {
            throw new ArgumentException(
                $"Student is {backbone.GetType().Name}, which takes rows of a table.", nameof(options.Student));
        }
        backbone.ValidateViewSize(size);

        using var generator = new Generator(run.WeightSeed, CPU);
        ClassifierNetwork Network() => new ClassifierNetwork(
            backbone.Create(generator), null, 0, teacher.NumberOfClasses, generator).to(teacher.Device);
        var student = Network();
        if (options.StartFromTeacher) student.Features.load_state_dict(teacher.Network.Features.state_dict());
        using (var method = new Distillation(student, teacher.Network, options, run.Settings))
        {
            run.Train(
                method, student, Network, run.Settings.Optimization(), images, known,
                ("Weights of the teacher", teacher.Network), teacher.Device);
        }
        return new(
            new(student, teacher.Preprocessing, teacher.Device) { Precision = run.Settings.Precision }, backbone);
    }

    private sealed class Distillation : Method
    {
        private readonly ClassifierNetwork _student, _teacher;
        private readonly DistillOptions _options;
        private readonly double _temperature;

        public Distillation(ClassifierNetwork student, ClassifierNetwork teacher, DistillOptions options,
            SupervisedSettings settings)
        {
            (_student, _teacher, _options, _temperature) = (student, teacher, options, settings.Temperature);
            Parameters = new(student, precision: settings.Precision);
            // How much a label weighs depends on how many of the batch there are.
            SamplesAreIndependent = !student.buffers().Any() && options.Alpha == 1;
        }

        public override FlatParameters Parameters { get; }

        public override Backbone Encoder => _student.Features;

        public override IEnumerable<(string Name, Tensor Value)> State => StateOf("student", _student);

        public override bool SamplesAreIndependent { get; }

        public override int? PartialBatchMultiple => 1;

        public override MethodOutput Forward(IReadOnlyList<Tensor> views, StepClock clock, int shard)
        {
            Tensor teacher;
            using (no_grad()) teacher = _teacher.call(views[0].to(ScalarType.Float32));
            var student = _student.call(views[0]).to(ScalarType.Float32);
            var loss = DistillationLoss.WithLabels(
                student, teacher, views[1], _options.Alpha, _temperature, _options.TemperatureSquared);
            return new(loss, student.detach());
        }

        // The networks outlive the training.
        protected override void Dispose(bool disposing)
        {
            if (!disposing) return;
            MixedPrecision.ToSinglePrecision(_student);
            Parameters.Dispose();
        }
    }
}
