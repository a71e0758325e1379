using MLNet.Ssl.Mixing;
using MLNet.Ssl.Networks;
using MLNet.Ssl.Optimization;
using MLNet.Ssl.Tensors;
using TorchSharp;
using static TorchSharp.torch;

namespace MLNet.Ssl.Methods;

/// <summary>
/// DINO: a student matches, from every crop, what a slowly moving teacher sees in the two global crops (arXiv
/// 2104.14294); with <see cref="SdmpOptions"/>, half of the local crops are mixed (arXiv 2206.07692).
/// </summary>
internal sealed class Dino : Method
{
    internal const string LastLayer = "last_layer";

    private readonly DinoOptions _options;
    private readonly MomentumPair _pair;
    private readonly DinoLoss _loss;
    private readonly Tensor?[] _teacherMeans;
    private readonly DinoSettings _settings;

    internal Dino(DinoOptions options, DinoSettings settings, MethodContext context)
    {
        (_options, _settings) = (options, settings);
        var backbone = settings.Backbone;
        var head = new DinoHeadOptions(backbone.EmbeddingDimension)
        {
            OutputDimension = settings.OutputDimension,
            HiddenDimension = options.HeadHiddenDimension,
            BottleneckDimension = options.HeadBottleneckDimension,
            BatchNorm = options.BatchNormInHead,
            NormLastLayer = options.NormLastLayer,
        };
        // Paths are dropped in the student alone.
        EncoderWithHead Network(double dropPath)
        {
            var network = backbone.WithDropPath(dropPath);
            return new EncoderWithHead(network.Create(context.Generator), new DinoHead(head, context.Generator))
                .to(context.Device);
        }
        _pair = new(Network(options.DropPathRate), Network(0),
            (name, p) => name.Contains(LastLayer, StringComparison.Ordinal) ? LastLayer
                : FlatParameters.ByRank(name, p), context.Precision);
        _loss = new(settings.OutputDimension, options.StudentTemperature, options.CenterMomentum, context.Device,
            settings.Centering);
        _teacherMeans = new Tensor?[context.Shards];
        SamplesAreIndependent = options is { Mixing: null, KoLeoWeight: 0 }
            && settings.Centering == DinoCentering.Mean && !Student.buffers().Any();
    }

    /// <inheritdoc/>
    public override FlatParameters Parameters => _pair.Parameters;

    /// <summary>The teacher's backbone.</summary>
    public override Backbone Encoder => Teacher.Backbone;

    /// <inheritdoc/>
    public override IEnumerable<(string Name, Tensor Value)> State =>
        [.. _pair.State("student", "teacher"), ("center", _loss.Center)];

    /// <summary>True unless batch normalisation, mixing, KoLeo or Sinkhorn–Knopp lets samples meet.</summary>
    public override bool SamplesAreIndependent { get; }

    internal EncoderWithHead Student => _pair.Online;

    internal EncoderWithHead Teacher => _pair.Target;

    internal DinoLoss Loss => _loss;

    /// <inheritdoc/>
    public override int? PartialBatchMultiple => _options is { Mixing: null, KoLeoWeight: 0 } ? 1 : 2;

    /// <inheritdoc/>
    public override MethodOutput Forward(IReadOnlyList<Tensor> views, StepClock clock, int shard)
    {
        Tensor teacher;
        using (no_grad())
        {
            teacher = Teach(views[0], views[1]);
            if (_settings.Centering == DinoCentering.Mean)
                _teacherMeans[shard] = teacher.mean([0], keepdim: true).DetachFromDisposeScope();
        }
        var mix = Mix(views);
        var features = BySize(Student.Backbone, mix is null ? views
            : [.. views.Take(views.Count - mix.Locals.Count), .. mix.Locals]);
        var student = Student.Head.call(features);
        double temperature = Schedules.TeacherTemperature(clock.Epoch, _options.WarmupTeacherTemperatureEpochs,
            _options.WarmupTeacherTemperature, _options.TeacherTemperature);
        long mixedRows = (mix?.Locals.Count ?? 0) * views[0].size(0);
        var (loss, targets) = _loss.Forward(student.narrow(0, 0, student.size(0) - mixedRows), teacher, temperature);
        if (mix is not null) loss =
            loss.Add(MixedLoss(mix, student.narrow(0, student.size(0) - mixedRows, mixedRows), targets, temperature));
        if (_options.KoLeoWeight > 0) loss = loss.Add(Spread(features, views[0].size(0)).Mul(_options.KoLeoWeight));
        using var noGrad = no_grad();
        var entropy = targets.mul(targets.ClampMin(1e-30).log()).sum()
            .Div(-targets.size(0) * Math.Log(targets.size(1)));
        return new(loss, features.narrow(0, 0, views[0].size(0)).detach().to(ScalarType.Float32), entropy);
    }

