using MLNet.Ssl.Mixing;
using MLNet.Ssl.Networks;
using MLNet.Ssl.Optimization;
using MLNet.Ssl.Tensors;
using TorchSharp;
using static TorchSharp.torch;

namespace MLNet.Ssl.Methods;

/// <summary>BYOL: an online network predicts, from one view, what its slow copy makes of the other; there are no
/// negatives (arXiv 2006.07733).</summary>
internal sealed class Byol : Method
{
    private readonly ByolOptions _options;
    private readonly double _targetMomentum;
    private readonly MomentumPair _pair;
    private readonly IMix? _mix;

    internal Byol(ByolOptions options, ByolSettings settings, MethodContext context)
    {
        (_options, _targetMomentum) = (options, settings.TargetMomentum);
        EncoderWithHead Network(bool withPredictor) => new EncoderWithHead(
            settings.Backbone.Create(context.Generator),
            new MlpHead(settings.Projector, context.Generator),
            withPredictor ? new MlpHead(settings.Predictor, context.Generator) : null).to(context.Device);
        _pair = new(
            Network(true), Network(false), settings.Optimizer == OptimizerKind.Sgd ? (_, _) =>
                FlatParameters.Decayed : null, context.Precision);
        _mix = options.Mixing is IMixOptions mixing ? new(mixing) : null;
    }

    /// <inheritdoc/>
    public override FlatParameters Parameters => _pair.Parameters;

    /// <summary>The online network's backbone.</summary>
    public override Backbone Encoder => _pair.Online.Backbone;

    internal override bool IsOfLinearLayers => Encoder.IsOfLinearLayers;

    /// <inheritdoc/>
    public override IEnumerable<(string Name, Tensor Value)> State => _pair.State();

    internal MomentumPair Pair => _pair;

    /// <inheritdoc/>
    public override int? PartialBatchMultiple => _options.BatchNormGroups == 1 ? 1 : 2 * _options.BatchNormGroups;

    /// <inheritdoc/>
    public override MethodOutput Forward(IReadOnlyList<Tensor> views, StepClock clock, int shard)
    {
        var random = HostRandom.OfThisPass();
        var (first, second) = _mix?.MixInputs(views[0], views[1], random) ?? (views[0], views[1]);
        // Every view is passed on its own, so that each has batch statistics of its own.
        var (online, targets) = Sides.Run(
            () => (First: Predict(first, random), Second: _options.Symmetric ? Predict(second, random) : default),
            () => (First: _options.Symmetric ? Target(first) : null, Second: Target(second)));
        var loss = Loss(online.First, targets.Second);
        if (_options.Symmetric) loss = loss.Add(Loss(online.Second, targets.First!));
        return new(loss, online.First.Features.detach());
    }

    /// <summary>Moves the target towards the new online parameters.</summary>
    public override void AfterStep(StepClock clock) => _pair.Update(MomentumAt(clock));

    /// <inheritdoc/>
    public override double? TeacherMomentum(StepClock clock) => MomentumAt(clock);

    private double MomentumAt(StepClock clock) => _options.ConstantMomentum
        ? _targetMomentum
        : Schedules.MomentumCosine(clock.Step, clock.TotalSteps, _targetMomentum);

    /// <inheritdoc/>
    protected override void Dispose(bool disposing)
    {
        if (disposing) _pair.Dispose();
    }

    private static Tensor Loss((Tensor Features, Tensor Prediction, SoftTargets? Targets) online, Tensor target) =>
        Contrast.SquaredDistance(
        Contrast.Logits(online.Prediction, target), online.Targets
            ?? SoftTargets.Diagonal(target.size(0), target.device));

    private Tensor Target(Tensor view) => _pair.Keys(view, _options.BatchNormGroups);

    private (Tensor Features, Tensor Prediction, SoftTargets? Targets) Predict(Tensor view, HostRandom random)
    {
        if (_mix is not null) return _mix.Pass(_pair.Online, view, view.size(0), _options.BatchNormGroups, random);
        var (features, prediction) = _pair.Online.Pass(view, _options.BatchNormGroups);
        return (features, prediction, null);
    }
}
