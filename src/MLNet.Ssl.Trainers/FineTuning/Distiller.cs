using MLNet.Ssl.FineTuning;
using MLNet.Ssl.Methods;
using MLNet.Ssl.Networks;
using MLNet.Ssl.Optimization;
using MLNet.Ssl.Runs;
using MLNet.Ssl.Tensors;
using TorchSharp;
using static TorchSharp.torch;

namespace MLNet.Ssl;

/// <summary>Trains a student by what a classifier says of images, which need no labels (SimCLR v2: Chen et al., arXiv 2006.10029, section 2).</summary>
public static class Distiller
{
    /// <summary>Distils the teacher, on the teacher's device.</summary>
    /// <param name="images">The training images.</param>
    /// <param name="labels">Class of every image from 0, or −1 for none; null for none at all.</param>
    /// <param name="teacher">The classifier; it stays as it is, and is asked in evaluation mode.</param>
    /// <param name="options">How; null means all defaults.</param>
    /// <exception cref="ArgumentException">An option or a label is out of range, or there are not two images; thrown before training.</exception>
    /// <exception cref="ArithmeticException">The loss is not finite.</exception>
    /// <exception cref="OperationCanceledException">The options' token was cancelled.</exception>
    public static ImageClassifier Fit(ImageStore images, IReadOnlyList<int>? labels, ImageClassifier teacher, DistillOptions? options = null)
    {
        ArgumentNullException.ThrowIfNull(images);
        ArgumentNullException.ThrowIfNull(teacher);
        var known = labels ?? [.. Enumerable.Repeat(-1, images.Count)];
        FineTuner.CheckLabels(images, known, teacher.NumberOfClasses, least: -1);
        int size = FineTuner.SizeOf(teacher.Preprocessing);
        options = (options ?? new()).Resolve(teacher.Backbone, images.Count, size);
        options.Validate(images.Count);
        if (options.Alpha < 1 && known.All(label => label < 0))
            throw new ArgumentException($"Alpha is {options.Alpha}, but no image has a label; without labels it must be 1.", nameof(DistillOptions.Alpha));
        var backbone = options.Student ?? teacher.Backbone;
        if (backbone.TakesTables) throw new ArgumentException($"Student is {backbone.GetType().Name}, which takes rows of a table.", nameof(DistillOptions.Student));
        backbone.ValidateViewSize(size);

        using var generator = new Generator(SplitMix64.Hash((ulong)options.Seed!.Value, 1), CPU);
        var features = backbone.Create(generator);
        if (options.StartFromTeacher) features.load_state_dict(teacher.Network.Features.state_dict());
        var student = new ClassifierNetwork(features, null, 0, teacher.NumberOfClasses, generator).to(teacher.Device);
        using (var method = new Distillation(student, teacher.Network, options))
        {
            SupervisedRun.Train(method, images, known, FineTuner.Recipe(teacher.Preprocessing, options), options, options.CreatePlan(), teacher.Device);
        }
        return new(new(student, teacher.Preprocessing, teacher.Device), backbone);
    }

    private sealed class Distillation : Method
    {
        private readonly ClassifierNetwork _student, _teacher;
        private readonly DistillOptions _options;

        public Distillation(ClassifierNetwork student, ClassifierNetwork teacher, DistillOptions options)
        {
            (_student, _teacher, _options) = (student, teacher, options);
            Parameters = new(student);
            SamplesAreIndependent = !student.buffers().Any();
        }

        public override FlatParameters Parameters { get; }

        public override Backbone Encoder => _student.Features;

        public override IEnumerable<(string Name, Tensor Value)> State => StateOf("student", _student);

        public override bool SamplesAreIndependent { get; }

        public override MethodOutput Forward(IReadOnlyList<Tensor> views, StepClock clock, int shard)
        {
            Tensor teacher;
            using (no_grad()) teacher = _teacher.call(views[0]);
            var student = _student.call(views[0]);
            var loss = DistillationLoss.WithLabels(student, teacher, views[1], _options.Alpha, _options.Temperature!.Value, _options.TemperatureSquared);
            return new(loss, student.detach());
        }

        // The networks outlive the training.
        protected override void Dispose(bool disposing)
        {
            if (disposing) Parameters.Dispose();
        }
    }
}