    /// <summary>Moves the centre if there is one, and the teacher towards the student.</summary>
    public override void AfterStep(StepClock clock)
    {
        if (_settings.Centering == DinoCentering.Mean)
        {
            using var scope = NewDisposeScope();
            var means = _teacherMeans.OfType<Tensor>().ToList();
            _loss.UpdateCenter(Ranks.Mean_(means.Count == 1 ? means[0] : stack(means).mean([0])));
            foreach (var mean in means) mean.Dispose();
            Array.Clear(_teacherMeans);
        }
        _pair.Update(MomentumAt(clock));
    }

    /// <inheritdoc/>
    public override double? TeacherMomentum(StepClock clock) => MomentumAt(clock);

    private double MomentumAt(StepClock clock) =>
        Schedules.WarmupCosine(clock.Step, clock.TotalSteps, 0, _settings.TeacherMomentum, 1);

    /// <summary>KoLeo of the global crops' features, each crop on its own: crops of an image
    /// shall not be driven apart.</summary>
    private static Tensor Spread(Tensor features, long batch) =>
        KoLeo.Loss(features.narrow(0, 0, batch)).Add(KoLeo.Loss(features.narrow(0, batch, batch)));

    private Tensor Teach(Tensor first, Tensor second)
    {
        using var scope = NewDisposeScope();
        return Teacher.Head.call(BySize(Teacher.Backbone, [first, second])).to(ScalarType.Float32)
            .MoveToOuterDisposeScope();
    }

    /// <summary>The second half of the local crops, mixed, and the teacher's logits of the
    /// global crops mixed alike.</summary>
    private MixedViews? Mix(IReadOnlyList<Tensor> views)
    {
        if (_options.Mixing is not SdmpOptions options) return null;
        var random = HostRandom.OfThisPass();
        var locals = views.Skip(views.Count - _options.LocalCrops / 2).ToList();
        var draw = new Sdmp(options, locals[0].size(0), (int)locals[0].size(2), (int)locals[0].size(3), random);
        using var noGrad = no_grad();
        return new([.. locals.Select(view => draw.Mix(view, random))],
            Teach(draw.Mix(views[0], random), draw.Mix(views[1], random)), draw.Shares);
    }

    /// <summary>
    /// The source teacher's term and the mixed teacher's, each the mean over both global crops and all mixed local
    /// ones. As they are linear in the teacher's probabilities, those of the two global crops are averaged first.
    /// </summary>
    private Tensor MixedLoss(MixedViews mix, Tensor student, Tensor cleanProbabilities, double temperature)
    {
        Tensor Average(Tensor probabilities) => probabilities.view(2, -1, probabilities.size(1)).mean([0]);
        var (clean, mixed) = (Average(cleanProbabilities), Average(_loss.Probabilities(mix.Teacher, temperature)));
        var (source, common) =
            (Sdmp.SourceTargets(mix.Shares, student.device), Sdmp.MixedTargets(mix.Shares, student.device));
        var terms = student.chunk(mix.Locals.Count)
            .Select(local => _loss.Mixed(local, clean, source).Add(_loss.Mixed(local, mixed, common)));
        return stack(terms).mean();
    }

    private sealed record MixedViews(IReadOnlyList<Tensor> Locals, Tensor Teacher, float[] Shares);

    /// <inheritdoc/>
    protected override void Dispose(bool disposing)
    {
        if (!disposing) return;
        _pair.Dispose();
        _loss.Dispose();
    }
}
