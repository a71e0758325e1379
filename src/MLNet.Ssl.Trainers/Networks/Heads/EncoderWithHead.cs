using MLNet.Ssl.Distributed;
using static TorchSharp.torch;

namespace MLNet.Ssl.Networks;

/// <summary>A backbone with what training puts on it: a head, and on the online side of
/// some methods a predictor.</summary>
/// <remarks>State-dict names begin with <c>backbone.</c>, <c>head.</c> and <c>predictor.</c>; initial
/// weights go to the first.</remarks>
public sealed class EncoderWithHead : nn.Module<Tensor, Tensor>
{
    // Field names are state-dict names; the predictor comes last, so that a network
    // without one is a prefix of one with it.
    private readonly Backbone backbone;
    private readonly nn.Module<Tensor, Tensor> head;
    private readonly nn.Module<Tensor, Tensor>? predictor;
    private readonly nn.Module<Tensor, Tensor>? second_head;

    /// <summary>Puts the modules together, which it takes over.</summary>
    /// <param name="backbone">Images (B,3,H,W) or rows (B,columns) to features (B,D).</param>
    /// <param name="head">Features to (B,d).</param>
    /// <param name="predictor">(B,d) to (B,d); null for none.</param>
    /// <param name="secondHead">Features to what another loss asks for; null for none.</param>
    public EncoderWithHead(
        Backbone backbone, nn.Module<Tensor, Tensor> head, nn.Module<Tensor, Tensor>? predictor = null,
        nn.Module<Tensor, Tensor>? secondHead = null)
        : base(nameof(EncoderWithHead))
    {
        this.backbone = backbone;
        this.head = head;
        this.predictor = predictor;
        second_head = secondHead;
        RegisterComponents();
    }

    /// <summary>The backbone.</summary>
    public Backbone Backbone => backbone;

    /// <summary>The head.</summary>
    public nn.Module<Tensor, Tensor> Head => head;

    /// <summary>The last module's output (B,d).</summary>
    /// <param name="input">What the backbone takes.</param>
    public override Tensor forward(Tensor input) => Pass(input).Output;

    /// <summary>
    /// The backbone's features and the last module's output. With more than one group, each consecutive part of the
    /// batch goes through on its own, with its own batch statistics, as on so many devices. Both are in single
    /// precision. The input may be that of a later stage of the backbone.
    /// </summary>
    /// <param name="input">What the backbone, or its stage, takes.</param>
    /// <param name="groups">Parts of the batch. Default 1.</param>
    /// <param name="stage">The stage of the backbone that takes the input. Default 0, the first.</param>
    /// <remarks>Of several processes each passes its part of the groups.</remarks>
    public (Tensor Features, Tensor Output) Pass(Tensor input, int groups = 1, int stage = 0)
    {
        if (groups > 1)
        {
            using var own = BatchNorm.OfThisRank();
            var parts = Parts(input, groups).Select(part => Pass(part, 1, stage)).ToList();
            return (cat([.. parts.Select(p => p.Features)], 0), cat([.. parts.Select(p => p.Output)], 0));
        }
        // What autograd does not keep is freed, in a pass without gradient all but the results.
        using var scope = NewDisposeScope();
        var features = backbone.Run(input, stage, backbone.StageCount);
        var output = head.call(features);
        if (predictor is not null) output = predictor.call(output);
        return scope.MoveToOuter(features.to(ScalarType.Float32), output.to(ScalarType.Float32));
    }

    /// <summary>What a stage of the backbone is given, in groups as in <see cref="Pass"/>.</summary>
    internal Tensor InputOf(int stage, Tensor input, int groups = 1)
    {
        if (stage == 0) return input;
        if (groups == 1) return backbone.Run(input, 0, stage);
        using var own = BatchNorm.OfThisRank();
        return cat([.. Parts(input, groups).Select(part => backbone.Run(part, 0, stage))], 0);
    }

    private static Tensor[] Parts(Tensor input, int groups) => input.chunk(groups / Communicator.Current.Count);
}
