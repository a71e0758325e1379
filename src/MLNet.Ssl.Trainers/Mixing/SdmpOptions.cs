using MLNet.Ssl.Options;

namespace MLNet.Ssl;

/// <summary>
/// SDMP, a simple data mixing prior (Ren et al., arXiv 2206.07692): images that share a source through
/// mixing are positives of each other, by the share they have in common. The partner of image i is its
/// mirror n − 1 − i, so the batch must be even.
/// </summary>
public sealed record SdmpOptions : MixingOptions
{
    /// <summary>α of λ ~ Beta(α, α), which is drawn for every image and drawn in to [0.1, 0.9].</summary>
    /// <value>Default 1. Range above 0.</value>
    public double Alpha { get; init; } = 1;

    /// <summary>The mixer, or null for one of the three at random for every batch, as in the paper.</summary>
    public Mixer? Mixer { get; init; }

    /// <summary>Takes −log of the mixed probabilities, as the official code's last version, not the mix of the cross
    /// entropies. MoCo v3 only.</summary>
    /// <value>Default false: the paper's and the first release's form.</value>
    public bool LogMixture { get; init; }

    /// <summary>Adds mixed views to the two clean ones instead of putting one in the place of a clean
    /// one. MoCo v3 only; slower.</summary>
    /// <value>Default false.</value>
    public bool ExtraViews { get; init; }

    internal override string Name => "SDMP";

    internal override void Validate(int batchSize, BackboneOptions backbone)
    {
        if (backbone.TakesTables) throw new ArgumentException(
            "Mixing is SDMP, which mixes images; for rows of a table take i-Mix.", nameof(PretrainOptions.Mixing));
        Check.Positive(Alpha, "Mixing.Alpha");
        if (Mixer is { } mixer) Check.Defined(mixer, "Mixing.Mixer");
        if (batchSize % (2 * World.Size) != 0)
        {
            throw new ArgumentException($"BatchSize is {batchSize}; SDMP mixes images in pairs"
                + (World.Size == 1 ? ", so it must be even."
                    : $" on each of {World.Size} processes, so it must be a multiple of {2 * World.Size}."),
                nameof(PretrainOptions.BatchSize));
        }
    }
}
