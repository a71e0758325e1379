using MLNet.Ssl.Options;

namespace MLNet.Ssl;

/// <summary>
/// i-Mix (Lee et al., arXiv 2010.08887): every sample of a batch is its own class; queries are mixed with each
/// other, and their targets with them.
/// </summary>
public sealed record IMixOptions : MixingOptions
{
    /// <summary>α of λ ~ Beta(α, α).</summary>
    /// <value>Default 1, the published value for images. Range above 0.</value>
    public double Alpha { get; init; } = 1;

    /// <summary><see cref="Mixer.Mixup"/> or <see cref="Mixer.CutMix"/>; CutMix draws one λ and one box for the batch,
    /// as the official code does.</summary>
    /// <value>Default <see cref="Mixer.Mixup"/>.</value>
    public Mixer Mixer { get; init; } = Mixer.Mixup;

    /// <summary>One λ for the batch instead of one for every sample.</summary>
    /// <value>Default false, as in the official code.</value>
    public bool SharedLambda { get; init; }

    /// <summary>
    /// Where queries are mixed, one of these for every pass: 0 is the image; of a ResNet 1 is what follows the stem,
    /// 2 what follows the first stage of blocks, and so on. More than one makes the manifold form of the official
    /// code (Verma et al., arXiv 1806.05236).
    /// </summary>
    /// <value>Default 0 alone. Range 0 to the stages of blocks plus 1 for a ResNet, 0 for every other backbone.</value>
    public IReadOnlyList<int> Layers { get; init; } = [0];

    /// <summary>Mixes the inputs of both views before, with labels unchanged, where no augmentation
    /// is known. Null for none.</summary>
    public InputMixOptions? InputMix { get; init; }

    /// <summary>All members, with the contents of lists.</summary>
    public override string ToString() => RecordText.Of(this);

    internal override string Name => "i-Mix";

    internal override void Validate(int batchSize, BackboneOptions backbone)
    {
        Check.Positive(Alpha, "Mixing.Alpha");
        if (Mixer is not (Mixer.Mixup or Mixer.CutMix))
            throw new ArgumentOutOfRangeException("Mixing.Mixer", Mixer,
                $"Mixing.Mixer is {Mixer}; for i-Mix it must be one of Mixup, CutMix.");
        if (backbone.TakesTables && Mixer != Mixer.Mixup)
            throw new ArgumentException($"Mixing.Mixer is {Mixer}, which cuts boxes out of images; for rows of a table "
                + "it must be Mixup.", "Mixing.Mixer");
        if (Layers is not { Count: >= 1 })
            throw new ArgumentException("Mixing.Layers is empty; it must hold at least one number, 0 for the input.");
        foreach (int layer in Layers)
        {
            if (layer >= 0 && layer < backbone.StageCount) continue;
            throw new ArgumentOutOfRangeException("Mixing.Layers", layer,
                $"Mixing.Layers holds {layer}; for {backbone.GetType().Name} " +
                (backbone.StageCount == 1 ? "it may hold 0 alone: only inputs are mixed."
                    : $"it must lie between 0 and {backbone.StageCount - 1}."));
        }
        if (InputMix is not { } input) return;
        Check.InRange(input.Auxiliaries, 1, batchSize, "Mixing.InputMix.Auxiliaries");
        Check.Positive(input.Alpha, "Mixing.InputMix.Alpha");
    }
}

/// <summary>InputMix (Lee et al., arXiv 2010.08887, section 4.1): every input has others mixed
/// in, and keeps its label.</summary>
public sealed record InputMixOptions
{
    /// <summary>
    /// Inputs that are mixed in. With one, λ ~ Beta(α, α) folded to at least ½ is kept; with more, ½
    /// + ½·w₀ with w ~ Dirichlet(α, …, α).
    /// </summary>
    /// <value>Default 2, the published value. Range 1 to the batch.</value>
    public int Auxiliaries { get; init; } = 2;

    /// <summary>α of the distribution.</summary>
    /// <value>Default 1. Range above 0.</value>
    public double Alpha { get; init; } = 1;
}
