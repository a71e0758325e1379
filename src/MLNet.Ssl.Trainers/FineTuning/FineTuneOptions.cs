using MLNet.Ssl.FineTuning;
using MLNet.Ssl.Options;
using MLNet.Ssl.Runs;

namespace MLNet.Ssl;

/// <summary>
/// Options of <see cref="FineTuner"/>. Transformers follow DeiT's recipe (Touvron et al., arXiv 2012.12877) less its
/// augmentation, ResNets that of SimCLR v2 (Chen et al., arXiv 2006.10029, section 2).
/// </summary>
public sealed record FineTuneOptions : SupervisedOptions
{
    /// <summary>
    /// Layers of SimCLR's projection head that are kept and trained below the classifier: SimCLR v2
    /// keeps 1 of 3 for few labels, 0 for all. The encoder must have been pretrained by SimCLR with
    /// NT-Xent in this process: files hold no head.
    /// </summary>
    /// <value>Default 0, range 0 to the head's layers.</value>
    public int HeadLayers { get; init; }

    /// <summary>Factor of the learning rate from one layer to the one below it (layer-wise
    /// decay): 1 trains all alike.</summary>
    /// <value>Auto: 0.75 for a transformer, 1 for a ResNet. Range above 0 to 1.</value>
    public double? LayerDecay { get; init; }

    /// <summary>Stochastic depth of a transformer.</summary>
    /// <value>Default 0.1, range 0 to below 1.</value>
    public double DropPathRate { get; init; } = 0.1;

    /// <summary>Share of the target that is spread over all classes.</summary>
    /// <value>Default 0; DeiT has 0.1. Range 0 to below 1.</value>
    public double LabelSmoothing { get; init; }

    /// <summary>α of Mixup's λ ~ Beta(α, α), one for a batch whose images are mixed with those in
    /// reverse order; 0 for none. Processes, and of a transformer threads, do so with their part of a batch.</summary>
    /// <value>Default 0, range 0 and up; DeiT has 0.8.</value>
    public double MixupAlpha { get; init; }

    /// <summary>α of CutMix; with both, a batch has one of them at random.</summary>
    /// <value>Default 0, range 0 and up; DeiT has 1.</value>
    public double CutMixAlpha { get; init; }

    internal override string Name => "Fine-tuning";

    /// <summary>Resolves and checks the options for an encoder of this backbone.</summary>
    internal SupervisedSettings PlanFor(BackboneOptions backbone, int rows, int imageSize, Choices choices)
    {
        var settings = Plan(backbone, rows, imageSize, choices);
        double decay = choices.Choose(LayerDecay, backbone.DefaultLayerDecay, $"for {backbone.Describe()}");
        Check.AtLeast(HeadLayers, 0);
        Check.Positive(decay, nameof(LayerDecay));
        Check.InRange(decay, 0, 1, nameof(LayerDecay));
        Check.Below(DropPathRate, 0, 1);
        Check.Below(LabelSmoothing, 0, 1);
        Check.AtLeast(MixupAlpha, 0);
        Check.AtLeast(CutMixAlpha, 0);
        return settings with { LayerDecay = decay };
    }
}
