using MLNet.Ssl.Mixing;
using MLNet.Ssl.Networks;
using MLNet.Ssl.Optimization;
using MLNet.Ssl.Tensors;
using TorchSharp;
using static TorchSharp.torch;

namespace MLNet.Ssl.Methods;

/// <summary>
/// MoCo v3: a predictor's query finds the momentum network's key among the keys of the batch, in both directions (arXiv
/// 2104.02057); with <see cref="SdmpOptions"/> also among mixed images (arXiv 2206.07692).
/// </summary>
internal sealed class MoCoV3 : Method
{
    private readonly MoCoV3Settings _settings;
    private readonly SdmpOptions? _mixing;
    private readonly MomentumPair _pair;

    internal MoCoV3(MoCoV3Options options, MoCoV3Settings settings, MethodContext context)
        : this(options, settings, Network(settings, context, true), Network(settings, context, false),
            context.Precision)
    { }

    /// <remarks>For networks of one's own; the target lacks the predictor.</remarks>
    internal MoCoV3(
        MoCoV3Options options, MoCoV3Settings settings, EncoderWithHead online, EncoderWithHead target,
        Precision precision = Precision.Float32)
    {
        (_settings, _mixing) = (settings, options.Mixing as SdmpOptions);
        if (options.FreezePatchEmbedding)
        {
            foreach (var (name, parameter) in online.named_parameters())
                if (name is "backbone.patch_embed.proj.weight" or "backbone.patch_embed.proj.bias")
                    parameter.requires_grad = false;
        }
        // LARS leaves biases and norms alone; the official AdamW decays them too.
        _pair = new(online, target, settings.Optimizer == OptimizerKind.Lars ? null : (_, _) =>
            FlatParameters.Decayed, precision);
    }

    /// <inheritdoc/>
    public override FlatParameters Parameters => _pair.Parameters;

    /// <summary>The online network's backbone.</summary>
    public override Backbone Encoder => _pair.Online.Backbone;

    /// <inheritdoc/>
    public override IEnumerable<(string Name, Tensor Value)> State => _pair.State();

    internal MomentumPair Pair => _pair;

    private double Temperature => _settings.Temperature;

    /// <inheritdoc/>
    public override double? TeacherMomentum(StepClock clock) => MomentumAt(clock);

    /// <inheritdoc/>
    public override int? PartialBatchMultiple => _mixing is null ? 1 : 2;

    /// <inheritdoc/>
    public override MethodOutput Forward(IReadOnlyList<Tensor> views, StepClock clock, int shard)
    {
        double momentum = MomentumAt(clock);
        if (_mixing is not { } options)
        {
            var (loss, features, _) = Clean(views[0], views[1], momentum);
            return new(loss, features.detach());
        }
        var random = HostRandom.OfThisPass();
        var draw = new Sdmp(options, views[0].size(0), (int)views[0].size(2), (int)views[0].size(3), random);
        if (options.ExtraViews)
        {
            var query = _pair.Online.Pass(draw.Mix(views[3], random)).Output;
            var (clean, features, keys) = Clean(views[0], views[1], momentum);
            var (source, mixed) = Mixed(query, keys, _pair.Keys(draw.Mix(views[2], random)), draw.Shares);
            return new(clean.Add(source).Add(mixed), features.detach());
        }
        // Either recipe may make the mixed view, the same on all ranks, whose keys meet.
        bool swap = Ranks.Broadcast(random.Uniform() > 0.5 ? 1 : 0)[0] == 1;
        var (first, second) = swap ? (views[1], views[0]) : (views[0], views[1]);
        var terms = Replace(first, second, draw.Mix(first, random), draw.Mix(second, random), draw.Shares, momentum);
        return new(terms.Clean.Add(terms.Source).Add(terms.Mixed), terms.Features.detach());
    }

    /// <summary>SDMP with the second view replaced by its mix; the terms carry their weights 1, ½, ½.</summary>
    internal (Tensor Clean, Tensor Source, Tensor Mixed, Tensor Features) Replace(
        Tensor first, Tensor second, Tensor firstMixed, Tensor secondMixed, float[] shares, double momentum)
    {
        var (((features, query), mixedQuery), (firstKeys, mixedKeys, secondKeys)) = Sides.Run(
            () => (_pair.Online.Pass(first), _pair.Online.Pass(secondMixed).Output),
            () =>
            {
                _pair.Update(momentum);
                return (_pair.Keys(first), _pair.Keys(firstMixed), _pair.Keys(second));
            });
        var (source, mixed) = Mixed(mixedQuery, firstKeys, mixedKeys, shares);
        return (Loss(query, secondKeys, Temperature), source, mixed, features);
    }

    /// <summary>2T·CE of normalised queries against the keys of the whole batch, that of all processes, each row by its
    /// own index or by <paramref name="targets"/>.</summary>
    internal static Tensor Loss(Tensor queries, Tensor keys, double temperature, SoftTargets? targets = null,
        bool logMixture = false)
    {
        var logits = Contrast.Logits(queries, Ranks.Gather(keys), temperature);
        targets = (targets ?? SoftTargets.Diagonal(queries.size(0), queries.device))
            .Shifted(Ranks.Rank * queries.size(0));
        return (logMixture ? Contrast.LogMixture(logits, targets) : Contrast.CrossEntropy(logits, targets))
            .Mul(2 * temperature);
    }

    /// <summary>SDMP's two terms, half of each: mixed queries among clean keys, and among mixed keys.</summary>
    internal static (Tensor Source, Tensor Mixed) MixedTerms(
        Tensor queries, Tensor keys, Tensor mixedKeys, float[] shares, double temperature, bool logMixture) =>
        (Loss(queries, keys, temperature, Sdmp.SourceTargets(shares, queries.device), logMixture).Mul(0.5),
        Loss(queries, mixedKeys, temperature, Sdmp.MixedTargets(shares, queries.device), logMixture).Mul(0.5));

    /// <inheritdoc/>
    protected override void Dispose(bool disposing)
    {
        if (disposing) _pair.Dispose();
    }

    /// <summary>The loss of two clean views, in both directions, and the first view's features and keys.</summary>
    private (Tensor Loss, Tensor Features, Tensor Keys) Clean(Tensor first, Tensor second, double momentum)
    {
        var (((features, firstQuery), secondQuery), (firstKeys, secondKeys)) = Sides.Run(
            () => (_pair.Online.Pass(first), _pair.Online.Pass(second).Output),
            () =>
            {
                _pair.Update(momentum);
                return (_pair.Keys(first), _pair.Keys(second));
            });
        return (Loss(firstQuery, secondKeys, Temperature).Add(Loss(secondQuery, firstKeys, Temperature)), features,
            firstKeys);
    }

    private (Tensor Source, Tensor Mixed) Mixed(Tensor queries, Tensor keys, Tensor mixedKeys, float[] shares) =>
        MixedTerms(queries, keys, mixedKeys, shares, Temperature, _mixing is { LogMixture: true });

    private double MomentumAt(StepClock clock) =>
        Schedules.MomentumCosine(clock.FractionalEpoch, clock.Epochs, _settings.KeyMomentum);

    private static EncoderWithHead Network(MoCoV3Settings settings, MethodContext context, bool withPredictor) =>
        new EncoderWithHead(
            settings.Backbone.Create(context.Generator),
            new MlpHead(settings.Projector, context.Generator),
            withPredictor ? new MlpHead(settings.Predictor, context.Generator) : null).to(context.Device);
}
