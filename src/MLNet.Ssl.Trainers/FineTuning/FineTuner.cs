using MLNet.Ssl.Checkpoints;
using MLNet.Ssl.Data;
using MLNet.Ssl.FineTuning;
using MLNet.Ssl.Methods;
using MLNet.Ssl.Mixing;
using MLNet.Ssl.Networks;
using MLNet.Ssl.Optimization;
using MLNet.Ssl.Options;
using MLNet.Ssl.Tensors;
using TorchSharp;
using static TorchSharp.torch;
using static TorchSharp.torch.nn;

namespace MLNet.Ssl;

/// <summary>Trains a pretrained encoder further on labels, all of it, with a classifier on top.</summary>
public static class FineTuner
{
    /// <summary>Fine-tunes a copy of the encoder, on the encoder's device.</summary>
    /// <param name="images">The training images.</param>
    /// <param name="labels">Class of every image, from 0.</param>
    /// <param name="numberOfClasses">C, 2 and up.</param>
    /// <param name="encoder">Where it starts; it stays as it is.</param>
    /// <param name="options">How; null means all defaults.</param>
    /// <param name="log">Receives what was chosen, and where the run is saved.</param>
    /// <exception cref="ArgumentException">An option or a label is out of range, or there are not two images;
    /// thrown before training.</exception>
    /// <exception cref="NotSupportedException">The encoder's backbone does not say its
    /// <see cref="Backbone.Options"/>.</exception>
    /// <exception cref="ArithmeticException">The loss is not finite.</exception>
    /// <exception cref="OperationCanceledException">The options' token was cancelled; the message says where the run is
    /// saved.</exception>
    /// <exception cref="IOException">The folder of checkpoints cannot be written or is in use.</exception>
    /// <exception cref="InvalidDataException">All checkpoints of the run to resume are damaged.</exception>
    public static ImageClassifier Fit(
        ImageStore images, IReadOnlyList<int> labels, int numberOfClasses, ImageEncoder encoder,
        FineTuneOptions? options = null,
        Action<TrainingMessage>? log = null) =>
        Fit((IImageSource)images, labels, numberOfClasses, encoder, options, log);

    internal static ImageClassifier Fit(
        IImageSource images, IReadOnlyList<int> labels, int numberOfClasses, ImageEncoder encoder,
        FineTuneOptions? options,
        Action<TrainingMessage>? log)
    {
        ArgumentNullException.ThrowIfNull(encoder);
        CheckLabels(images, labels, numberOfClasses, least: 0);
        var backbone = OptionsOf(encoder.Backbone);
        int size = SizeOf(encoder.Preprocessing);
        options ??= new();
        options.Validation?.Validate(numberOfClasses);
        using var run = SupervisedRun.Open(
            options, (told, choices) => told.PlanFor(backbone, images.Count, size, choices), encoder.Preprocessing,
            images.Count, encoder.Device, log);
        int layers = encoder.ProjectionHead?.Layers ?? 0;
        if (options.HeadLayers > layers)
        {
            throw new ArgumentOutOfRangeException(nameof(options.HeadLayers), options.HeadLayers,
                $"HeadLayers is {options.HeadLayers}; the encoder " + (layers > 0
                    ? $"has a projection head of {layers} layers."
                    : "has no projection head: only one that SimCLR pretrained in this process has."));
        }
        using var generator = new Generator(run.WeightSeed, CPU);
        ClassifierNetwork Network() => Copy(encoder, backbone, options, numberOfClasses, generator);
        var network = Network();
        using (var method = new Supervised(network, options, backbone, run.Settings.Precision))
        {
            int top = ClassifierNetwork.Layers(backbone);
            var plan = run.Settings.Optimization(
                group => Math.Pow(run.Settings.LayerDecay, top - int.Parse(group[(group.IndexOf(' ') + 1)..])));
            run.Train(method, network, Network, plan, images, labels, ("Weights of the encoder", encoder.Backbone),
                encoder.Device);
        }
        return new(
            new(network, encoder.Preprocessing, encoder.Device)
            {
                Method = encoder.Method,
                Precision = run.Settings.Precision,
            }, backbone);
    }

    /// <summary>What can be said of the folder of checkpoints before the images are read.</summary>
    internal static void CheckFiles(SupervisedOptions options) => RunCheckpoints.CheckFolder(options);

    /// <summary>The images' labels, which are all there.</summary>
    internal static void CheckLabels(IImageSource images, IReadOnlyList<int> labels, int classes, int least)
    {
        ArgumentNullException.ThrowIfNull(images);
        ArgumentNullException.ThrowIfNull(labels);
        Check.AtLeast(classes, 2, "numberOfClasses");
        if (images.Count < 2) throw new ArgumentException(
            $"there are {images.Count} training images; expected 2 or more.", nameof(images));
        if (labels.Count != images.Count)
            throw new ArgumentException($"there are {labels.Count} labels for {images.Count} images.", nameof(labels));
        for (int i = 0; i < labels.Count; i++)
            if (labels[i] < least || labels[i] >= classes)
                throw new ArgumentException($"label {i} is {labels[i]}; expected {least} to {classes - 1}.",
                    nameof(labels));
    }

    internal static BackboneOptions OptionsOf(Backbone backbone) => backbone.Options
        ?? throw new NotSupportedException(
            $"{backbone.GetType().Name} cannot be copied, and so not be fine-tuned, as its "
            + $"{nameof(Backbone.Options)} are null: override them.");

    internal static int SizeOf(ImagePreprocessing preprocessing) => preprocessing.CropSize
        ?? throw new ArgumentException($"The encoder's "
            + $"{nameof(ImagePreprocessing)}.{nameof(ImagePreprocessing.CropSize)} is null; training needs images of "
            + "one size.");

    private static ClassifierNetwork Copy(ImageEncoder encoder, BackboneOptions backbone, FineTuneOptions options,
        int classes, Generator generator)
    {
        var features = backbone.WithDropPath(options.DropPathRate).Create(generator);
        features.load_state_dict(encoder.Backbone.state_dict());
        ProjectionHead? head = null;
        if (options.HeadLayers > 0)
        {
            head = new ProjectionHead(encoder.ProjectionHead!.Options, generator);
            head.load_state_dict(encoder.ProjectionHead.state_dict());
        }
        return new ClassifierNetwork(features, head, options.HeadLayers, classes, generator).to(encoder.Device);
    }

    /// <summary>Cross entropy with labels, of images that may be mixed in pairs.</summary>
    private sealed class Supervised : Method
    {
        private readonly ClassifierNetwork _network;
        private readonly FineTuneOptions _options;

        public Supervised(ClassifierNetwork network, FineTuneOptions options, BackboneOptions backbone,
            Precision precision)
        {
            (_network, _options) = (network, options);
            Parameters = new(network, (name, p) =>
            {
                bool decays = FlatParameters.ByRank(name, p) == FlatParameters.Decayed
                    && !name.EndsWith("pos_embed", StringComparison.Ordinal)
                    && !name.EndsWith("cls_token", StringComparison.Ordinal);
                return $"{(decays ? FlatParameters.Decayed : FlatParameters.Undecayed)} "
                    + $"{ClassifierNetwork.LayerOf(name, backbone)}";
            }, precision);
            SamplesAreIndependent = !network.buffers().Any();
        }

        public override FlatParameters Parameters { get; }

        public override Backbone Encoder => _network.Features;

        public override IEnumerable<(string Name, Tensor Value)> State => StateOf("network", _network);

        public override bool SamplesAreIndependent { get; }

        public override int? PartialBatchMultiple => 1;

        public override MethodOutput Forward(IReadOnlyList<Tensor> views, StepClock clock, int shard)
        {
            var (images, labels) = (views[0], views[1]);
            var (mixed, share) = Mix(images);
            var logits = _network.call(mixed).to(ScalarType.Float32);
            Tensor Loss(Tensor target) =>
                functional.cross_entropy(logits, target, label_smoothing: _options.LabelSmoothing);
            var loss = share == 1 ? Loss(labels) : Loss(labels).Mul(share).Add_(Loss(labels.flip(0)), 1 - share);
            return new(loss, logits.detach());
        }

        private (Tensor Images, float Share) Mix(Tensor images)
        {
            if (_options is { MixupAlpha: 0, CutMixAlpha: 0 }) return (images, 1);
            var random = HostRandom.OfThisPass();
            bool cut = _options.MixupAlpha == 0 || (_options.CutMixAlpha > 0 && random.Uniform() < 0.5);
            var partner = images.flip(0);
            float share = (float)random.Beta(cut ? _options.CutMixAlpha : _options.MixupAlpha);
            if (!cut) return (Mixers.Mixup(images, partner, [share]), share);
            int height = (int)images.size(2), width = (int)images.size(3);
            var box = MixBox.Around(random.Below(height), random.Below(width), height, width, share);
            return (Mixers.CutMix(images, partner, [box]), box.Share(height, width));
        }

        // The network outlives its training.
        protected override void Dispose(bool disposing)
        {
            if (!disposing) return;
            MixedPrecision.ToSinglePrecision(_network);
            Parameters.Dispose();
        }
    }
}
